"""Revert data in words, whatever it holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.chain.abi import encode_call, selector
from bridge.chain.revert import RevertDecoder, decode_revert

ABI = [
    {"type": "error", "name": "ZeroRoot", "inputs": []},
    {
        "type": "error",
        "name": "IndexOutOfRange",
        "inputs": [{"type": "uint256"}, {"type": "uint256"}],
    },
    {
        "type": "error",
        "name": "Mixed",
        "inputs": [
            {"type": "address"},
            {"type": "bool"},
            {"type": "string"},
            {"type": "tuple[]", "components": [{"type": "uint8"}, {"type": "bytes4"}]},
        ],
    },
    {"type": "function", "name": "dispatch", "inputs": []},
]
DECODER = RevertDecoder.from_abis([ABI])


def test_custom_errors() -> None:
    assert DECODER(encode_call("ZeroRoot()")) == "ZeroRoot()"
    assert DECODER(encode_call("IndexOutOfRange(uint256,uint256)", 5, 3)) == "IndexOutOfRange(5, 3)"


def test_each_kind_of_argument() -> None:
    address = "0x" + "ab" * 20
    data = encode_call(
        "Mixed(address,bool,string,(uint8,bytes4)[])", address, True, "why", [(1, b"\1\2\3\4")]
    )
    assert DECODER(data) == f'Mixed({address}, true, "why", ((1, 0x01020304)))'


def test_functions_are_no_errors() -> None:
    assert DECODER(selector("dispatch()")) == f"unknown error 0x{selector('dispatch()').hex()}"


def test_reason_and_panic() -> None:
    assert decode_revert(encode_call("Error(string)", "not today")) == "not today"
    overflow = decode_revert(encode_call("Panic(uint256)", 0x11))
    assert overflow == "Panic(0x11): arithmetic overflow or underflow"
    assert decode_revert(encode_call("Panic(uint256)", 0x99)) == "Panic(0x99): unknown code"


def test_no_data() -> None:
    assert decode_revert(b"") == "no revert data"


@pytest.mark.parametrize(
    "data",
    [
        selector("Error(string)"),
        encode_call("Error(string)", "cut off")[:-32],
        selector("Panic(uint256)") + bytes(31),
        selector("IndexOutOfRange(uint256,uint256)") + bytes(63),
        selector("Error(string)") + b"\xff" * 64,
    ],
)
def test_malformed_data_is_said_to_be(data: bytes) -> None:
    assert DECODER(data).startswith(f"malformed revert data 0x{data[:4].hex()}")


def test_unknown_and_long_data_is_cut() -> None:
    assert decode_revert(b"\1\2") == "unknown error 0x0102"
    assert decode_revert(b"\1" * 100) == f"unknown error 0x{'01' * 64}... (100 bytes)"


@given(st.binary(max_size=200), st.sampled_from(["", "Error(string)", "Panic(uint256)"]))
def test_never_raises(body: bytes, signature: str) -> None:
    assert DECODER((selector(signature) if signature else b"") + body)
