"""Cascade's two ends over a connected stream socket, without returning to the interpreter.

A message is one header word, then ``length`` words: length in bits 0 to 31 of the header, kind in
bits 32 to 39, a count in bits 40 to 63. Every message, sent or received, is written into the
transcript as it stands on the wire. The socket must block; its own time limits end a wait.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import types

from bridge.quantum.kernels.answers import REFUSED, answer
from bridge.quantum.kernels.compiled import kernel
from bridge.quantum.kernels.instructions import count_ones
from bridge.quantum.kernels.search import FOLD, KIND_SHIFT, Requests, Search, ask, learn
from bridge.quantum.kernels.trees import Trees, Words

QUESTIONS, ANSWERS = 5, 6
"""Kinds of messages; `bridge.quantum.ends.channel.Kind` has all of them."""

KIND_PLACE, COUNT_PLACE = 32, 40
LENGTH_MASK = 0xFFFF_FFFF

LOST, MALFORMED, TOO_LONG = -1, -2, -3
"""Given instead of the transcript's new length: the peer is gone or too slow; a message is not what
was expected; the transcript is full or the rounds are more than errors explain."""

MOST_ROUNDS = 1 << 16

# MSG_NOSIGNAL on Linux: a closed peer gives an error, no signal. Elsewhere the interpreter has
# the signal ignored already, and 0 is right.
_SEND_FLAGS = 0x4000

_socket_send = types.ExternalFunction(
    "send", types.int64(types.int32, types.int64, types.uint64, types.int32)
)
_socket_receive = types.ExternalFunction(
    "recv", types.int64(types.int32, types.int64, types.uint64, types.int32)
)


@kernel
def _send(descriptor: int, transcript: Words, start: int, stop: int) -> bool:
    address = transcript.ctypes.data + 8 * start
    left = 8 * (stop - start)
    while left > 0:
        done = _socket_send(descriptor, address, left, _SEND_FLAGS)
        if done <= 0:
            return False
        address += done
        left -= done
    return True


@kernel
def _receive(descriptor: int, transcript: Words, start: int, stop: int) -> bool:
    address = transcript.ctypes.data + 8 * start
    left = 8 * (stop - start)
    while left > 0:
        done = _socket_receive(descriptor, address, left, 0)
        if done <= 0:
            return False
        address += done
        left -= done
    return True


@kernel
def search_over(
    descriptor: int,
    words: Words,
    trees: Trees,
    search: Search,
    requests: Requests,
    folded: int,
    transcript: Words,
    used: int,
    tally: npt.NDArray[np.int64],
) -> int:
    """Run the searching end to its end; the transcript's new length, or what went wrong.

    ``tally`` gets the number of parities that were answered, and of rounds.
    """
    nodes, masks = requests.nodes, requests.masks
    for _ in range(MOST_ROUNDS):
        count = ask(words, trees, search, requests, folded)
        length = count + (count + 1) // 2
        if used + length + count + 4 > transcript.size:
            return TOO_LONG
        transcript[used] = (count << COUNT_PLACE) | (QUESTIONS << KIND_PLACE) | length
        place = used + 1
        bits = 0
        for request in range(count):
            mask = masks[request]
            transcript[place + request] = mask
            bits += 1 if nodes[request] >> KIND_SHIFT == FOLD else np.int64(count_ones(mask))
        place += count
        for pair in range((count + 1) // 2):
            low = np.uint64(nodes[2 * pair])
            high = np.uint64(nodes[2 * pair + 1]) if 2 * pair + 1 < count else np.uint64(0)
            transcript[place + pair] = low | (high << np.uint64(32))
        if not _send(descriptor, transcript, used, used + 1 + length):
            return LOST
        used += 1 + length
        if count == 0:
            return used
        expected = (bits + 63) >> 6
        if not _receive(descriptor, transcript, used, used + 1):
            return LOST
        header = np.int64(transcript[used])
        if header != (bits << COUNT_PLACE) | (ANSWERS << KIND_PLACE) | expected:
            return MALFORMED
        if not _receive(descriptor, transcript, used + 1, used + 1 + expected):
            return LOST
        learn(words, trees, search, requests, count, transcript[used + 1 : used + 1 + expected])
        used += 1 + expected
        tally[0] += bits
        tally[1] += 1
    return TOO_LONG


@kernel
def answer_over(
    descriptor: int,
    words: Words,
    trees: Trees,
    transcript: Words,
    used: int,
    tally: npt.NDArray[np.int64],
) -> int:
    """Run the answering end to its end: the twin of `search_over` at the other side."""
    for _ in range(MOST_ROUNDS):
        if used + 1 > transcript.size:
            return TOO_LONG
        if not _receive(descriptor, transcript, used, used + 1):
            return LOST
        header = np.int64(transcript[used])
        count, length = header >> COUNT_PLACE, header & LENGTH_MASK
        if (header >> KIND_PLACE) & 0xFF != QUESTIONS or length != count + (count + 1) // 2:
            return MALFORMED
        first = used + 1
        used = first + length
        if used + count + 4 > transcript.size:
            return TOO_LONG
        if count == 0:
            return used
        if not _receive(descriptor, transcript, first, used):
            return LOST
        masks = transcript[first : first + count]
        nodes = transcript[first + count : used].view(np.uint32)
        out = transcript[used + 1 :]
        bits = answer(words, trees, Requests(nodes, masks), count, out)
        if bits == REFUSED:
            return MALFORMED
        length = (bits + 63) >> 6
        transcript[used] = (bits << COUNT_PLACE) | (ANSWERS << KIND_PLACE) | length
        if not _send(descriptor, transcript, used, used + 1 + length):
            return LOST
        used += 1 + length
        tally[0] += bits
        tally[1] += 1
    return TOO_LONG
