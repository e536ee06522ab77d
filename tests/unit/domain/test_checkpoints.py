"""The checkpoint: the widths of its fields, and what it may never say."""

import dataclasses
import re
from pathlib import Path

import pytest

from bridge.domain.checkpoints import CHECKPOINT_TYPE, Checkpoint
from bridge.domain.contexts import CHECKPOINT_CONTEXT, CONTEXTS
from bridge.domain.errors import InputError

CHECKPOINT = Checkpoint(
    origin_domain=1,
    origin_chain_id=31001,
    outbox=b"\x11" * 20,
    root=b"\x22" * 32,
    size=7,
    destination_domain=2,
    destination_chain_id=31002,
    inbox=b"\x33" * 20,
    epoch=1,
)
BITS = {"uint32": 32, "uint64": 64}
BYTES = {"address": 20, "bytes32": 32}


def solidity_fields():
    inside = CHECKPOINT_TYPE.split("(")[1].rstrip(")")
    pairs = [field.split(" ") for field in inside.split(",")]
    return [(re.sub("[A-Z]", lambda m: "_" + m[0].lower(), name), kind) for kind, name in pairs]


def test_fields_are_those_of_the_signed_type_in_its_order():
    names = [field.name for field in dataclasses.fields(Checkpoint)]
    assert names == [name for name, _ in solidity_fields()]


@pytest.mark.parametrize(("name", "kind"), [f for f in solidity_fields() if f[1] in BITS])
def test_an_integer_takes_its_width_and_not_more(name, kind):
    most = 2 ** BITS[kind] - 1
    assert getattr(dataclasses.replace(CHECKPOINT, **{name: most}), name) == most
    for value in (-1, most + 1):
        with pytest.raises(InputError, match=f"{name}: expected {BITS[kind]} bits, got {value}"):
            dataclasses.replace(CHECKPOINT, **{name: value})


@pytest.mark.parametrize(("name", "kind"), [f for f in solidity_fields() if f[1] in BYTES])
def test_bytes_have_their_length(name, kind):
    for length in (0, BYTES[kind] - 1, BYTES[kind] + 1):
        message = f"{name}: expected {BYTES[kind]} bytes, got {length}"
        with pytest.raises(InputError, match=message):
            dataclasses.replace(CHECKPOINT, **{name: b"\x01" * length})


def test_a_tree_without_a_message_is_never_signed():
    with pytest.raises(InputError, match="expected at least 1 message, got 0"):
        dataclasses.replace(CHECKPOINT, size=0)


def test_a_zero_root_is_never_signed():
    with pytest.raises(InputError, match="expected a non-zero root, got zero"):
        dataclasses.replace(CHECKPOINT, root=bytes(32))


def test_the_contexts_fit_fips_204_and_differ():
    assert CHECKPOINT_CONTEXT in CONTEXTS
    assert len(set(CONTEXTS)) == 6
    for ctx in CONTEXTS:
        assert len(ctx) <= 255  # FIPS 204, Algorithm 2, and FIPS 205, Algorithm 22


def test_the_contexts_are_those_of_the_contracts():
    text = (Path(__file__).parents[3] / "contracts/types/Contexts.sol").read_text()
    assert sorted(re.findall(r'"(astralink/[^"]+)"', text)) == sorted(c.decode() for c in CONTEXTS)
