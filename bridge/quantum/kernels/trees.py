"""Parity trees over 64 frames at once: lane f of every word belongs to frame f.

A string of 64 n bits, n = 2^L words, is 64 frames of n bits; frame f has bit f of each word. The
tree of a pass is a heap: node v is the exclusive or of nodes 2v and 2v + 1, so one word holds the
parities of 64 frames, and a pass compares the nodes ``top`` to ``2 top - 1``. There are two kinds:

- A permuted pass, the same for all frames: leaf ``n + j`` is word ``order[j]``.
- A masked pass, with ``top`` 1, looks at a random half of each frame, each its own: leaf ``n + j``
  is word j under a mask, `window`. The mask of pass p has at bit i of the string the bit ``i + p``
  of the random bits ``select``: a Toeplitz matrix. Of errors that are left let the last be at bit
  i. Then the parity of pass p has bit ``i + p`` in it, which those of the passes before have not.
  So it is a fair coin, whatever they are. Were it the same half for all frames, errors in the same
  places of two frames would hide each other in a parity over both.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bridge.quantum.kernels.compiled import kernel
from bridge.quantum.kernels.instructions import Word, multiply

Words = npt.NDArray[np.uint64]
Indices = npt.NDArray[np.int32]

UNBUILT, CROWNED, PLANTED = 0, 1, 2

ACCUMULATED, SUMMED = 0, 1
"""Places in `Trees.folds`: the parities of all masked passes over the whole string, pass p at bit
63 - p; whether they stand."""


class Trees(NamedTuple):
    """The trees of all passes.

    ``order`` and ``where``, int32 (permuted passes, n), are each permutation and its inverse; the
    first one is the identity. ``tops``, int64 (passes), has the first top node of each. ``parity``,
    uint64 (passes, 2 n), holds the nodes. ``select``, uint64 (n + 1), are the random bits of the
    masked passes, and ``mirror`` the same with each word's bits reversed. ``folds``, uint64 (2),
    see `ACCUMULATED`. ``state``, int64 (passes), says whether a pass has nothing, its top node
    only, or all its nodes.
    """

    order: Indices
    where: Indices
    tops: npt.NDArray[np.int64]
    parity: Words
    select: Words
    mirror: Words
    folds: Words
    state: npt.NDArray[np.int64]


def empty_trees(order: Indices, select: Words, passes: int) -> Trees:
    """Trees with nothing in them for these permutations and random bits; at most 64 passes."""
    permuted, length = order.shape
    where = np.empty_like(order)
    for number in range(permuted):
        where[number, order[number]] = np.arange(length, dtype=np.int32)
    mirrored = np.unpackbits(select.view(np.uint8), bitorder="little").reshape(-1, 64)[:, ::-1]
    return Trees(
        order=np.ascontiguousarray(order),
        where=where,
        tops=np.zeros(passes, dtype=np.int64),
        parity=np.zeros((passes, 2 * length), dtype=np.uint64),
        select=select,
        mirror=np.packbits(mirrored, bitorder="little").view(np.uint64),
        folds=np.zeros(2, dtype=np.uint64),
        state=np.zeros(passes, dtype=np.int64),
    )


@kernel
def window(select: Words, place: int, number: int) -> Word:
    """The mask of a masked pass at a word. The first pass has none, so that no shift is by 64."""
    shift = np.uint64(number)
    return (select[place] >> shift) | (select[place + 1] << (np.uint64(64) - shift))


@kernel
def plant(words: Words, trees: Trees, number: int) -> None:
    """All nodes of one pass, from the words as they are now."""
    length = words.size
    parity = trees.parity[number]
    if number == 0:
        for place in range(length):
            parity[length + place] = words[place]
    elif trees.tops[number] == 1:
        select = trees.select
        for place in range(length):
            parity[length + place] = words[place] & window(select, place, number)
    else:
        order = trees.order[number]
        for place in range(length):
            parity[length + place] = words[order[place]]
    for node in range(length - 1, 0, -1):
        parity[node] = parity[2 * node] ^ parity[2 * node + 1]
    trees.state[number] = PLANTED


@kernel
def crown(words: Words, trees: Trees, number: int) -> None:
    """The top node of a masked pass."""
    select = trees.select
    top = np.uint64(0)
    for place in range(words.size):
        top ^= words[place] & window(select, place, number)
    trees.parity[number, 1] = top
    trees.state[number] = CROWNED


@kernel
def folded(mirror: Words, place: int, word: Word) -> Word:
    """What a word adds to the parities of all masked passes over the string, pass p at bit 63 - p.

    Bit 63 - p of the carry-less product of x and of r reversed is the parity of x & (r >> p), and
    bit 127 - p that of x & (r << (64 - p)).
    """
    low, _ = multiply(word, mirror[place])
    _, high = multiply(word, mirror[place + 1])
    return low ^ high


@kernel
def fold(words: Words, trees: Trees) -> None:
    """The parities of all masked passes over the whole string."""
    mirror = trees.mirror
    total = np.uint64(0)
    for place in range(words.size):
        total ^= folded(mirror, place, words[place])
    trees.folds[ACCUMULATED] = total
    trees.folds[SUMMED] = np.uint64(1)


@kernel
def fold_of(trees: Trees, number: int) -> Word:
    """A masked pass's parity over the whole string, 0 or 1."""
    return (trees.folds[ACCUMULATED] >> np.uint64(63 - number)) & np.uint64(1)
