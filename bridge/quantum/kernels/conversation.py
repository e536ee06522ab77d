"""Cascade's two ends over a connected stream socket, without returning to the interpreter.

A message is one header word, then ``length`` words: length in bits 0 to 31 of the header, kind in
bits 32 to 39, a count in bits 40 to 63. Every message, sent or received, is written into the
transcript as it stands on the wire. The socket must block; its own time limits end a wait.
"""

from __future__ import annotations

import socket
import sys

import numpy as np
import numpy.typing as npt
from numba import types

from bridge.quantum.kernels.answers import REFUSED, answer
from bridge.quantum.kernels.compiled import kernel
from bridge.quantum.kernels.instructions import count_ones
from bridge.quantum.kernels.knowledge import FOLD, KIND_SHIFT, Requests, Search
from bridge.quantum.kernels.learning import learn
from bridge.quantum.kernels.search import ask
from bridge.quantum.kernels.trees import Trees, Words

QUESTIONS, ANSWERS = 5, 6
"""Kinds of messages; `bridge.quantum.ends.channel.Kind` has all of them."""

KIND_PLACE, COUNT_PLACE = 32, 40
LENGTH_MASK = 0xFFFF_FFFF

LOST, MALFORMED, TOO_LONG = -1, -2, -3
"""Given instead of the transcript's new length: the peer is gone or too slow; a message is not what
was expected; the transcript is full or the rounds are more than errors explain."""

MOST_ROUNDS = 1 << 16

PARITIES, ROUNDS, PENDING, QUESTIONED = 0, 1, 2, 3
"""Places in ``tally``."""

SPINS = 32
"""Tries before sleeping, when a thread has two links to serve and a processor to itself."""

# MSG_NOSIGNAL on Linux: a closed peer gives an error, no signal. Elsewhere the interpreter has
# the signal ignored already, and 0 is right.
_SEND_FLAGS = 0x4000 if sys.platform == "linux" else 0
_DO_NOT_WAIT = int(socket.MSG_DONTWAIT)

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
def _receive(descriptor: int, transcript: Words, start: int, tries: int) -> int:
    """Receive one message to ``start``; where it ends, or what went wrong.

    The ends speak in turn, so that nothing but this message can be waiting, and one call mostly
    brings all of it. Before it sleeps, the call is tried ``tries`` times: waking a thread costs
    more than the other end needs for most answers.
    """
    most = 8 * (transcript.size - start)
    if most < 8:
        return TOO_LONG
    address = transcript.ctypes.data + 8 * start
    got = np.int64(0)
    wanted = np.int64(8)
    while got < wanted:
        done = np.int64(-1)
        for _ in range(tries):
            done = _socket_receive(descriptor, address + got, most - got, _DO_NOT_WAIT)
            if done >= 0:
                break
        if done < 0:
            done = _socket_receive(descriptor, address + got, most - got, 0)
        if done <= 0:
            return LOST
        got += done
        if got >= 8:
            wanted = 8 + 8 * (np.int64(transcript[start]) & LENGTH_MASK)
            if wanted > most:
                return TOO_LONG
    return start + (got >> 3) if got == wanted else MALFORMED


