"""Parity trees over 64 frames at once: lane f of every word belongs to frame f.

A string of 64 n bits, n = 2^L words, is 64 frames of n bits; frame f has bit f of each word. The
tree of a pass is a heap: node v is the exclusive or of nodes 2v and 2v + 1, so one word holds the
parities of 64 frames, and a pass compares the nodes ``top`` to ``2 top - 1``. There are two kinds:

- A permuted pass, the same for all frames: leaf ``n + j`` is word ``order[j]``. Its nodes are kept.
- A masked pass, with ``top`` 1, looks at a random half of each frame, each its own. Few of its
  nodes are ever asked for, so that none is kept: `columns` computes them from the frames' bits.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bridge.quantum.kernels.compiled import kernel

Words = npt.NDArray[np.uint64]
Indices = npt.NDArray[np.int32]

PLANTED = 1

ACCUMULATED, TURNED = 0, 1
"""Places in `Trees.folds`: the parities of all masked passes over the whole string, pass p at bit
63 - p; whether they and ``columns`` stand."""


class Trees(NamedTuple):
    """The trees of all passes, and what masked ones are computed from.

    ``order`` and ``where``, int32 (permuted passes, n), are each permutation and its inverse; the
    first one is the identity. ``tops``, int64 (passes), has the first top node of each. ``parity``,
    uint64 (permuted passes, 2 n), holds the nodes from the top ones down, and at the searching end
    whether they differ from the other end's, where those are known; ``state``, int64 (permuted
    passes), says whether they stand. For the masked passes, see `columns`: ``columns``
    and ``chosen``, uint64 (64, m) and (64 + passes, m), m = n / 64 or 1, ``mirror``, uint64
    (n + 1), and ``folds``, uint64 (2), see `ACCUMULATED`.
    """

    order: Indices
    where: Indices
    tops: npt.NDArray[np.int64]
    parity: Words
    state: npt.NDArray[np.int64]
    columns: Words
    chosen: Words
    mirror: Words
    folds: Words


def empty_trees(order: Indices, select: Words, passes: int) -> Trees:
    """Trees with nothing in them; at most 64 passes.

    ``select``, uint64 (n + 1), are the random bits of the masked passes, see `columns`.
    """
    permuted, length = order.shape
    where = np.empty_like(order)
    for number in range(permuted):
        where[number, order[number]] = np.arange(length, dtype=np.int32)
    bits = np.unpackbits(select.view(np.uint8), bitorder="little")
    mirrored = bits.reshape(-1, 64)[:, ::-1]
    width = max(1, length // 64)
    chosen = np.zeros((64 + passes, 64 * width), dtype=np.uint8)
    for column in range(64 + passes):
        chosen[column, :length] = bits[column::64][:length]
    return Trees(
        order=np.ascontiguousarray(order),
        where=where,
        tops=np.zeros(passes, dtype=np.int64),
        parity=np.zeros((permuted, 2 * length), dtype=np.uint64),
        state=np.zeros(permuted, dtype=np.int64),
        columns=np.zeros((64, width), dtype=np.uint64),
        chosen=np.packbits(chosen, axis=1, bitorder="little").view(np.uint64),
        mirror=np.packbits(mirrored, bitorder="little").view(np.uint64),
        folds=np.zeros(2, dtype=np.uint64),
    )


@kernel
def plant(words: Words, trees: Trees, number: int) -> None:
    """All nodes of a permuted pass, from the words as they are now."""
    length = words.size
    parity, top = trees.parity[number], trees.tops[number]
    if number == 0:
        parity[length:] = words
    else:
        order = trees.order[number]
        for place in range(length):
            parity[length + place] = words[order[place]]
    level = length >> 1
    while level >= top:
        above, below = parity[level : 2 * level], parity[2 * level : 4 * level]
        for node in range(level):
            above[node] = below[2 * node] ^ below[2 * node + 1]
        level >>= 1
    trees.state[number] = PLANTED


@kernel
def change(trees: Trees, number: int, changes: Words) -> None:
    """Change the nodes above the leaves of a permuted pass; ``changes``, uint64 (n), is used up."""
    parity, top = trees.parity[number], trees.tops[number]
    level = changes.size
    while True:
        nodes = parity[level : 2 * level]
        for node in range(level):
            nodes[node] ^= changes[node]
        level >>= 1
        if level < top:
            break
        for node in range(level):
            changes[node] = changes[2 * node] ^ changes[2 * node + 1]
