"""A verification as JSON: what is stored of it, printed, and answered over HTTP.

The fields are those of Sourcify's API v2 (docs.sourcify.dev); ``astralink`` is what it has no
field for: the block, the code hash, and how the immutables are bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.chain.records import BlockRef
from bridge.chain.wire import data as hex_data
from bridge.chain.wire import parse_data
from bridge.crypto.hashing import keccak256
from bridge.domain.verdicts import MatchKind
from bridge.verifier.match.auxdata import Auxdata
from bridge.verifier.match.compiled import Code, Compiled, Place
from bridge.verifier.match.proxies import Implementation, Proxy, ProxyKind
from bridge.verifier.match.request import parse_json
from bridge.verifier.match.transformation import Matched
from bridge.verifier.match.verifying import Standing, Verification

WORDS: Mapping[MatchKind, str | None] = {
    MatchKind.NO_MATCH: None,
    MatchKind.MATCH: "match",
    MatchKind.EXACT_MATCH: "exact_match",
}
FIELDS: Mapping[str, tuple[str, ...]] = {
    "abi": (),
    "metadata": (),
    "storageLayout": (),
    "userdoc": (),
    "devdoc": (),
    "sourceIds": (),
    "sources": (),
    "stdJsonInput": (),
    "signatures": (),
    "compilation": (
        "language",
        "compiler",
        "compilerVersion",
        "compilerSettings",
        "name",
        "fullyQualifiedName",
    ),
    "creationBytecode": (
        "onchainBytecode",
        "recompiledBytecode",
        "sourceMap",
        "linkReferences",
        "cborAuxdata",
        "transformations",
        "transformationValues",
    ),
    "runtimeBytecode": (
        "onchainBytecode",
        "recompiledBytecode",
        "sourceMap",
        "linkReferences",
        "cborAuxdata",
        "immutableReferences",
        "transformations",
        "transformationValues",
    ),
    "deployment": ("transactionHash", "blockNumber", "transactionIndex", "deployer"),
    "proxyResolution": ("isProxy", "proxyType", "implementations"),
    "astralink": (
        "blockNumber",
        "blockHash",
        "codeHash",
        "binding",
        "bindingReason",
        "runtimeReason",
        "creationReason",
        "proxy",
    ),
}
"""What may be asked for besides the match itself, with what each has in it."""


def summary(found: Verification) -> dict[str, Any]:
    """The match itself: Sourcify's words, null for none."""
    return {
        "match": WORDS[found.match],
        "creationMatch": WORDS[found.creation.kind],
        "runtimeMatch": WORDS[found.match],
        "chainId": str(found.standing.chain_id),
        "address": found.standing.address,
    }


def details(found: Verification) -> dict[str, Any]:
    """All of `FIELDS`."""
    compiled, request = found.compiled, found.compiled.request
    output = compiled.output
    metadata = output.get("metadata")
    return {
        "abi": compiled.abi,
        "metadata": parse_json(metadata, "metadata") if isinstance(metadata, str) else None,
        "storageLayout": output.get("storageLayout"),
        "userdoc": output.get("userdoc"),
        "devdoc": output.get("devdoc"),
        "sourceIds": {path: {"id": number} for path, number in compiled.source_ids.items()},
        "sources": {path: {"content": text} for path, text in request.sources.items()},
        "stdJsonInput": {
            "language": request.language,
            "sources": {path: {"content": text} for path, text in request.sources.items()},
            "settings": dict(request.settings),
        },
        "signatures": _signatures(compiled.abi),
        "compilation": {
            "language": request.language,
            "compiler": "solc" if request.language == "Solidity" else "vyper",
            "compilerVersion": compiled.compiler,
            "compilerSettings": dict(request.settings),
            "name": request.target.name,
            "fullyQualifiedName": str(request.target),
        },
        "creationBytecode": {
            "onchainBytecode": hex_data(found.made.init_code) if found.made else None,
            **_code(compiled, compiled.creation, "bytecode", found.creation),
        },
        "runtimeBytecode": {
            "onchainBytecode": hex_data(found.standing.code),
            "immutableReferences": _places(compiled.immutables),
            **_code(compiled, compiled.runtime, "deployedBytecode", found.runtime),
        },
        "deployment": _deployment(found),
        "proxyResolution": resolution(found.standing.proxy),
        "astralink": {
            "blockNumber": str(found.standing.block.number),
            "blockHash": hex_data(found.standing.block.hash),
            "codeHash": hex_data(found.standing.code_hash),
            "binding": found.binding.value,
            "bindingReason": found.binding_reason,
            "runtimeReason": found.runtime.reason,
            "creationReason": found.creation.reason,
            "proxy": proxy_json(found.standing.proxy),
        },
    }


