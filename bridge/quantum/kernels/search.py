"""Cascade's searching end, for 64 frames at once: which parities to ask for next.

Each frame follows its own errors and none waits for another. In a round each frame goes on with
the halving that it has begun; when it has begun none, it takes up the odd nodes of the first pass
that has any; when none has, it opens its next pass. All the halving passes, which compare a random
half of each frame, are opened together: what is asked is the same as one after the other, and the
rounds are fewer. The last passes are *folded*: one parity over the halves of all frames, and on an
odd one the frames are halved first. `knowledge` says what is known and odd,
`learning` takes in answers.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bridge.quantum.kernels.compiled import kernel
from bridge.quantum.kernels.instructions import count_ones, lowest_one
from bridge.quantum.kernels.knowledge import (
    ACTIVE,
    ALL,
    FOLD,
    FOLD_ASKED,
    FOLDING,
    KIND_SHIFT,
    NODE_MASK,
    NONE,
    PASS_SHIFT,
    TOP,
    TOUCHED,
    Requests,
    Search,
)
from bridge.quantum.kernels.trees import (
    PLANTED,
    UNBUILT,
    Indices,
    Trees,
    Words,
    crown,
    fold,
    fold_of,
    plant,
)


@kernel
def _ask(requests: Requests, count: int, kind: int, number: int, node: int, mask: np.uint64) -> int:
    if count < requests.masks.size:
        requests.nodes[count] = (kind << KIND_SHIFT) | (number << PASS_SHIFT) | node
        requests.masks[count] = mask
        count += 1
    return count


@kernel
def _half_of(suspects: np.uint64) -> np.uint64:
    """The lower half of the frames of a mask."""
    half = NONE
    for _ in range(count_ones(suspects) // np.uint64(2)):
        lowest = np.uint64(1) << lowest_one(suspects)
        half |= lowest
        suspects ^= lowest
    return half


@kernel
def _fold(words: Words, trees: Trees, search: Search, requests: Requests, first: int) -> int:
    """What to ask when no frame has anything left: folded parities, or half of the suspects."""
    count = 0
    passes = trees.tops.size
    if search.counts[FOLD_ASKED] == 0:
        search.counts[FOLD_ASKED] = 1
        fold(words, trees)
        for number in range(first, passes):
            search.known[number, 1, :] = NONE
            count = _ask(requests, count, FOLD, number, 1, ALL)
        return count
    if search.counts[FOLDING] < 0:
        for number in range(first, passes):
            if fold_of(trees, number) != search.folds[number]:
                search.counts[FOLDING] = number
                search.suspects[0] = ALL
                if trees.state[number] == UNBUILT:
                    crown(words, trees, number)
                break
    if search.counts[FOLDING] >= 0:
        half = _half_of(search.suspects[0])
        count = _ask(requests, count, FOLD, search.counts[FOLDING], 1, half)
    return count


@kernel
def _halve(
    known: Words,
    touched: Indices,
    seen: int,
    request_nodes: npt.NDArray[np.uint32],
    request_masks: Words,
    count: int,
    number: int,
    node: int,
    mask: np.uint64,
    levels: int,
) -> tuple[int, int]:
    """Ask for a node's left half in a halving pass, and with two levels for both halves' left ones.

    Gives the numbers of touched nodes and of requests.
    """
    length = known.shape[1] // 2
    asked = 3 if levels == 2 and 2 * node < length and count + 3 <= request_masks.size else 1
    for place in range(asked):
        left = 2 * node if place == 0 else 4 * node + 2 * (place - 1)
        known[number, left, 0] |= mask
        if seen < touched.size:
            touched[seen] = (number << PASS_SHIFT) | left
        seen += 1
        request_nodes[count] = (number << PASS_SHIFT) | left
        request_masks[count] = mask
        count += 1
    return seen, count


@kernel
def _go_on(trees: Trees, search: Search, requests: Requests, levels: int) -> tuple[int, np.uint64]:
    """The requests of the halvings that were begun, and their frames.

    The left half is marked as known at once, so that nothing is asked for twice.
    """
    known, parities = search.known, trees.parity
    nodes, masks = search.active_nodes, search.active_masks
    request_nodes, request_masks = requests.nodes, requests.masks
    tops, touched, seen = trees.tops, search.touched, search.counts[TOUCHED]
    count = 0
    busy = NONE
    for entry in range(search.counts[ACTIVE]):
        name = np.int64(nodes[entry])
        number, node = name >> PASS_SHIFT, name & NODE_MASK
        odd = known[number, node, 1] ^ parities[number, node]
        mask = masks[entry] & odd & ~known[number, 2 * node, 0]
        if not mask or count >= request_masks.size:
            continue
        busy |= mask
        if tops[number] == 1:
            seen, count = _halve(
                known,
                touched,
                seen,
                request_nodes,
                request_masks,
                count,
                number,
                node,
                mask,
                levels,
            )
            continue
        known[number, 2 * node, 0] |= mask
        request_nodes[count] = name + node
        request_masks[count] = mask
        count += 1
    search.counts[ACTIVE] = 0
    search.counts[TOUCHED] = seen
    return count, busy


@kernel
def _begin(
    words: Words,
    trees: Trees,
    search: Search,
    requests: Requests,
    count: int,
    number: int,
    busy: np.uint64,
    levels: int,
) -> tuple[int, np.uint64]:
    """Take up a pass's pending nodes in the frames that are not busy; gives the busy ones then."""
    known, parities, state = search.known, trees.parity, trees.state
    nodes, masks = search.pending_nodes, search.pending_masks
    request_nodes, request_masks = requests.nodes, requests.masks
    top, touched, seen = trees.tops[number], search.touched, search.counts[TOUCHED]
    used = NONE
    kept = 0
    for entry in range(search.pending_count[number]):
        node = np.int64(nodes[number, entry])
        odd = known[number, node, 1] ^ parities[number, node]
        mask = masks[number, entry] & odd
        if node >= words.size or not mask:
            continue
        if state[number] != PLANTED:
            plant(words, trees, number)
        mask &= ~known[number, 2 * node, 0]
        now, later = mask & ~busy, mask & busy
        if now and count < request_masks.size:
            used |= now
            if top == 1:
                seen, count = _halve(
                    known,
                    touched,
                    seen,
                    request_nodes,
                    request_masks,
                    count,
                    number,
                    node,
                    now,
                    levels,
                )
            else:
                known[number, 2 * node, 0] |= now
                request_nodes[count] = (number << PASS_SHIFT) | (2 * node)
                request_masks[count] = now
                count += 1
        if later:
            nodes[number, kept] = node
            masks[number, kept] = later
            kept += 1
    search.pending_count[number] = kept
    search.counts[TOUCHED] = seen
    return count, busy | used


