"""Cascade's searching end takes in answers: known parities, errors found, bits flipped.

See `knowledge` for what is known and odd, and `search` for what is asked.
"""

from __future__ import annotations

import numpy as np

from bridge.quantum.kernels.columns import folded, masked_parity, masked_tops
from bridge.quantum.kernels.compiled import kernel
from bridge.quantum.kernels.instructions import count_ones, lowest_one
from bridge.quantum.kernels.knowledge import (
    ACTIVE,
    ALL,
    CORRECTED,
    FOLDING,
    FRAME_MASK,
    FRAME_SHIFT,
    NODE_MASK,
    NONE,
    OPENED,
    PASS_SHIFT,
    Entries,
    Search,
    lowest_known,
    lowest_known_masked,
    push,
)
from bridge.quantum.kernels.sweep import SWEPT, begin_sweep
from bridge.quantum.kernels.trees import ACCUMULATED, PLANTED, TURNED, Trees, Words

_ONE = np.uint64(1)


@kernel
def tops_told(trees: Trees, number: int) -> int:
    """How many top nodes are asked for: in a permuted pass after the first the last one follows."""
    top = trees.tops[number]
    return int(top if number == 0 or top == 1 else top - 1)


@kernel
def learn_tops(trees: Trees, search: Search, first: int, stop: int, answer: Words) -> None:
    """Take in the top nodes of the passes from ``first`` to before ``stop``, a word each."""
    place = 0
    for number in range(first, stop):
        search.opened[number] = ALL
        top, told = trees.tops[number], tops_told(trees, number)
        if top == 1:
            search.value[number, 1] = answer[place]
            own = masked_tops(trees.columns, trees.chosen, trees.order.shape[1], number, ALL)
            _pend(search, number, 1, own ^ answer[place])
            place += 1
            continue
        parity = trees.parity[number]
        total = NONE
        for node in range(top, top + told):
            total ^= answer[place]
            parity[node] ^= answer[place]
            place += 1
        if number == 0:
            search.total[0] = total
        else:
            # Both passes cover the whole frame: what is missing is the total less the others.
            parity[2 * top - 1] ^= total ^ search.total[0]
        if number < SWEPT:
            begin_sweep(trees, search, number)
            continue
        for node in range(top, 2 * top):
            _pend(search, number, node, parity[node])


@kernel
def _pend(search: Search, number: int, node: int, odd: np.uint64) -> None:
    """Pend a node in the frames of a mask."""
    while odd:
        frame = np.int64(lowest_one(odd))
        push(search.pending, search.pending_count, number, frame, node, _ONE)
        odd &= odd - _ONE


@kernel
def learn_folds(trees: Trees, search: Search, question: Words, answer: Words) -> None:
    """Take in folded parities: of all passes from one on, or of one over some suspects."""
    first, frames = np.int64(question[0]), question[1]
    if search.counts[FOLDING] < 0:
        for number in range(first, trees.tops.size):
            search.folds[number] = (answer[0] >> np.uint64(number - first)) & _ONE
        return
    number = search.counts[FOLDING]
    length = trees.order.shape[1]
    tops = masked_tops(trees.columns, trees.chosen, length, number, search.suspects[0])
    differs = (count_ones(tops & frames) ^ answer[0]) & _ONE
    suspects = frames if differs else search.suspects[0] & ~frames
    search.suspects[0] = suspects
    if count_ones(suspects) == _ONE:
        # The one frame whose top node differs: its parity is the other of the own.
        search.opened[number] |= suspects
        search.value[number, 1] = (search.value[number, 1] & ~suspects) | (~tops & suspects)
        frame = np.int64(lowest_one(suspects))
        push(search.pending, search.pending_count, number, frame, 1, _ONE)
        search.counts[FOLDING] = -1


