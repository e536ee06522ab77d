"""Quantities and data in hex."""

from __future__ import annotations

import pytest

from bridge.chain.wire import data, parse_data, parse_quantity, quantity


@pytest.mark.parametrize(("value", "text"), [(0, "0x0"), (65, "0x41"), (1024, "0x400")])
def test_quantities(value: int, text: str) -> None:
    assert quantity(value) == text
    assert parse_quantity(text) == value


def test_leading_zeros_are_taken() -> None:
    assert parse_quantity("0x0041") == 65


@pytest.mark.parametrize("text", ["", "0x", "41", "latest", "0xg", 65, None, "0x" + "1" * 65])
def test_no_quantity(text: object) -> None:
    with pytest.raises(ValueError, match="expected a quantity"):
        parse_quantity(text)


def test_data() -> None:
    assert data(b"\x00\xff") == "0x00ff"
    assert parse_data("0x00ff", 2) == b"\x00\xff"
    assert parse_data("0x") == b""


@pytest.mark.parametrize("text", ["00ff", "0x0", "0xzz", None, b"0x00"])
def test_no_data(text: object) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_data(text)


def test_data_of_another_length() -> None:
    with pytest.raises(ValueError, match="expected 20 bytes, got 1"):
        parse_data("0x00", 20)
