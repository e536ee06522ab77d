"""Cascade's answering end: the parities that the other end asks for, packed."""

from __future__ import annotations

import numpy as np

from bridge.quantum.kernels.compiled import kernel
from bridge.quantum.kernels.instructions import count_ones, extract
from bridge.quantum.kernels.knowledge import (
    ALL,
    FOLD,
    HALF,
    KIND_SHIFT,
    NODE_MASK,
    PASS_SHIFT,
    TOP,
    Requests,
)
from bridge.quantum.kernels.trees import (
    PLANTED,
    SUMMED,
    UNBUILT,
    Trees,
    Words,
    crown,
    fold,
    fold_of,
    plant,
)

REFUSED = -1
"""What `answer` gives when a request names no node."""


@kernel
def _prepare(words: Words, trees: Trees, requests: Requests, count: int) -> bool:
    """Build the trees that the requests need; False when one names no node that is compared."""
    nodes, tops, state = requests.nodes, trees.tops, trees.state
    passes, end = tops.size, trees.parity.shape[1]
    if state[0] != PLANTED:
        plant(words, trees, 0)
    last = -1
    for request in range(count):
        packed = np.int64(nodes[request])
        kind, number, node = packed >> KIND_SHIFT, (packed >> PASS_SHIFT) & 0xFF, packed & NODE_MASK
        if kind > FOLD or number >= passes or node >= end:
            return False
        top = tops[number]
        if kind == FOLD and (node != 1 or top != 1):
            return False
        if kind == TOP and (node < top or node >= 2 * top):
            return False  # below the top nodes, parities of the block before may still stand
        if kind == HALF and node < 2:
            return False
        if kind == FOLD and requests.masks[request] == ALL:
            if trees.folds[SUMMED] == np.uint64(0):
                fold(words, trees)
            continue
        if packed >> PASS_SHIFT == last:
            continue
        last = packed >> PASS_SHIFT
        if kind == HALF or top > 1:
            if state[number] != PLANTED:
                plant(words, trees, number)
        elif state[number] == UNBUILT:
            crown(words, trees, number)
    return True


@kernel
def answer(words: Words, trees: Trees, requests: Requests, count: int, out: Words) -> int:
    """The number of bits written to ``out``, or `REFUSED`.

    Each request adds the parities of its node in the frames of its mask, lowest frame first; a
    folded one adds the parity of all of those. ``out`` must hold a word more than all masks.
    """
    if not _prepare(words, trees, requests, count):
        return REFUSED
    # Bound once: each look at a field of a tuple would count a reference, and cost as much.
    nodes, masks, parities = requests.nodes, requests.masks, trees.parity
    place = 0
    out[0] = 0
    for request in range(count):
        packed = np.int64(nodes[request])
        mask = masks[request]
        number = (packed >> PASS_SHIFT) & 0xFF
        parity = parities[number, packed & NODE_MASK] & mask
        if packed >> KIND_SHIFT == FOLD:
            bits, width = count_ones(parity) & np.uint64(1), 1
            if mask == ALL:
                bits = fold_of(trees, number)
        else:
            bits, width = extract(parity, mask), np.int64(count_ones(mask))
        word, shift = place >> 6, place & 63
        out[word] |= bits << np.uint64(shift)
        place += width
        if shift + width >= 64:
            # A shift by 64 would be a shift by none.
            out[word + 1] = bits >> np.uint64(64 - shift) if shift else np.uint64(0)
    return place
