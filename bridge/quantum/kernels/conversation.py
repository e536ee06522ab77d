"""Cascade's two ends over a `wire.Wire`, without returning to the interpreter.

A message is one header word, then ``length`` words: length in bits 0 to 31 of the header, kind in
bits 32 to 39, a count in bits 40 to 63. Every message, sent or received, is written into the
transcript as it stands on the wire.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bridge.quantum.kernels.answers import REFUSED, answer
from bridge.quantum.kernels.compiled import kernel
from bridge.quantum.kernels.instructions import count_ones
from bridge.quantum.kernels.knowledge import FOLD, KIND_SHIFT, Requests, Search
from bridge.quantum.kernels.learning import learn
from bridge.quantum.kernels.search import ask
from bridge.quantum.kernels.trees import Trees, Words
from bridge.quantum.kernels.wire import (
    LENGTH_MASK,
    LOST,
    MALFORMED,
    SPINS,
    TOO_LONG,
    Wire,
    receive,
    send,
)

QUESTIONS, ANSWERS = 5, 6
"""Kinds of messages; `bridge.quantum.ends.channel.Kind` has all of them."""

KIND_PLACE, COUNT_PLACE = 32, 40

MOST_ROUNDS = 1 << 16

PARITIES, ROUNDS, PENDING, QUESTIONED = 0, 1, 2, 3
"""Places in ``tally``."""

TRIES = 32
"""Of a socket before sleeping, when a thread has two links to serve and a processor to itself."""


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
    wire: Wire,
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
    return stop if send(wire, transcript, used, stop, SPINS) else LOST


@kernel
def _learn_over(
    wire: Wire,
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
    stop = receive(wire, transcript, used, tries, SPINS)
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
    wire: Wire,
    words: Words,
    trees: Trees,
    transcript: Words,
    used: int,
    tally: npt.NDArray[np.int64],
    tries: int,
) -> int:
    """One round's questions received and their answer sent; `tally` says whether there were any."""
    stop = receive(wire, transcript, used, tries, SPINS)
    if stop < 0:
        return stop
    bits = _put_answers(words, trees, transcript, used, stop)
    if bits < 0:
        return bits
    tally[QUESTIONED] = bits
    if bits == 0:
        return stop
    length = (bits + 63) >> 6
    if not send(wire, transcript, stop, stop + 1 + length, SPINS):
        return LOST
    tally[PARITIES] += bits
    tally[ROUNDS] += 1
    return stop + 1 + length


@kernel
def search_over(
    wire: Wire,
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
            wire, words, trees, search, requests, folded, levels, transcript, used, tally
        )
        if used < 0 or tally[QUESTIONED] == 0:
            return used
        used = _learn_over(wire, words, trees, search, requests, transcript, used, tally, 0)
        if used < 0:
            return used
    return TOO_LONG


@kernel
def answer_over(
    wire: Wire,
    words: Words,
    trees: Trees,
    transcript: Words,
    used: int,
    tally: npt.NDArray[np.int64],
) -> int:
    """Run the answering end to its end: the other side of `search_over`."""
    for _ in range(MOST_ROUNDS):
        used = _answer_over(wire, words, trees, transcript, used, tally, 0)
        if used < 0 or tally[QUESTIONED] == 0:
            return used
    return TOO_LONG


@kernel
def both_over(
    search_wire: Wire,
    search_words: Words,
    search_trees: Trees,
    search: Search,
    requests: Requests,
    folded: int,
    levels: int,
    search_transcript: Words,
    search_used: int,
    search_tally: npt.NDArray[np.int64],
    answer_wire: Wire,
    answer_words: Words,
    answer_trees: Trees,
    answer_transcript: Words,
    answer_used: int,
    answer_tally: npt.NDArray[np.int64],
) -> tuple[int, int]:
    """`search_over` of one link and `answer_over` of another in turn, in one thread.

    Each end waits for the other's process instead of sleeping. What goes over the two wires is
    the same as when two threads do it.
    """
    searching, answering = True, True
    for _ in range(MOST_ROUNDS):
        if searching:
            search_used = _ask_over(
                search_wire,
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
                answer_wire,
                answer_words,
                answer_trees,
                answer_transcript,
                answer_used,
                answer_tally,
                TRIES,
            )
            answering = answer_used >= 0 and answer_tally[QUESTIONED] > 0
        if searching:
            search_used = _learn_over(
                search_wire,
                search_words,
                search_trees,
                search,
                requests,
                search_transcript,
                search_used,
                search_tally,
                TRIES,
            )
            searching = search_used >= 0
        if not searching and not answering:
            return search_used, answer_used
    return TOO_LONG, TOO_LONG
