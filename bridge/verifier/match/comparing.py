"""Compiled code against the chain's, the runtime and the creation code each by itself.

What a deployment may change is put into the compiled code at the places that the compiler names;
then every byte must be equal. It is an exact match where each CBOR part has the hash of the
metadata, since that hash covers every byte of the sources; otherwise a match.

Sourcify takes any bytes at a place. Here all places of one immutable or one library must hold the
same, the call protection must be the contract's own address, auxdata must be what a compiler
writes, and constructor arguments must be there where the constructor has inputs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from eth_abi.abi import decode as decode_abi
from eth_abi.abi import encode as encode_abi
from eth_abi.exceptions import DecodingError, EncodingError

from bridge.domain.errors import CodeRefused
from bridge.domain.verdicts import MatchKind
from bridge.verifier.cbor import decode
from bridge.verifier.match.auxdata import HASHES, LENGTH_BYTES, at_end
from bridge.verifier.match.compiled import Code, Compiled, Place
from bridge.verifier.match.transformation import (
    Kind,
    Matched,
    Reason,
    Transformation,
    Values,
    refused,
)

PUSH20 = 0x73
CALL_PROTECTION = bytes([PUSH20]) + bytes(20)
INVALID = 0xFE
ARGUMENTS_DIFFER = "constructor_arguments_mismatch"
"""The code of a creation that is the compiled one, with something else behind it."""


class _Differs(Exception):
    """No match, with its code and the reason in words."""

    def __init__(self, code: str, reason: str) -> None:
        self.code = code
        super().__init__(reason)


def match_runtime(compiled: Compiled, onchain: bytes, address: bytes) -> Matched:
    """How the chain's runtime code at ``address`` (20 bytes) agrees with the compiled one."""
    code = bytearray(compiled.runtime.code)
    done: list[Transformation] = []
    try:
        _check_length(compiled, onchain)
        protection = _call_protection(code, onchain, address, done)
        immutables = _immutables(compiled, code, onchain, done)
        libraries = _libraries(code, compiled.runtime.libraries, onchain, done)
        values = Values(call_protection=protection, immutables=immutables, libraries=libraries)
        if bytes(code) == onchain:
            return Matched(_kind(compiled.runtime), tuple(done), values)
        auxdata = _auxdata(code, compiled.runtime, onchain, done)
        if bytes(code) == onchain:
            return Matched(MatchKind.MATCH, tuple(done), replace(values, cbor_auxdata=auxdata))
        raise _difference(compiled, bytes(code), onchain)
    except _Differs as error:
        return refused(error.code, str(error))


def match_creation(compiled: Compiled, onchain: bytes) -> Matched:
    """How the chain's creation code, with its constructor arguments, agrees."""
    code = bytearray(compiled.creation.code)
    done: list[Transformation] = []
    try:
        libraries = _libraries(code, compiled.creation.libraries, onchain, done)
        values = Values(libraries=libraries)
        kind = _kind(compiled.creation)
        if not onchain.startswith(code):
            values = replace(values, cbor_auxdata=_auxdata(code, compiled.creation, onchain, done))
            kind = MatchKind.MATCH
        if not onchain.startswith(code):
            raise _Differs("no_match", f"creation code: {_first_difference(bytes(code), onchain)}")
        arguments = _arguments(compiled, onchain[len(code) :])
        if arguments:
            done.append(Transformation(Kind.INSERT, Reason.CONSTRUCTOR_ARGUMENTS, len(code)))
            values = replace(values, constructor_arguments=arguments)
        return Matched(kind, tuple(done), values)
    except _Differs as error:
        return refused(error.code, str(error))


def _kind(code: Code) -> MatchKind:
    """Exact where there is auxdata, and each part of it has the hash of the metadata."""
    try:
        hashed = bool(code.auxdata) and all(one.has_hash for one in code.auxdata.values())
    except CodeRefused:
        hashed = False
    return MatchKind.EXACT_MATCH if hashed else MatchKind.MATCH