@kernel
def _open(
    words: Words,
    trees: Trees,
    search: Search,
    requests: Requests,
    count: int,
    number: int,
    mask: np.uint64,
) -> int:
    """Ask for the top nodes of a pass; the last one follows from the total of the first pass."""
    top = trees.tops[number]
    if top == 1:
        if trees.state[number] == UNBUILT:
            crown(words, trees, number)
            search.known[number, 1, :] = NONE
        return _ask(requests, count, TOP, number, 1, mask)
    if trees.state[number] == UNBUILT:
        plant(words, trees, number)
        search.known[number, top:, :] = NONE
    stop = 2 * top if number == 0 else 2 * top - 1
    for node in range(top, stop):
        count = _ask(requests, count, TOP, number, node, mask)
    return count


@kernel
def ask(
    words: Words, trees: Trees, search: Search, requests: Requests, folded: int, levels: int
) -> int:
    """The requests of the next round and their number; 0 when nothing is left to ask.

    ``folded`` is the number of the first folded pass, ``levels`` how many levels of a halving or
    folded pass are asked for at once, 1 or 2.
    """
    count, busy = _go_on(trees, search, requests, levels)
    for number in range(trees.tops.size):
        if search.pending_count[number]:
            count, busy = _begin(words, trees, search, requests, count, number, busy, levels)
    free = ~busy
    for number in range(folded):
        mask = search.opening[number] & free
        if not mask:
            continue
        following = number + 1
        if trees.tops[number] == 1:
            if mask != ALL:
                break  # some frame has work, or has opened the pass before in this very round
            following = folded
        for opened in range(number, following):
            count = _open(words, trees, search, requests, count, opened, mask)
        search.opening[number] &= ~mask
        search.opening[following] |= mask
        free &= ~mask
    if count == 0:
        count = _fold(words, trees, search, requests, folded)
    return count