def resolution(proxy: Proxy | None) -> dict[str, Any]:
    """A proxy as Sourcify's ``proxyResolution``."""
    if proxy is None:
        return {"isProxy": False, "proxyType": None, "implementations": []}
    return {
        "isProxy": True,
        "proxyType": proxy.kind.value,
        "implementations": [{"address": one.address} for one in proxy.implementations],
    }


def proxy_json(proxy: Proxy | None) -> dict[str, Any] | None:
    """A proxy with the code hashes of what stands behind it; `proxy_from` reads it."""
    if proxy is None:
        return None
    return {
        "kind": proxy.kind.value,
        "implementations": [_behind(one) for one in proxy.implementations],
        "beacon": _behind(proxy.beacon) if proxy.beacon else None,
        "arguments": hex_data(proxy.arguments),
    }


def proxy_from(value: Mapping[str, Any] | None) -> Proxy | None:
    """The proxy that `proxy_json` wrote."""
    if value is None:
        return None
    return Proxy(
        ProxyKind(value["kind"]),
        tuple(_implementation(one) for one in value["implementations"]),
        _implementation(value["beacon"]) if value["beacon"] else None,
        parse_data(value["arguments"]),
    )


def standing_from(record: Mapping[str, Any]) -> Standing:
    """The contract as it stood when it was verified, of a stored record, to be checked again."""
    own = record["astralink"]
    return Standing(
        int(record["chainId"]),
        record["address"],
        # Parent and time are not part of a verdict; the hash stands for both.
        BlockRef(int(own["blockNumber"]), parse_data(own["blockHash"], 32), bytes(32), 0),
        parse_data(record["runtimeBytecode"]["onchainBytecode"]),
        proxy_from(own["proxy"]),
    )


def _behind(one: Implementation) -> dict[str, str]:
    return {"address": one.address, "codeHash": hex_data(one.code_hash)}


def _implementation(value: Mapping[str, str]) -> Implementation:
    return Implementation(value["address"], parse_data(value["codeHash"], 32))


def _code(compiled: Compiled, code: Code, name: str, matched: Matched) -> dict[str, Any]:
    part = compiled.output["evm"].get(name) or {}
    return {
        "recompiledBytecode": hex_data(code.code),
        "sourceMap": part.get("sourceMap"),
        "linkReferences": part.get("linkReferences") or {},
        "cborAuxdata": _auxdata(code.auxdata),
        "transformations": [one.to_json() for one in matched.transformations],
        "transformationValues": matched.values.to_json(),
    }


def _auxdata(auxdata: Mapping[str, Auxdata]) -> dict[str, Any]:
    return {
        name: {"offset": one.offset, "value": hex_data(one.value)} for name, one in auxdata.items()
    }


def _places(places: tuple[Place, ...]) -> dict[str, list[dict[str, int]]]:
    found: dict[str, list[dict[str, int]]] = {}
    for one in places:
        found.setdefault(one.id, []).append({"start": one.offset, "length": one.length})
    return found


def _deployment(found: Verification) -> dict[str, Any]:
    if found.made is None:
        names = FIELDS["deployment"]
        return dict.fromkeys(names)
    transaction = found.made.transaction
    return {
        "transactionHash": hex_data(transaction.hash),
        "blockNumber": str(transaction.block_number),
        "transactionIndex": str(transaction.index),
        "deployer": found.made.creator,
    }


def _signatures(abi: list[dict[str, Any]]) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {"function": [], "event": [], "error": []}
    for entry in abi:
        if entry.get("type") in found and isinstance(entry.get("name"), str):
            inputs = ",".join(_type(one) for one in entry.get("inputs") or ())
            text = f"{entry['name']}({inputs})"
            digest = keccak256(text.encode())
            found[entry["type"]].append(
                {
                    "signature": text,
                    "signatureHash32": hex_data(digest),
                    "signatureHash4": hex_data(digest[:4]),
                }
            )
    return found


def _type(entry: Mapping[str, Any]) -> str:
    kind = str(entry.get("type"))
    if kind.startswith("tuple"):
        inner = ",".join(_type(one) for one in entry.get("components") or ())
        return f"({inner}){kind.removeprefix('tuple')}"
    return kind