def _check_length(compiled: Compiled, onchain: bytes) -> None:
    """Code of another length is other code, unless the chain's has no hash of metadata.

    Vyper appends its immutables, so there the chain's may be longer.
    """
    code = compiled.runtime.code
    if len(onchain) == len(code) or (compiled.appended and len(onchain) > len(code)):
        return
    if not compiled.appended:
        if _same_metadata(compiled, onchain):
            raise _extra_file()
        end = at_end(onchain)
        if end is None or not end.has_hash:
            return
    raise _Differs("bytecode_length_mismatch", _lengths(code, onchain))


def _call_protection(
    code: bytearray, onchain: bytes, address: bytes, done: list[Transformation]
) -> bytes | None:
    """A library begins with PUSH20 of its own address, which it is given when it is created."""
    if not code.startswith(CALL_PROTECTION):
        return None
    own = onchain[1 : len(CALL_PROTECTION)]
    if onchain[:1] != CALL_PROTECTION[:1] or own != address:
        raise _Differs(
            "call_protection_forged",
            f"call protection: expected the library's own address 0x{address.hex()}, "
            f"got 0x{own.hex()}",
        )
    code[1 : len(CALL_PROTECTION)] = own
    done.append(Transformation(Kind.REPLACE, Reason.CALL_PROTECTION, 1))
    return own


def _immutables(
    compiled: Compiled, code: bytearray, onchain: bytes, done: list[Transformation]
) -> dict[str, bytes]:
    kind = Kind.INSERT if compiled.appended else Kind.REPLACE
    for place in compiled.immutables:
        if compiled.appended:
            code += onchain[place.offset : place.offset + place.length]
        done.append(Transformation(kind, Reason.IMMUTABLE, place.offset, place.id))
    return _agreed(code, compiled.immutables, onchain, "immutable", "immutables_disagree")


def _libraries(
    code: bytearray, places: Iterable[Place], onchain: bytes, done: list[Transformation]
) -> dict[str, bytes]:
    places = tuple(places)
    done += [Transformation(Kind.REPLACE, Reason.LIBRARY, one.offset, one.id) for one in places]
    return _agreed(code, places, onchain, "library", "libraries_disagree")


def _agreed(
    code: bytearray, places: Iterable[Place], onchain: bytes, what: str, disagree: str
) -> dict[str, bytes]:
    """The chain's bytes at the places, put into ``code``: the same at all places of one id."""
    values: dict[str, bytes] = {}
    for place in places:
        end = place.offset + place.length
        value = onchain[place.offset : end]
        if len(value) != place.length:
            raise _Differs("bytecode_length_mismatch", _lengths(bytes(code), onchain))
        if values.setdefault(place.id, value) != value:
            raise _Differs(
                disagree,
                f"{what} {place.id}: expected the same at all its places, got "
                f"0x{values[place.id].hex()} and, at byte {place.offset}, 0x{value.hex()}",
            )
        code[place.offset : end] = value
    return values


def _auxdata(
    code: bytearray, compiled: Code, onchain: bytes, done: list[Transformation]
) -> dict[str, bytes]:
    """The chain's auxdata in place of the compiled one, or none where the chain has none.

    The chain's must be what a compiler writes, with the keys and sizes of the compiled one.
    """
    values: dict[str, bytes] = {}
    for name, one in compiled.auxdata.items():
        end = one.offset + len(one.value)
        theirs = onchain[one.offset : end]
        if not theirs and end == len(code) and code[one.offset - 1] == INVALID:
            del code[one.offset - 1 :]
            length = len(one.value) + 1
            done.append(
                Transformation(Kind.DELETE, Reason.CBOR_AUXDATA, one.offset - 1, None, length)
            )
            continue
        if theirs == one.value:
            # Sourcify puts equal ones in too; so it is told as Sourcify tells it.
            pass
        elif not _alike(one.value, theirs):
            raise _Differs(
                "no_match",
                f"auxdata at byte {one.offset}: expected a compiler's, got 0x{theirs.hex()}",
            )
        code[one.offset : end] = theirs
        values[name] = theirs
        done.append(Transformation(Kind.REPLACE, Reason.CBOR_AUXDATA, one.offset, name))
    return values


