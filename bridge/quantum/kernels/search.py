"""Cascade's searching end, entry by entry: which parities to ask for next.

Each frame follows its own errors. In a round each frame goes on with the halvings that it has
begun; when it has begun none, it takes up the odd nodes of the first pass that has any. When no
frame has any, the next pass is opened in all of them. All the halving passes, which compare a
random half of each frame, are opened together: what is asked is the same as one after the other,
and the rounds are fewer. The last passes are *folded*: one parity over the halves of all frames,
and on an odd one the frames are halved first. `knowledge` says what is known and odd, `learning`
takes in answers.
"""

from __future__ import annotations

import numpy as np

from bridge.quantum.kernels.columns import fold_of, masked_parity, prepare_masked
from bridge.quantum.kernels.compiled import kernel
from bridge.quantum.kernels.instructions import count_ones, lowest_one
from bridge.quantum.kernels.knowledge import (
    ACTIVE,
    ALL,
    FOLD_ASKED,
    FOLDING,
    FRAME_MASK,
    FRAME_SHIFT,
    NODE_MASK,
    NONE,
    OPENED,
    PASS_SHIFT,
    PERMUTED,
    TOUCHED,
    Entries,
    Search,
)
from bridge.quantum.kernels.trees import Trees, Words, plant

_ONE = np.uint64(1)


@kernel
def ask(trees: Trees, search: Search, asked: Entries) -> int:
    """List the nodes whose left half is asked for in this round; their number.

    ``asked`` gets them as entries; what has no place there is dropped.
    """
    count, busy = _go_on(trees, search, asked)
    for number in range(search.counts[OPENED]):
        if search.pending_count[number]:
            count, busy = _begin(trees, search, asked, count, number, busy)
    return count


@kernel
def _go_on(trees: Trees, search: Search, asked: Entries) -> tuple[int, np.uint64]:
    """The halvings that were begun, and their frames.

    The left half is marked as known at once, so that nothing is asked for twice.
    """
    # Bound once: each look at a field of a tuple would count a reference, and cost as much.
    active, halved, value, touched = search.active, search.halved, search.value, search.touched
    tops, parity, length = trees.tops, trees.parity, trees.order.shape[1]
    columns, chosen = trees.columns, trees.chosen
    seen, permuted = search.counts[TOUCHED], search.counts[PERMUTED]
    count, busy = 0, NONE
    for index in range(search.counts[ACTIVE]):
        entry = np.int64(active[index])
        number, frame = entry >> PASS_SHIFT, (entry >> FRAME_SHIFT) & FRAME_MASK
        node, bit = entry & NODE_MASK, np.uint64(frame)
        # Without a branch: which are still odd is chance.
        if tops[number] > 1:
            odd = parity[number, node] >> bit
        else:
            odd = masked_parity(columns, chosen, length, number, frame, node)
            odd ^= value[number, node] >> bit
        taken = odd & ~(halved[number, node] >> bit) & _ONE
        halved[number, node] |= taken << bit
        busy |= taken << bit
        asked[count] = entry
        count += np.int64(taken) & np.int64(count + 1 < asked.size)
        if number >= permuted:
            touched[min(seen, touched.size - 1)] = entry
            seen += 1
    search.counts[ACTIVE] = 0
    search.counts[TOUCHED] = seen
    return count, busy


@kernel
def _begin(
    trees: Trees, search: Search, asked: Entries, count: int, number: int, busy: np.uint64
) -> tuple[int, np.uint64]:
    """Take up a pass's pending nodes in the frames that are not busy; gives the busy ones then."""
    pending, halved, value = search.pending[number], search.halved[number], search.value[number]
    touched, seen, permuted = search.touched, search.counts[TOUCHED], search.counts[PERMUTED]
    columns, chosen, length = trees.columns, trees.chosen, trees.order.shape[1]
    parity = trees.parity[number if number < permuted else 0]
    used = NONE
    kept = 0
    for index in range(search.pending_count[number]):
        entry = np.int64(pending[index])
        frame, node = (entry >> FRAME_SHIFT) & FRAME_MASK, entry & NODE_MASK
        bit = np.uint64(frame)
        if (busy >> bit) & _ONE:
            pending[kept] = entry
            kept += 1
            continue
        if node >= length:
            continue
        if number < permuted:
            odd = parity[node] >> bit
        else:
            odd = masked_parity(columns, chosen, length, number, frame, node)
            odd ^= value[node] >> bit
            touched[min(seen, touched.size - 1)] = entry
            seen += 1
        taken = odd & ~(halved[node] >> bit) & _ONE
        halved[node] |= taken << bit
        used |= taken << bit
        asked[count] = entry
        count += np.int64(taken) & np.int64(count + 1 < asked.size)
    search.pending_count[number] = kept
    search.counts[TOUCHED] = seen
    return count, busy | used


@kernel
def open_next(words: Words, trees: Trees, search: Search, folded: int) -> int:
    """Open the next pass, or all halving passes; the number of those that are open then."""
    number = search.counts[OPENED]
    if trees.tops[number] > 1:
        plant(words, trees, number)
        search.counts[OPENED] = number + 1
    else:
        prepare_masked(words, trees)
        search.counts[OPENED] = folded
    return int(search.counts[OPENED])


@kernel
def next_fold(trees: Trees, search: Search, first: int) -> tuple[int, np.uint64]:
    """The folded pass that is asked for, and the frames over which; no frames when all are even.

    The first question, of ``ALL``, is for that pass and all after it.
    """
    counts, suspects = search.counts, search.suspects
    if counts[FOLD_ASKED] == 0:
        counts[FOLD_ASKED] = 1
        counts[OPENED] = trees.tops.size
        return first, ALL
    if counts[FOLDING] < 0:
        for number in range(first, trees.tops.size):
            if fold_of(trees, number) != search.folds[number]:
                counts[FOLDING] = number
                suspects[0] = ALL
                break
    if counts[FOLDING] < 0:
        return 0, NONE
    return counts[FOLDING], _half_of(suspects[0])


@kernel
def _half_of(suspects: np.uint64) -> np.uint64:
    """The lower half of the frames of a mask."""
    half = NONE
    for _ in range(count_ones(suspects) // np.uint64(2)):
        lowest = _ONE << lowest_one(suspects)
        half |= lowest
        suspects ^= lowest
    return half
