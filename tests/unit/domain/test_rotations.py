"""The rotation: each field that cannot be."""

import dataclasses

import pytest

from bridge.domain.errors import InputError
from bridge.domain.rotations import Rotation

ROTATION = Rotation(31001, b"\x11" * 20, 1, b"\x22" * 32)


@pytest.mark.parametrize(("name", "bits"), [("chain_id", 64), ("epoch", 32), ("salt", 64)])
def test_widths(name, bits):
    assert dataclasses.replace(ROTATION, **{name: (1 << bits) - 1})
    for value in (-1, 1 << bits):
        with pytest.raises(InputError, match=f"rotation {name}: expected {bits} bits, got {value}"):
            dataclasses.replace(ROTATION, **{name: value})


@pytest.mark.parametrize(("name", "length"), [("registry", 20), ("set_hash", 32)])
def test_lengths(name, length):
    for other in (0, length - 1, length + 1):
        with pytest.raises(InputError, match=f"{name}: expected {length} bytes, got {other}"):
            dataclasses.replace(ROTATION, **{name: b"\x01" * other})


def test_what_follows_no_epoch_or_names_no_set():
    with pytest.raises(InputError, match="rotation epoch: expected at least 1, got 0"):
        dataclasses.replace(ROTATION, epoch=0)
    with pytest.raises(InputError, match="expected a non-zero hash, got zero"):
        dataclasses.replace(ROTATION, set_hash=bytes(32))
