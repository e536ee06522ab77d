"""Reading a Dispatch log: one value of type bytes, exactly."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode

from bridge.chain.artifact import load
from bridge.chain.contracts import dispatched
from bridge.chain.records import Log
from bridge.domain.errors import InputError
from bridge.domain.messages import Message

TOPIC = load("Outbox").topic("Dispatch")
TOPICS = (TOPIC, bytes(32), bytes(32), bytes(32))


def log(data: bytes, topics: tuple[bytes, ...] = TOPICS) -> Log:
    return Log("0x" + "00" * 20, topics, data, 1, bytes(32), bytes(32), 0)


def message(body: bytes) -> Message:
    return Message(7, 1, bytes(32), 2, bytes(32), body)


@pytest.mark.parametrize("length", [0, 1, 18, 19, 20, 32, 51, 1000])
def test_the_message_is_what_was_encoded(length: int) -> None:
    one = message(b"\xab" * length)
    found = log(encode(["bytes"], [one.encode()]))
    assert dispatched(found).message == one
    assert dispatched(found).log is found


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(31),
        bytes(64),
        encode(["bytes"], [message(b"a").encode()])[:-32],
        encode(["bytes"], [message(b"a").encode()])[:-1],
        encode(["bytes"], [message(b"a").encode()])[:-1] + b"\x01",
        encode(["bytes"], [message(b"a").encode()]) + bytes(32),
        encode(["uint256"], [64]) + encode(["bytes"], [message(b"a").encode()])[32:],
        encode(["uint256", "uint256"], [32, 1 << 255]) + bytes(96),
        encode(["bytes"], [b"too short for a message"]),
    ],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match="expected"):
        dispatched(log(data))


def test_another_event_is_refused() -> None:
    data = encode(["bytes"], [message(b"").encode()])
    for topics in ((), (load("Outbox").topic("DispatchId"),)):
        with pytest.raises(InputError, match="expected a Dispatch log"):
            dispatched(log(data, topics))
