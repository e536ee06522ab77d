"""Cascade's two ends over a `wire.Wire`, without returning to the interpreter.

A message is one header word, then ``length`` words: length in bits 0 to 31 of the header, kind in
bits 32 to 39, a count in bits 40 to 63. Every message, sent or received, is written into the
transcript as it stands on the wire.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bridge.quantum.kernels.answers import answer, answer_folds, answer_tops
from bridge.quantum.kernels.compiled import kernel
from bridge.quantum.kernels.knowledge import LEVEL, NONE, OPENED, Search
from bridge.quantum.kernels.learning import learn, learn_folds, learn_tops, tops_told
from bridge.quantum.kernels.search import ask, next_fold, open_next
from bridge.quantum.kernels.sweep import answer_level, learn_level, put_level
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

QUESTIONS, ANSWERS, LEVELS, OPENINGS, FOLDS = 5, 6, 11, 12, 13
"""Kinds of messages; `bridge.quantum.ends.channel.Kind` has all of them.

The body of QUESTIONS has two entries (`kernels.knowledge`) a word, whose left halves are asked for;
that of LEVELS see `sweep.put_level`; that of OPENINGS ``first pass << 32 | the one after the
last``, whose top nodes are; that of FOLDS a pass and a mask of frames, see `answers.answer_folds`.
"""

KIND_PLACE, COUNT_PLACE = 32, 40

MOST_ROUNDS = 1 << 16

PARITIES, ROUNDS, PENDING, QUESTIONED, ASKED, SIDE = 0, 1, 2, 3, 4, 5
"""Places in ``tally``: parities that were told and rounds; of the last question the bits that
answer it, how many it has, and its kind; which list of a sweep's is next."""

TRIES = 32
"""Of a socket before sleeping, when a thread has two links to serve and a processor to itself."""


@kernel
def _put_answer(words: Words, trees: Trees, transcript: Words, start: int, used: int) -> int:
    """Answer the question at ``start``, which ends at ``used``; the number of bits or an error.

    No question gives no bits and no message.
    """
    header = np.int64(transcript[start])
    kind, count, length = (header >> KIND_PLACE) & 0xFF, header >> COUNT_PLACE, used - start - 1
    body, out = transcript[start + 1 : used], transcript[used + 1 :]
    if out.size < count + 4:
        return TOO_LONG
    bits = -1
    if kind == LEVELS:
        bits = answer_level(words, trees, body, count, out)
    elif kind == QUESTIONS and length == (count + 1) >> 1:
        if count == 0:
            return 0
        bits = answer(words, trees, body.view(np.uint32), count, out)
    elif kind == OPENINGS and length == 1:
        first, stop = np.int64(body[0] >> np.uint64(32)), np.int64(body[0] & np.uint64(LENGTH_MASK))
        bits = answer_tops(words, trees, first, stop, out)
    elif kind == FOLDS and length == 2 and body[0] < np.uint64(trees.tops.size):
        bits = answer_folds(words, trees, np.int64(body[0]), body[1], out)
    if bits <= 0:
        return MALFORMED
    transcript[used] = (bits << COUNT_PLACE) | (ANSWERS << KIND_PLACE) | ((bits + 63) >> 6)
    return bits


@kernel
def _ask_over(
    wire: Wire,
    words: Words,
    trees: Trees,
    search: Search,
    folded: int,
    transcript: Words,
    used: int,
    tally: npt.NDArray[np.int64],
) -> int:
    """One round's question, written and sent; ``tally`` gets what it is."""
    room = transcript.size - used - 2
    body = transcript[used + 1 :]
    number = search.counts[OPENED]
    # Room for a level or top nodes with their answer; entries end where the room does.
    if room < 3 * words.size + 64:
        return TOO_LONG
    if search.counts[LEVEL]:
        length, bits = put_level(search, number - 1, tally[SIDE], body)
        kind, count = LEVELS, length - 1 - ((search.counts[LEVEL] + 63) >> 6)
    else:
        asked = body.view(np.uint32)[: min(search.active.size, room)]
        count = ask(trees, search, asked)
        kind, bits, length = QUESTIONS, count, (count + 1) >> 1
        if count & 1:
            asked[count] = 0
        if count == 0 and number < folded:
            following = open_next(words, trees, search, folded)
            body[0] = (number << 32) | following
            kind, count, length = OPENINGS, following - number, 1
            for opened in range(number, following):
                bits += 64 * tops_told(trees, opened)
            tally[SIDE] = number & 1
        elif count == 0:
            first, frames = next_fold(trees, search, folded)
            if frames != NONE:
                body[0], body[1] = first, frames
                whole = first == folded and number < trees.tops.size
                kind, count, length = FOLDS, 1, 2
                bits = trees.tops.size - first if whole else 1
    transcript[used] = (count << COUNT_PLACE) | (kind << KIND_PLACE) | length
    tally[PENDING], tally[QUESTIONED], tally[ASKED] = bits, count, kind
    stop = used + 1 + length
    return stop if send(wire, transcript, used, stop, SPINS) else LOST


@kernel
def _learn_over(
    wire: Wire,
    words: Words,
    trees: Trees,
    search: Search,
    transcript: Words,
    used: int,
    tally: npt.NDArray[np.int64],
    tries: int,
) -> int:
    """One round's answer, received and taken in."""
    bits, kind, count = tally[PENDING], tally[ASKED], tally[QUESTIONED]
    stop = receive(wire, transcript, used, tries, SPINS)
    if stop < 0:
        return stop
    expected = (bits << COUNT_PLACE) | (ANSWERS << KIND_PLACE) | ((bits + 63) >> 6)
    if np.int64(transcript[used]) != expected:
        return MALFORMED
    answers = transcript[used + 1 :]
    opened = search.counts[OPENED]
    if kind == LEVELS:
        learn_level(words, trees, search, opened - 1, tally[SIDE], answers)
        tally[SIDE] = 1 - tally[SIDE]
    elif kind == OPENINGS:
        learn_tops(trees, search, opened - count, opened, answers)
    elif kind == FOLDS:
        learn_folds(trees, search, transcript[used - 2 : used], answers)
    else:
        asked = transcript[used - ((count + 1) >> 1) : used].view(np.uint32)
        learn(words, trees, search, asked, count, answers)
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
    """One round's question received and its answer sent; `tally` says whether there was any."""
    stop = receive(wire, transcript, used, tries, SPINS)
    if stop < 0:
        return stop
    bits = _put_answer(words, trees, transcript, used, stop)
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
    folded: int,
    transcript: Words,
    used: int,
    tally: npt.NDArray[np.int64],
) -> int:
    """Run the searching end to its end; the transcript's new length, or what went wrong.

    ``tally``, int64 (6), gets the number of parities that were told and of rounds.
    """
    for _ in range(MOST_ROUNDS):
        used = _ask_over(wire, words, trees, search, folded, transcript, used, tally)
        if used < 0 or tally[QUESTIONED] == 0:
            return used
        used = _learn_over(wire, words, trees, search, transcript, used, tally, 0)
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
    folded: int,
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
                folded,
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
                search_transcript,
                search_used,
                search_tally,
                TRIES,
            )
            searching = search_used >= 0
        if not searching and not answering:
            return search_used, answer_used
    return TOO_LONG, TOO_LONG
