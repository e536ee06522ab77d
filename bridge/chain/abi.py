"""Calls and their results in Solidity's ABI, over ``eth_abi``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from eth_abi.abi import decode as abi_decode
from eth_abi.abi import encode as abi_encode
from eth_abi.exceptions import DecodingError, EncodingError, ParseError
from eth_abi.grammar import TupleType, normalize, parse
from eth_utils.crypto import keccak

from bridge.domain.errors import InputError


@lru_cache(maxsize=1024)
def split_signature(signature: str) -> tuple[str, tuple[str, ...]]:
    """The name and argument types of ``signature``: f(uint32,bytes) is f, (uint32, bytes).

    Raises ``InputError`` for what is no signature.
    """
    name, bracket, rest = signature.partition("(")
    if name.isidentifier() and rest == ")":
        return name, ()
    try:
        parsed = parse(normalize(signature[len(name) :]))  # type: ignore[no-untyped-call]
    except (ParseError, ValueError) as error:
        raise InputError(f"expected a signature such as f(uint32), got {signature!r}") from error
    if not name.isidentifier() or not bracket or not isinstance(parsed, TupleType):
        raise InputError(f"expected a signature such as f(uint32), got {signature!r}")
    return name, tuple(component.to_type_str() for component in parsed.components)


@lru_cache(maxsize=1024)
def selector(signature: str) -> bytes:
    """The first four bytes of the keccak-256 of a function's or error's canonical signature."""
    name, types = split_signature(signature)
    return bytes(keccak(text=f"{name}({','.join(types)})")[:4])


@lru_cache(maxsize=1024)
def event_topic(signature: str) -> bytes:
    """The first topic of an event: the keccak-256 of its canonical signature."""
    name, types = split_signature(signature)
    return bytes(keccak(text=f"{name}({','.join(types)})"))


def encode_call(signature: str, *arguments: object) -> bytes:
    """Call data: the selector of ``signature``, then its arguments.

    Raises ``InputError`` when the arguments do not fit the types.
    """
    return selector(signature) + encode(split_signature(signature)[1], arguments)


def encode(types: Sequence[str], values: Sequence[object]) -> bytes:
    """``values`` encoded as ``types``; ``InputError`` when they do not fit."""
    try:
        return abi_encode(types, values)
    except (EncodingError, TypeError, ValueError, OverflowError) as error:
        raise InputError(f"expected values of ({','.join(types)}): {error}") from error


def decode(types: Sequence[str], data: bytes) -> tuple[Any, ...]:
    """The values in ``data``, which is encoded as ``types``; ``InputError`` when it is not."""
    try:
        return tuple(abi_decode(types, data))
    except (DecodingError, OverflowError, ValueError) as error:
        raise InputError(
            f"expected ({','.join(types)}), got {len(data)} bytes that are no such thing: {error}"
        ) from error
