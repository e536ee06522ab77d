"""Cascade's answering end: the parities that the other end asks for, packed."""

from __future__ import annotations

import numpy as np

from bridge.quantum.kernels.columns import fold_of, masked_parity, masked_tops, prepare_masked
from bridge.quantum.kernels.compiled import kernel
from bridge.quantum.kernels.instructions import Word, count_ones
from bridge.quantum.kernels.knowledge import (
    ALL,
    FRAME_MASK,
    FRAME_SHIFT,
    NODE_MASK,
    NONE,
    PASS_SHIFT,
    Entries,
)
from bridge.quantum.kernels.learning import tops_told
from bridge.quantum.kernels.trees import PLANTED, TURNED, Trees, Words, plant

REFUSED = -1
"""What is given when a question names nothing that is compared."""


@kernel
def answer(words: Words, trees: Trees, asked: Entries, count: int, out: Words) -> int:
    """The parities of the left halves of ``count`` entries: their number, or `REFUSED`."""
    length, passes = words.size, trees.tops.size
    tops, parity, state, folds = trees.tops, trees.parity, trees.state, trees.folds
    columns, chosen = trees.columns, trees.chosen
    for index in range(count):
        entry = np.int64(asked[index])
        number, frame = entry >> PASS_SHIFT, (entry >> FRAME_SHIFT) & FRAME_MASK
        node = entry & NODE_MASK
        # Above the top nodes, parities of the block before may still stand.
        if number >= passes or not tops[number] <= node < length:
            return REFUSED
        if tops[number] > 1:
            if state[number] != PLANTED:
                plant(words, trees, number)
            bit = (parity[number, 2 * node] >> np.uint64(frame)) & np.uint64(1)
        else:
            if not folds[TURNED]:
                prepare_masked(words, trees)
            bit = masked_parity(columns, chosen, length, number, frame, 2 * node)
        shift = np.uint64(index & 63)
        if not shift:
            out[index >> 6] = NONE
        out[index >> 6] |= bit << shift
    return count


@kernel
def answer_tops(words: Words, trees: Trees, first: int, stop: int, out: Words) -> int:
    """The top nodes of the passes from ``first`` to before ``stop``: bits, or `REFUSED`."""
    if not 0 <= first < stop <= trees.tops.size:
        return REFUSED
    told = 0
    for number in range(first, stop):
        told += tops_told(trees, number)
    if told > out.size:
        return REFUSED
    place = 0
    for number in range(first, stop):
        top, told = trees.tops[number], tops_told(trees, number)
        if top > 1:
            if trees.state[number] != PLANTED:
                plant(words, trees, number)
            out[place : place + told] = trees.parity[number, top : top + told]
        else:
            prepare_masked(words, trees)
            out[place] = masked_tops(trees.columns, trees.chosen, words.size, number, ALL)
        place += told
    if stop == trees.state.size:
        prepare_masked(words, trees)
    return 64 * place


@kernel
def answer_folds(words: Words, trees: Trees, first: int, frames: Word, out: Words) -> int:
    """Parities of masked passes over all frames of a mask: bits, or `REFUSED`.

    Of ``ALL`` frames those of all passes from ``first`` on.
    """
    passes = trees.tops.size
    if not 0 <= first < passes or trees.tops[first] > 1:
        return REFUSED
    prepare_masked(words, trees)
    out[0] = NONE
    if frames != ALL:
        tops = masked_tops(trees.columns, trees.chosen, words.size, first, frames)
        out[0] = count_ones(tops) & np.uint64(1)
        return 1
    for number in range(first, passes):
        out[0] |= fold_of(trees, number) << np.uint64(number - first)
    return passes - first
