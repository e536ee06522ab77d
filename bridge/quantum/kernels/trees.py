"""Parity trees over 64 frames at once: lane f of every word belongs to frame f.

A string of 64 n bits, n = 2^L words, is 64 frames of n bits; frame f has bit f of each word. All
frames share one permutation in each pass. The tree of a pass is a heap: leaf ``n + j`` is word
``order[j]``, node v is the exclusive or of nodes 2v and 2v + 1, so one word holds the parities of
64 frames. A pass compares the nodes ``top`` to ``2 top - 1``.

A folded pass has ``top`` 1. It keeps the words' order and looks at a random half of the bits, that
of each frame its own: leaf ``n + j`` of pass p is word j under the mask ``select[j + p]``. Were it
the same half for all frames, errors in the same places of two frames would hide each other in each
folded pass.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bridge.quantum.kernels.compiled import kernel

Words = npt.NDArray[np.uint64]
Indices = npt.NDArray[np.int32]

UNBUILT, CROWNED, PLANTED = 0, 1, 2


class Trees(NamedTuple):
    """The trees of all passes.

    ``order`` and ``where``, int32 (passes, n), are each pass's permutation and its inverse; the
    first pass's is the identity, and folded passes have none. ``tops``, int64 (passes), has the
    first top node of each. ``parity``, uint64 (passes, 2 n), holds the nodes, ``select``, uint64
    (n + passes), the masks of folded passes. ``state``, int64 (passes), says whether a
    pass has nothing, its top nodes only, or all its nodes.
    """

    order: Indices
    where: Indices
    tops: npt.NDArray[np.int64]
    parity: Words
    select: Words
    state: npt.NDArray[np.int64]


def empty_trees(order: Indices, select: Words, passes: int) -> Trees:
    """Trees with nothing in them for these permutations and masks."""
    permuted, length = order.shape
    where = np.empty_like(order)
    for number in range(permuted):
        where[number, order[number]] = np.arange(length, dtype=np.int32)
    return Trees(
        order=np.ascontiguousarray(order),
        where=where,
        tops=np.zeros(passes, dtype=np.int64),
        parity=np.zeros((passes, 2 * length), dtype=np.uint64),
        select=select,
        state=np.zeros(passes, dtype=np.int64),
    )


@kernel
def plant(words: Words, trees: Trees, number: int) -> None:
    """All nodes of one pass, from the words as they are now."""
    length = words.size
    parity = trees.parity[number]
    if number == 0:
        for place in range(length):
            parity[length + place] = words[place]
    elif trees.tops[number] == 1:
        select = trees.select[number:]
        for place in range(length):
            parity[length + place] = words[place] & select[place]
    else:
        order = trees.order[number]
        for place in range(length):
            parity[length + place] = words[order[place]]
    for node in range(length - 1, 0, -1):
        parity[node] = parity[2 * node] ^ parity[2 * node + 1]
    trees.state[number] = PLANTED


@kernel
def crown(words: Words, trees: Trees, number: int) -> None:
    """The top nodes of a halving or folded pass. The first pass must be planted."""
    if trees.tops[number] == 1:
        select = trees.select[number:]
        folded = np.uint64(0)
        for place in range(words.size):
            folded ^= words[place] & select[place]
        trees.parity[number, 1] = folded
        trees.state[number] = CROWNED
        return
    where = trees.where[number]
    half = words.size // 2
    first = np.uint64(0)
    # In the words' own order, without a jump: the compiler makes vectors of this.
    for place in range(words.size):
        first ^= words[place] & (np.uint64(0) - np.uint64(where[place] < half))
    top = trees.tops[0]
    total = np.uint64(0)
    for node in range(top, 2 * top):
        total ^= trees.parity[0, node]
    trees.parity[number, 2] = first
    trees.parity[number, 3] = first ^ total
    trees.state[number] = CROWNED