def _alike(ours: bytes, theirs: bytes) -> bool:
    """Whether both are auxdata of one compiler that differ in the hash of the sources alone."""
    size = LENGTH_BYTES
    if ours[-size:] != theirs[-size:]:
        return False
    try:
        mine, other = decode(ours[:-size]), decode(theirs[:-size])
    except CodeRefused:
        return False
    if isinstance(mine, list) and isinstance(other, list):
        # Vyper's: since 0.4.1 a hash of the sources, then how the code is laid out.
        hashed = len(mine) == len(other) > 4
        return hashed and _shape(mine[0]) == _shape(other[0]) and mine[1:] == other[1:]
    if not isinstance(mine, dict) or not isinstance(other, dict) or list(mine) != list(other):
        return False
    return all(
        _shape(mine[key]) == _shape(other[key]) if key in HASHES else mine[key] == other[key]
        for key in mine
    )


def _shape(value: object) -> object:
    return (type(value), len(value)) if isinstance(value, bytes) else value


def _arguments(compiled: Compiled, rest: bytes) -> bytes:
    """What follows the creation code: the canonical ABI encoding of the constructor's inputs."""
    inputs = compiled.constructor
    if not inputs and not rest:
        return b""
    types = [_abi_type(one) for one in inputs]
    try:
        decoded = decode_abi(types, rest)
        encoded = encode_abi(types, decoded)
    except (DecodingError, EncodingError, ValueError, OverflowError, TypeError) as error:
        raise _Differs(
            ARGUMENTS_DIFFER, f"constructor arguments: expected ({','.join(types)}): {error}"
        ) from error
    if encoded != rest:
        raise _Differs(
            ARGUMENTS_DIFFER,
            f"constructor arguments: expected the encoding of ({','.join(types)}), "
            f"got 0x{rest.hex():.200}",
        )
    return rest


def _abi_type(entry: dict[str, Any]) -> str:
    kind = str(entry["type"])
    if kind.startswith("tuple"):
        inner = ",".join(_abi_type(one) for one in entry.get("components") or ())
        return f"({inner}){kind.removeprefix('tuple')}"
    return kind


def _difference(compiled: Compiled, code: bytes, onchain: bytes) -> _Differs:
    if not compiled.appended and _same_metadata(compiled, onchain):
        return _extra_file()
    return _Differs("no_match", f"runtime code: {_first_difference(code, onchain)}")


def _same_metadata(compiled: Compiled, onchain: bytes) -> bool:
    """Whether optimized code ends with the very auxdata of the compiled one."""
    ours, theirs = at_end(compiled.runtime.code), at_end(onchain)
    same = ours is not None and theirs is not None and ours.value == theirs.value
    return same and compiled.optimized


def _extra_file() -> _Differs:
    return _Differs(
        "extra_file_input_bug",
        "the metadata's hash is the same and the code is not: give the whole standard JSON of "
        "the deployment, with the files that this contract does not need",
    )


def _lengths(code: bytes, onchain: bytes) -> str:
    return f"runtime code: expected {len(code)} bytes, got {len(onchain)}"


def _first_difference(code: bytes, onchain: bytes) -> str:
    if len(onchain) < len(code):
        return f"expected at least {len(code)} bytes, got {len(onchain)}"
    for at, (mine, theirs) in enumerate(zip(code, onchain, strict=False)):
        if mine != theirs:
            return f"at byte {at}: expected 0x{mine:02x}, got 0x{theirs:02x}"
    return f"expected {len(code)} bytes, got {len(onchain)}"
