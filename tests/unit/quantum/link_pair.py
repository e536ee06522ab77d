"""Two ends of a link in one process, run against each other in threads."""

import contextlib
import os
import socket
import threading
from collections.abc import Callable

from bridge.quantum.ends.authentication import BLOCK_BYTES, OneTimeKeys
from bridge.quantum.ends.channel import ClassicalChannel
from bridge.quantum.ends.end import End, LinkParameters
from bridge.quantum.ends.halves import KeyBlock
from bridge.quantum.ends.medium import Light, Medium
from bridge.quantum.ends.receiver import ReceiverEnd
from bridge.quantum.ends.sender import SenderEnd
from bridge.quantum.link.randomness import Randomness

_opened: list[socket.socket] = []
_threads: list[threading.Thread] = []

SMALL = LinkParameters(block_bits=1 << 14, sample_size=1024)


def wire() -> tuple[socket.socket, socket.socket]:
    """A connected pair that `cut_wires` closes."""
    pair = socket.socketpair()
    _opened.extend(pair)
    return pair


def work(thread: threading.Thread) -> None:
    """Start a thread that ends when its wires are cut; `cut_wires` waits for it."""
    thread.start()
    _threads.append(thread)


def cut_wires() -> None:
    """Close all wires, once the threads that use them are done."""
    for one in _opened:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
    for thread in _threads:
        thread.join()
    for one in _opened:
        one.close()
    _opened.clear()
    _threads.clear()


def link_ends(
    light: Light,
    parameters: LinkParameters = SMALL,
    sockets: tuple[socket.socket, socket.socket] | None = None,
    shared: bytes | None = None,
    timeout_s: float = 20.0,
    seed: bytes | None = None,
) -> tuple[SenderEnd, ReceiverEnd]:
    first, second = sockets or wire()
    seed = seed or os.urandom(32)
    shared = shared or os.urandom(8 * BLOCK_BYTES)
    order = os.urandom(32)
    common = (parameters,)
    sender = SenderEnd(
        *common,
        ClassicalChannel(first, timeout_s),
        Medium(light, seed),
        OneTimeKeys(shared),
        Randomness.system(),
        order,
    )
    receiver = ReceiverEnd(
        *common,
        ClassicalChannel(second, timeout_s),
        Medium(light, seed),
        OneTimeKeys(shared),
        Randomness.system(),
        order,
    )
    return sender, receiver


def run_blocks(
    ends: tuple[End, End], blocks: int = 1, block: Callable[[End], KeyBlock] | None = None
) -> tuple[list[KeyBlock | Exception], list[KeyBlock | Exception]]:
    """What each end has of each block: a key or what it raised. An end that fails is closed."""
    results: tuple[list[KeyBlock | Exception], list[KeyBlock | Exception]] = ([], [])

    def drive(end: End, out: list[KeyBlock | Exception]) -> None:
        for _ in range(blocks):
            try:
                out.append(end.run_block())  # type: ignore[attr-defined]
            except Exception as error:
                out.append(error)
                if not getattr(error, "retryable", False):
                    end.channel.close()
                    return

    thread = threading.Thread(target=drive, args=(ends[0], results[0]))
    thread.start()
    drive(ends[1], results[1])
    thread.join()
    return results
