"""One contract as its compiler made it, with all places that a deployment may change."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.crypto.hashing import keccak256
from bridge.domain.errors import CompilerFailed, NoMatch, SourceRefused
from bridge.verifier.compilers.choice import Compiler, Compilers
from bridge.verifier.match.auxdata import Auxdata, at_end, vyper_at_end, vyper_immutables
from bridge.verifier.match.request import Request

SOLIDITY_OUTPUTS = [
    "abi",
    "metadata",
    "devdoc",
    "userdoc",
    "storageLayout",
    "evm.legacyAssembly",
    "evm.bytecode.object",
    "evm.bytecode.sourceMap",
    "evm.bytecode.linkReferences",
    "evm.deployedBytecode.object",
    "evm.deployedBytecode.sourceMap",
    "evm.deployedBytecode.linkReferences",
    "evm.deployedBytecode.immutableReferences",
]
FIRST_SELECTIVE = (0, 5, 0)
"""From here on only the contract that is asked for is compiled, with what its code carries."""
VYPER_OUTPUTS = [
    "abi",
    "devdoc",
    "userdoc",
    "evm.bytecode.object",
    "evm.deployedBytecode.object",
    "evm.deployedBytecode.sourceMap",
]
FIRST_WITH_AUXDATA = (0, 4, 7)
LAST_UNLISTED_AUXDATA = (0, 4, 11)
"""From 0.4.7 to 0.4.11 the auxdata is in the code, but not in the assembly."""
VYPER_ID = "0"
PLACEHOLDER_BYTES = 20
EDIT = "\n"
"""Put after each source, it changes the metadata's hash and no code."""
_HEX = re.compile(r"(?:[0-9a-f]{2})*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """``length`` bytes at ``offset`` that belong to the library or immutable ``id``."""

    id: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Code:
    """Compiled code; library addresses and immutables in it are zeros."""

    code: bytes
    libraries: tuple[Place, ...] = ()
    auxdata: Mapping[str, Auxdata] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A contract's creation and runtime code. Vyper appends its immutables (``appended``)."""

    request: Request
    compiler: str
    creation: Code
    runtime: Code
    immutables: tuple[Place, ...]
    appended: bool
    output: Mapping[str, Any] = field(repr=False)
    """The contract's part of the compiler's output."""
    source_ids: Mapping[str, int] = field(default_factory=dict)

    @property
    def abi(self) -> list[dict[str, Any]]:
        """The contract's ABI."""
        return list(self.output.get("abi") or ())

    @property
    def constructor(self) -> list[dict[str, Any]]:
        """The constructor's inputs; none where there is no constructor."""
        for entry in self.abi:
            if entry.get("type") == "constructor":
                return list(entry.get("inputs") or ())
        return []

    @property
    def optimized(self) -> bool:
        """Whether the optimizer was asked for."""
        optimizer = self.request.settings.get("optimizer")
        return isinstance(optimizer, dict) and bool(optimizer.get("enabled"))


def compile_request(compilers: Compilers, request: Request) -> Compiled:
    """The contract that ``request`` asks for, compiled by the very compiler it names.

    Solidity is compiled a second time, with changed metadata, where auxdata cannot be told from
    the same bytes put into the source. Raises what compilers raise; ``NoMatch`` for a contract
    that has no code.
    """
    compiler = compilers.find(request.language, request.version)
    if request.language == "Vyper":
        return _vyper(compilers, compiler, request)
    return _solidity(compilers, compiler, request)


def _solidity(compilers: Compilers, compiler: Compiler, request: Request) -> Compiled:
    path, name = request.target.path, request.target.name
    if request.version.release < FIRST_SELECTIVE:
        path = name = "*"
    selection = {path: {name: SOLIDITY_OUTPUTS}}
    output = compilers.compile(compiler, request.standard_json(selection))
    if not output.get("contracts"):  # its words then name those that there are
        names = request.standard_json({"*": {"*": ["abi"]}})
        output = compilers.compile(compiler, names)
    contract = _contract(request, output)
    creation, creation_libraries = _object(contract, "bytecode")
    runtime, runtime_libraries = _object(contract, "deployedBytecode")
    _refuse_empty(request, creation, runtime)
    release = request.version.release
    listed = [one for one in _auxdatas(contract["evm"].get("legacyAssembly")) if one]
    if release < FIRST_WITH_AUXDATA:
        found: tuple[Mapping[str, Auxdata], ...] = ({}, {})
    elif release <= LAST_UNLISTED_AUXDATA:
        ends = (at_end(code) for code in (creation, runtime))
        found = tuple({} if end is None else {"1": end} for end in ends)
    elif not listed:
        found = ({}, {})
    elif len(listed) == 1 and creation.count(listed[0]) <= 1 and runtime.count(listed[0]) <= 1:
        found = tuple(_only_place(code, listed[0]) for code in (creation, runtime))
    else:
        edited = _contract(
            request, compilers.compile(compiler, request.standard_json(selection, EDIT))
        )
        changed = list(_auxdatas(edited["evm"].get("legacyAssembly")))
        found = tuple(
            _changed_places(code, listed, _object(edited, name)[0], changed)
            for code, name in ((creation, "bytecode"), (runtime, "deployedBytecode"))
        )
    references = contract["evm"]["deployedBytecode"].get("immutableReferences") or {}
    immutables = tuple(
        Place(ast_id, int(one["start"]), int(one["length"]))
        for ast_id, places in references.items()
        for one in places
    )
    return Compiled(
        request,
        compiler.long_version,
        Code(creation, creation_libraries, found[0]),
        Code(runtime, runtime_libraries, found[1]),
        immutables,
        False,
        contract,
        _source_ids(output),
    )


def _vyper(compilers: Compilers, compiler: Compiler, request: Request) -> Compiled:
    selection = {request.target.path: VYPER_OUTPUTS}
    output = compilers.compile(compiler, request.standard_json(selection))
    contract = _contract(request, output)
    creation, _ = _object(contract, "bytecode")
    runtime, _ = _object(contract, "deployedBytecode")
    _refuse_empty(request, creation, runtime)
    size = vyper_immutables(creation) if request.version.release >= (0, 3, 10) else None
    immutables = (Place(VYPER_ID, len(runtime), size),) if size else ()
    end = vyper_at_end(creation)
    auxdata = {} if end is None else {"1": end}
    return Compiled(
        request,
        compiler.long_version,
        Code(creation, (), auxdata),
        Code(runtime),
        immutables,
        True,
        contract,
        _source_ids(output),
    )


def _contract(request: Request, output: Mapping[str, Any]) -> dict[str, Any]:
    """The contract's part of an output; compilers before 0.4.9 leave the path out."""
    contracts = output.get("contracts") or {}
    for path in (request.target.path, ""):
        found = (contracts.get(path) or {}).get(request.target.name)
        if isinstance(found, dict) and isinstance(found.get("evm"), dict):
            return found
    have = [f"{path}:{name}" for path, names in contracts.items() for name in names]
    raise SourceRefused(
        f"contractIdentifier: expected one of {', '.join(have[:20]) or 'none'}, "
        f"got {request.target}",
        "contract_not_found_in_compiler_output",
    )


def _object(contract: Mapping[str, Any], name: str) -> tuple[bytes, tuple[Place, ...]]:
    """The code and the places of library addresses in it, which are zeros."""
    part = contract["evm"].get(name) or {}
    text = str(part.get("object") or "").removeprefix("0x")
    places = []
    for path, libraries in (part.get("linkReferences") or {}).items():
        for library, references in libraries.items():
            for one in references:
                start = int(one["start"])
                name_ = f"{path}:{library}" if path else library
                _check_placeholder(text[2 * start : 2 * (start + PLACEHOLDER_BYTES)], name_)
                zeros = "0" * 2 * PLACEHOLDER_BYTES
                text = text[: 2 * start] + zeros + text[2 * (start + PLACEHOLDER_BYTES) :]
                places.append(Place(name_, start, PLACEHOLDER_BYTES))
    if _HEX.fullmatch(text) is None:
        raise CompilerFailed(name, ["code with a placeholder that no link reference names"])
    return bytes.fromhex(text), tuple(sorted(places, key=lambda one: one.offset))


def _check_placeholder(got: str, library: str) -> None:
    """Since 0.5.0 the hash of the library's name stands there, before it the name itself."""
    expected = f"__${keccak256(library.encode()).hex()[:34]}$__"
    older = "__" + library[:36].ljust(38, "_")
    if got not in (expected, older):
        raise CompilerFailed(library, [f"expected the placeholder {expected}, got {got}"])


def _refuse_empty(request: Request, *codes: bytes) -> None:
    if not all(codes):
        raise NoMatch(
            "compiled_bytecode_is_zero",
            f"{request.target} has no code: is it an interface, or abstract?",
        )


def _source_ids(output: Mapping[str, Any]) -> dict[str, int]:
    sources = output.get("sources") or {}
    return {
        path: one["id"]
        for path, one in sources.items()
        if isinstance(one, dict) and isinstance(one.get("id"), int)
    }


def _auxdatas(assembly: object) -> Iterator[bytes]:
    """All auxdata of an assembly and of the code within it, in the assembly's order."""
    if not isinstance(assembly, dict):
        return
    own = assembly.get(".auxdata")
    if isinstance(own, str) and _HEX.fullmatch(own):
        yield bytes.fromhex(own)
    inner = assembly.get(".data")
    if isinstance(inner, dict):
        for one in inner.values():
            yield from _auxdatas(one)


def _only_place(code: bytes, auxdata: bytes) -> dict[str, Auxdata]:
    """Where the only auxdata stands: what is in the code once was put there by the compiler."""
    return {"1": Auxdata(code.index(auxdata), auxdata)} if auxdata in code else {}


def _changed_places(
    code: bytes, listed: list[bytes], edited: bytes, changed: list[bytes]
) -> dict[str, Auxdata]:
    """Where auxdata stands in ``code`` and its changed form at the same place in ``edited``.

    The same bytes put into the source by somebody stay as they are when the metadata changes.
    They are numbered in the assembly's order, as Sourcify does it.
    """
    found: dict[int, tuple[int, bytes]] = {}
    if len(code) == len(edited) and len(listed) == len(changed):
        for number, (one, other) in enumerate(zip(listed, changed, strict=True)):
            at = code.find(one)
            while at >= 0:
                if one != other and edited[at : at + len(other)] == other:
                    found.setdefault(at, (number, one))
                at = code.find(one, at + 1)
    places = sorted(found, key=lambda at: (found[at][0], at))
    return {str(number): Auxdata(at, found[at][1]) for number, at in enumerate(places, start=1)}
