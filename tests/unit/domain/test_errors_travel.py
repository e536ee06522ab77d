"""Every error of the tree can go from one process to another and stay what it is."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import pytest

from bridge.domain import errors
from bridge.domain.errors import (
    BackendsLost,
    BlockTooNoisy,
    BridgeError,
    ConfigError,
    HardwareBelowMinimum,
    UnknownDomain,
)


def subclasses(kind: type[BridgeError]) -> Iterator[type[BridgeError]]:
    for one in kind.__subclasses__():
        if one.__module__.startswith(errors.__name__ + "."):
            yield one
            yield from subclasses(one)


@pytest.mark.parametrize(
    "error",
    [
        ConfigError("file", ["a: wrong", "b: missing"]),
        UnknownDomain("x", ["a", "b"]),
        BlockTooNoisy(0.12, 0.11, 4096),
        HardwareBelowMinimum("small", ["qubits: expected 50, got 2"]),
        BackendsLost("job", ["one: gone"]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_is_the_same_after_pickling(error: BridgeError) -> None:
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert back.__dict__ == error.__dict__
    assert back.exit_code == error.exit_code


@pytest.mark.parametrize("kind", sorted(set(subclasses(BridgeError)), key=lambda k: k.__name__))
def test_every_class_can_be_made_again(kind: type[BridgeError]) -> None:
    error = kind.__new__(kind, "words")
    error.args = ("words",)
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is kind
    assert str(back) == str(error)
    assert kind.__name__ in (errors.__doc__ or "")
