"""Calls and values in the ABI, held against the examples of Solidity's ABI specification."""

from __future__ import annotations

import pytest

from bridge.chain.abi import decode, encode, encode_call, event_topic, selector, split_signature
from bridge.domain.errors import InputError


def test_selectors_of_the_specification() -> None:
    assert selector("baz(uint32,bool)").hex() == "cdcd77c0"
    assert selector("sam(bytes,bool,uint256[])").hex() == "a5643bf2"
    assert selector("transfer(address,uint256)").hex() == "a9059cbb"


def test_aliases_are_made_canonical() -> None:
    assert selector("f(uint)") == selector("f(uint256)")


def test_event_topic_of_erc20() -> None:
    assert event_topic("Transfer(address,address,uint256)").hex().startswith("ddf252ad1be2c89b")


def test_call_of_the_specification() -> None:
    assert encode_call("baz(uint32,bool)", 69, True).hex() == (
        "cdcd77c0" + "45".rjust(64, "0") + "1".rjust(64, "0")
    )


def test_tuples_and_no_arguments() -> None:
    assert split_signature("f((uint32,bytes32)[],bytes)") == ("f", ("(uint32,bytes32)[]", "bytes"))
    assert encode_call("f()") == selector("f()")


@pytest.mark.parametrize("text", ["", "f", "f(", "(uint8)", "f(nothing!)", "f(uint8))", "1(uint8)"])
def test_no_signature(text: str) -> None:
    with pytest.raises(InputError, match="expected a signature"):
        selector(text)


@pytest.mark.parametrize("values", [(), (1, 2), (-1,), (2**32,), ("1",)])
def test_values_that_do_not_fit(values: tuple[object, ...]) -> None:
    with pytest.raises(InputError, match=r"expected values of \(uint32\)"):
        encode_call("f(uint32)", *values)


def test_decode() -> None:
    raw = encode(["uint32", "bytes"], [7, b"body"])
    assert decode(["uint32", "bytes"], raw) == (7, b"body")
    with pytest.raises(InputError, match="got 31 bytes"):
        decode(["uint32"], bytes(31))
    with pytest.raises(InputError):
        decode(["uint32", "bytes"], raw[:70])
