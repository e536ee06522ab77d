"""What Cascade's searching end knows of 64 frames, and what it asks in one round.

A node is *known* in a frame when the other end's parity of it is, and *odd* when that parity
differs from the own. A known odd node is taken up only where its halves are unknown. The halves
become known together, so that the lowest known node on a bit's path is the only one there that can
be taken up.

The lists have an end, past which nodes are dropped. Honest answers stay far below it; false ones
then leave errors, which verification finds, or rounds without end, which `conversation` cuts short,
and write nowhere else.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bridge.quantum.kernels.compiled import kernel
from bridge.quantum.kernels.trees import Indices, Words

HALF, TOP, FOLD = 0, 1, 2
"""What a request asks for: a left half, a top node, or one parity over all frames of its mask."""

KIND_SHIFT, PASS_SHIFT, NODE_MASK = 24, 16, 0xFFFF
NONE, ALL = np.uint64(0), np.uint64(0xFFFF_FFFF_FFFF_FFFF)

CORRECTED, FLIPS, FOLDING, FOLD_ASKED, TOUCHED, ACTIVE = 0, 1, 2, 3, 4, 5
"""Places in `Search.counts`: bits flipped; words to flip; the folded pass whose frames are halved,
or -1; whether the folded parities were asked for; nodes in ``touched``; entries of ``active_*``."""


class Search(NamedTuple):
    """What the searching end knows.

    ``known``, uint64 (passes, 2 n, 2): for each node the frames in which it is known, and the other
    end's parity there. ``pending_*``, (passes, capacity) with ``pending_count``: nodes that a flip
    made odd, with their frames. ``active_*``: ``pass << 16 | node`` whose halving goes on.
    ``flip_*``: words that were found wrong. ``opening``, uint64 (passes + 1): the frames whose next
    pass this is. ``total``, uint64 (1): the other end's parity of each frame. ``folds``, uint64
    (passes): its folded parity of each folded pass, and ``suspects``, uint64 (1), the frames among
    which the error lies. ``touched``: the nodes of halving and folded passes, ``pass << 16 |
    node``, that became known, to be forgotten after the block. ``counts``, int64 (6): see
    `CORRECTED`.
    """

    known: Words
    pending_nodes: Indices
    pending_masks: Words
    pending_count: npt.NDArray[np.int64]
    active_nodes: Indices
    active_masks: Words
    flip_words: Indices
    flip_masks: Words
    opening: Words
    total: Words
    folds: Words
    suspects: Words
    touched: Indices
    counts: npt.NDArray[np.int64]


class Requests(NamedTuple):
    """What is asked in one round: uint32 ``kind << 24 | pass << 16 | node``, and uint64 frames."""

    nodes: npt.NDArray[np.uint32]
    masks: Words


@kernel
def push(
    nodes: Indices,
    masks: Words,
    counts: npt.NDArray[np.int64],
    number: int,
    node: int,
    mask: np.uint64,
) -> None:
    """One more entry in a pass's list, if its mask has a frame.

    Without a branch: whether it has is a coin's toss, and the processor would guess wrong. The
    last place is a spare one.
    """
    count = counts[number]
    nodes[number, count] = node
    masks[number, count] = mask
    counts[number] = count + (np.int64(mask != NONE) & np.int64(count + 1 < masks.shape[1]))


@kernel
def forget(search: Search) -> None:
    """Make what the last block made known in the halving and folded passes unknown again.

    The first passes are cleared whole when they open; of the others a block touches little.
    """
    known, touched = search.known, search.touched
    count = search.counts[TOUCHED]
    if count > touched.size:
        known[:, :, :] = NONE
        return
    for entry in range(count):
        number, node = touched[entry] >> PASS_SHIFT, touched[entry] & NODE_MASK
        for both in range(node, node + 2):
            known[number, both, 0] = NONE
            known[number, both, 1] = NONE
