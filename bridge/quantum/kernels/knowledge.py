"""What Cascade's searching end knows of 64 frames.

A node is *known* in a frame when the other end's parity of it is, and *odd* when that parity
differs from the own. A known odd node is taken up only where its halves are unknown. The halves
become known together, so that the lowest known node on a bit's path is the only one there that can
be taken up.

Where few frames have work an *entry* stands for one node in one frame, ``pass << 22 | frame << 16 |
node`` in a uint32. The lists of entries have an end, past which they are dropped. Honest answers
stay far below it; false ones then leave errors, which verification finds, or rounds without end,
which `conversation` cuts short, and write nowhere else.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bridge.quantum.kernels.compiled import kernel
from bridge.quantum.kernels.instructions import Word
from bridge.quantum.kernels.trees import Words

Entries = npt.NDArray[np.uint32]

PASS_SHIFT, FRAME_SHIFT, NODE_MASK, FRAME_MASK = 22, 16, 0xFFFF, 0x3F
NONE, ALL = np.uint64(0), np.uint64(0xFFFF_FFFF_FFFF_FFFF)

CORRECTED, ACTIVE, TOUCHED, OPENED, LEVEL, FOLDING, FOLD_ASKED, PERMUTED = range(8)
"""Places in `Search.counts`: bits flipped; entries of ``active``, or of ``level_*`` in a sweep;
entries in ``touched``; passes that are open; the first node of the level that a sweep is at, or 0
where there is none; the folded pass whose frames are halved, or -1; whether the folded parities
were asked for; the number of permuted passes."""


class Search(NamedTuple):
    """What the searching end knows.

    Of a permuted pass, `Trees.parity` has the exclusive or of both ends' parities where the other
    end's is known. Of masked ones ``value``, uint64 (passes, 2 n), has the other end's. Top nodes
    are known in the frames of ``opened``, uint64 (passes), the halves of a node in those of
    ``halved``, uint64 (passes, n). ``pending``, uint32 (passes, capacity), with ``pending_count``:
    nodes that a flip made odd. ``active``, uint32: nodes whose halving goes on. ``level_nodes`` and
    ``level_masks``, (2, n + 2): the same in a sweep, of one level, with their frames, and of the
    next. ``found`` and ``changes``, uint64 (n): the bits that a sweep found wrong, by leaf, and
    room for the same in another order. ``total``, uint64 (1): the other end's parity of each frame.
    ``folds``, uint64 (passes): its parity of each folded pass, and ``suspects``, uint64 (1), the
    frames among which the error lies. ``touched``: the nodes of masked passes whose halves became
    known, to be forgotten after the block. ``counts``, int64 (8): see `CORRECTED`.
    """

    value: Words
    opened: Words
    halved: Words
    pending: Entries
    pending_count: npt.NDArray[np.int64]
    active: Entries
    level_nodes: npt.NDArray[np.int64]
    level_masks: Words
    found: Words
    changes: Words
    total: Words
    folds: Words
    suspects: Words
    touched: Entries
    counts: npt.NDArray[np.int64]


@kernel
def lowest_known(halved: Words, top: int, number: int, frame: int, leaf: int) -> int:
    """The lowest node of an open pass at ``leaf`` or above that is known in a frame.

    What is above a known node is known, so that the unknown ones are counted, without a branch.
    """
    # Unsigned, so that no index is checked for being from the end.
    shift, first, one = np.uint64(frame), np.uint64(top), np.uint64(1)
    unknown = np.uint64(0)
    node = np.uint64(leaf) >> one
    while node >= first:
        unknown += ~(halved[number, node] >> shift) & one
        node >>= one
    return leaf >> np.int64(unknown)


@kernel
def lowest_known_masked(halved: Words, number: int, frame: int, place: int) -> int:
    """The same of a masked pass, from the top down: of most no more is known than the top node."""
    length, shift = halved.shape[1], np.uint64(frame)
    leaf, node, width = length + place, 1, length
    while node < length and (halved[number, node] >> shift) & np.uint64(1):
        width >>= 1
        node = leaf // width
    return node


@kernel
def push(
    pending: Entries,
    pending_count: npt.NDArray[np.int64],
    number: int,
    frame: int,
    node: int,
    odd: Word,
) -> None:
    """One more entry in a pass's list, if ``odd`` is 1.

    Without a branch: whether it is, is a coin's toss, and the processor would guess wrong. The last
    place is a spare one.
    """
    count = pending_count[number]
    pending[number, count] = (number << PASS_SHIFT) | (frame << FRAME_SHIFT) | node
    pending_count[number] = count + (np.int64(odd) & np.int64(count + 1 < pending.shape[1]))


@kernel
def forget(search: Search, permuted: int) -> None:
    """Make all unknown, for a block with so many permuted passes.

    Those of the block before are cleared whole; of the others a block touches little.
    """
    halved, touched = search.halved, search.touched
    count, before = search.counts[TOUCHED], search.counts[PERMUTED]
    halved[:before] = NONE
    if count >= touched.size:
        halved[before:] = NONE
    else:
        for index in range(count):
            entry = np.int64(touched[index])
            halved[entry >> PASS_SHIFT, entry & NODE_MASK] = NONE
    search.opened[:] = NONE
    search.pending_count[:] = 0
    search.counts[:] = 0
    search.counts[FOLDING] = -1
    search.counts[PERMUTED] = permuted