@kernel
def learn(
    words: Words, trees: Trees, search: Search, asked: Entries, count: int, answer: Words
) -> None:
    """Take in the answer to the last ``count`` entries: the parities of their left halves, packed.

    Of an odd node's halves one is odd: it is next, or, if a leaf, an error.
    """
    # Bound once: each look at a field of a tuple would count a reference, and cost as much.
    values, active, parity, tops = search.value, search.active, trees.parity, trees.tops
    columns, chosen, length = trees.columns, trees.chosen, words.size
    going_on = wrong = 0
    for index in range(count):
        entry = np.int64(asked[index])
        number, frame = entry >> PASS_SHIFT, (entry >> FRAME_SHIFT) & FRAME_MASK
        node, bit = entry & NODE_MASK, np.uint64(frame)
        left = (answer[index >> 6] >> np.uint64(index & 63)) & _ONE
        half, keep = 2 * node, ~(_ONE << bit)
        if tops[number] > 1:
            # Unsigned, so that no index is checked for being from the end.
            place = np.uint64(half)
            differs = parity[number, place] ^ (left << bit)
            parity[number, place] = differs
            differs = (differs >> bit) & _ONE
            right = parity[number, place + _ONE] & keep
            parity[number, place + _ONE] = right | ((differs ^ _ONE) << bit)
        else:
            differs = left ^ masked_parity(columns, chosen, length, number, frame, half)
            right = ((values[number, node] >> bit) & _ONE) ^ left
            values[number, half] = (values[number, half] & keep) | (left << bit)
            values[number, half + 1] = (values[number, half + 1] & keep) | (right << bit)
        odd = entry + node + np.int64(differs ^ _ONE)
        # Errors are listed from the end on: an entry is one or the other.
        if half < length:
            active[going_on] = odd
            going_on += 1
        else:
            wrong += 1
            active[active.size - wrong] = odd
    search.counts[ACTIVE] = going_on
    search.counts[CORRECTED] += wrong
    if wrong:
        _flip(words, trees, search, wrong)


@kernel
def _flip(words: Words, trees: Trees, search: Search, wrong: int) -> None:
    """Put right the leaves at the end of ``active``, found wrong, and pend what that makes odd."""
    opened, halved, values, active = search.opened, search.halved, search.value, search.active
    pending, pending_count = search.pending, search.pending_count
    tops, parity, where, state = trees.tops, trees.parity, trees.where, trees.state
    columns, chosen, length, order = trees.columns, trees.chosen, words.size, trees.order
    folds, mirror = trees.folds, trees.mirror
    permuted, passes = state.size, search.counts[OPENED]
    turned = folds[TURNED] != NONE
    for index in range(active.size - wrong, active.size):
        entry = np.int64(active[index])
        origin, frame = entry >> PASS_SHIFT, (entry >> FRAME_SHIFT) & FRAME_MASK
        shift = np.uint64(frame)
        bit = _ONE << shift
        place = (entry & NODE_MASK) - length
        if origin < permuted:
            place = np.int64(order[origin, place])
        words[place] ^= bit
        for number in range(permuted):
            if state[number] != PLANTED:
                continue
            leaf = length + np.int64(where[number, place])
            above, first = np.uint64(leaf), np.uint64(tops[number])
            while above >= first:
                parity[number, above] ^= bit
                above >>= _ONE
            if number == origin:
                continue  # the leaf itself is known, and right now
            node = lowest_known(halved, tops[number], number, frame, leaf)
            odd = (parity[number, node] >> shift) & _ONE
            push(pending, pending_count, number, frame, node, odd)
        if not turned:
            continue
        word, within = place >> 6, np.uint64(place & 63)
        columns[frame, word] ^= _ONE << within
        folds[ACCUMULATED] ^= folded(mirror, place, bit)
        for number in range(permuted, passes):
            looks = (chosen[frame + number, word] >> within) & _ONE
            if not looks or number == origin or not opened[number] & bit:
                continue
            node = lowest_known_masked(halved, number, frame, place)
            own = masked_parity(columns, chosen, length, number, frame, node)
            odd = ((values[number, node] >> shift) & _ONE) ^ own
            push(pending, pending_count, number, frame, node, odd)
