"""Digests that are cut short, and what quantum search leaves of a digest."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bridge.verifier.sources.program import Contract, Function, Node, Program, below, cast_of

HASHES = {"keccak256": "Keccak-256", "sha256": "SHA-256", "sha3": "Keccak-256"}
SHORTEST, LONGEST = 40, 128
"""In bits. Below are selectors and tags; from 160 on, addresses."""
_CAST = re.compile(r"(?:(u?int)(\d+)|bytes(\d+))")


def truncated(program: Program, contract: Contract) -> Iterator[tuple[Function, Node, str, int]]:
    """Each place where a digest of something that is not constant is cut to 40 to 128 bits.

    Gives the function, the node, the hash's name and the bits that are left.
    """
    for functions in contract.functions.values():
        for function in functions:
            inner: set[int] = set()
            for node in below(function.body):
                bits, hash_call, casts = _cut(node)
                if hash_call is None or id(node) in inner:
                    continue
                inner.update(casts)
                if SHORTEST <= bits <= LONGEST and not _constant(hash_call):
                    yield function, node, HASHES[str(hash_call["expression"]["name"])], bits


def _cut(node: Node) -> tuple[int, Node | None, list[int]]:
    """The least width that casts around a digest leave, the digest's call, the casts inside."""
    bits = 256
    casts: list[int] = []
    first = node
    while node.get("nodeType") == "FunctionCall" and len(node.get("arguments") or ()) == 1:
        name = cast_of(node)
        if name in HASHES:
            return bits, node if node is not first else None, casts
        found = _CAST.fullmatch(name)
        if found is None:
            break
        bits = min(bits, int(found[2]) if found[2] else 8 * int(found[3]))
        node = node["arguments"][0]
        casts.append(id(node))
    return bits, None, casts


def _constant(call: Node) -> bool:
    """Whether a hash is of literals only: a name, not a digest that somebody could collide."""
    return not any(
        one["nodeType"] in ("Identifier", "MemberAccess", "IndexAccess")
        and one.get("name") != "abi"
        and (one.get("expression") or {}).get("name") != "abi"
        for argument in call.get("arguments") or ()
        for one in below(argument)
    )


def quantum_bits(bits: int) -> tuple[int, int]:
    """Log2 of the queries that break a digest of so many bits: preimage, collision.

    By Grover's algorithm, and by Brassard's, Hoyer's and Tapp's.
    """
    return bits // 2, bits // 3