@kernel
def _put_questions(requests: Requests, count: int, transcript: Words, start: int) -> int:
    """Write a message of questions to the transcript; the number of bits that answer it."""
    nodes, masks = requests.nodes, requests.masks
    length = count + (count + 1) // 2
    transcript[start] = (count << COUNT_PLACE) | (QUESTIONS << KIND_PLACE) | length
    place = start + 1
    bits = np.int64(0)
    for request in range(count):
        mask = masks[request]
        transcript[place + request] = mask
        bits += 1 if nodes[request] >> KIND_SHIFT == FOLD else np.int64(count_ones(mask))
    place += count
    for pair in range((count + 1) // 2):
        low = np.uint64(nodes[2 * pair])
        high = np.uint64(nodes[2 * pair + 1]) if 2 * pair + 1 < count else np.uint64(0)
        transcript[place + pair] = low | (high << np.uint64(32))
    return bits


@kernel
def _put_answers(words: Words, trees: Trees, transcript: Words, start: int, used: int) -> int:
    """Answer the questions at ``start``, which end at ``used``; the number of bits or an error.

    No question gives no bits and no message.
    """
    header = np.int64(transcript[start])
    count, length = header >> COUNT_PLACE, header & LENGTH_MASK
    if (header >> KIND_PLACE) & 0xFF != QUESTIONS or length != count + (count + 1) // 2:
        return MALFORMED
    if used + count + 4 > transcript.size:
        return TOO_LONG
    if count == 0:
        return 0
    masks = transcript[start + 1 : start + 1 + count]
    nodes = transcript[start + 1 + count : used].view(np.uint32)
    bits = answer(words, trees, Requests(nodes, masks), count, transcript[used + 1 :])
    if bits == REFUSED:
        return MALFORMED
    length = (bits + 63) >> 6
    transcript[used] = (bits << COUNT_PLACE) | (ANSWERS << KIND_PLACE) | length
    return bits


@kernel
def _ask_over(
    descriptor: int,
    words: Words,
    trees: Trees,
    search: Search,
    requests: Requests,
    folded: int,
    levels: int,
    transcript: Words,
    used: int,
    tally: npt.NDArray[np.int64],
) -> int:
    """One round's questions, sent; ``tally`` gets their number and that of their answers' bits."""
    count = ask(words, trees, search, requests, folded, levels)
    length = count + (count + 1) // 2
    if used + length + count + 4 > transcript.size:
        return TOO_LONG
    tally[PENDING] = _put_questions(requests, count, transcript, used)
    tally[QUESTIONED] = count
    stop = used + 1 + length
    return stop if _send(descriptor, transcript, used, stop) else LOST


@kernel
def _learn_over(
    descriptor: int,
    words: Words,
    trees: Trees,
    search: Search,
    requests: Requests,
    transcript: Words,
    used: int,
    tally: npt.NDArray[np.int64],
    tries: int,
) -> int:
    """One round's answer, received and taken in."""
    bits = tally[PENDING]
    stop = _receive(descriptor, transcript, used, tries)
    if stop < 0:
        return stop
    expected = (bits << COUNT_PLACE) | (ANSWERS << KIND_PLACE) | ((bits + 63) >> 6)
    if np.int64(transcript[used]) != expected:
        return MALFORMED
    learn(words, trees, search, requests, tally[QUESTIONED], transcript[used + 1 : stop])
    tally[PARITIES] += bits
    tally[ROUNDS] += 1
    return stop


@kernel
def _answer_over(
    descriptor: int,
    words: Words,
    trees: Trees,
    transcript: Words,
    used: int,
    tally: npt.NDArray[np.int64],
    tries: int,
) -> int:
    """One round's questions received and their answer sent; `tally` says whether there were any."""
    stop = _receive(descriptor, transcript, used, tries)
    if stop < 0:
        return stop
    bits = _put_answers(words, trees, transcript, used, stop)
    if bits < 0:
        return bits
    tally[QUESTIONED] = bits
    if bits == 0:
        return stop
    length = (bits + 63) >> 6
    if not _send(descriptor, transcript, stop, stop + 1 + length):
        return LOST
    tally[PARITIES] += bits
    tally[ROUNDS] += 1
    return stop + 1 + length


@kernel
def search_over(
    descriptor: int,
    words: Words,
    trees: Trees,
    search: Search,
    requests: Requests,
    folded: int,
    levels: int,
    transcript: Words,
    used: int,
    tally: npt.NDArray[np.int64],
) -> int:
    """Run the searching end to its end; the transcript's new length, or what went wrong.

    ``tally``, int64 (4), gets the number of parities that were told and of rounds.
    """
    for _ in range(MOST_ROUNDS):
        used = _ask_over(
            descriptor, words, trees, search, requests, folded, levels, transcript, used, tally
        )
        if used < 0 or tally[QUESTIONED] == 0:
            return used
        used = _learn_over(descriptor, words, trees, search, requests, transcript, used, tally, 0)
        if used < 0:
            return used
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
    """Run the answering end to its end: the other side of `search_over`."""
    for _ in range(MOST_ROUNDS):
        used = _answer_over(descriptor, words, trees, transcript, used, tally, 0)
        if used < 0 or tally[QUESTIONED] == 0:
            return used
    return TOO_LONG


@kernel
def both_over(
    search_descriptor: int,
    search_words: Words,
    search_trees: Trees,
    search: Search,
    requests: Requests,
    folded: int,
    levels: int,
    search_transcript: Words,
    search_used: int,
    search_tally: npt.NDArray[np.int64],
    answer_descriptor: int,
    answer_words: Words,
    answer_trees: Trees,
    answer_transcript: Words,
    answer_used: int,
    answer_tally: npt.NDArray[np.int64],
) -> tuple[int, int]:
    """`search_over` of one link and `answer_over` of another in turn, in one thread.

    Each end waits for the other's process instead of sleeping. What goes over the two sockets is
    the same as when two threads do it.
    """
    searching, answering = True, True
    for _ in range(MOST_ROUNDS):
        if searching:
            search_used = _ask_over(
                search_descriptor,
                search_words,
                search_trees,
                search,
                requests,
                folded,
                levels,
                search_transcript,
                search_used,
                search_tally,
            )
            searching = search_used >= 0 and search_tally[QUESTIONED] > 0
        if answering:
            answer_used = _answer_over(
                answer_descriptor,
                answer_words,
                answer_trees,
                answer_transcript,
                answer_used,
                answer_tally,
                SPINS,
            )
            answering = answer_used >= 0 and answer_tally[QUESTIONED] > 0
        if searching:
            search_used = _learn_over(
                search_descriptor,
                search_words,
                search_trees,
                search,
                requests,
                search_transcript,
                search_used,
                search_tally,
                SPINS,
            )
            searching = search_used >= 0
        if not searching and not answering:
            return search_used, answer_used
    return TOO_LONG, TOO_LONG
