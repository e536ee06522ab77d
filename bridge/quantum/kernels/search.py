"""Cascade's searching end, for 64 frames at once: asks for parities, finds errors, flips bits.

Each frame follows its own errors and none waits for another. A node is *known* in a frame when the
other end's parity of it is, and *odd* when that parity differs from the own. In a round each frame
goes on with the halving that it has begun; when it has begun none, it takes up the odd nodes of
the first pass that has any; when none has, it opens its next pass. All the halving passes, which
compare two halves of the string, are opened together: what is asked is the same as one after the
other, and the rounds are fewer. The last passes are *folded*: one parity over all frames, and on
an odd one the frames are halved first.

A known odd node is taken up only where its halves are unknown. The halves become known together,
so that the lowest known node on a bit's path is the only one there that can be taken up.

The lists have an end, past which nodes are dropped. Honest answers stay far below it; false ones
then leave errors, which verification finds, and write nowhere else.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bridge.quantum.kernels.compiled import kernel
from bridge.quantum.kernels.instructions import (
    count_ones,
    deposit,
    lowest_one,
)
from bridge.quantum.kernels.trees import (
    CROWNED,
    PLANTED,
    UNBUILT,
    Indices,
    Trees,
    Words,
    crown,
    plant,
)

HALF, TOP, FOLD = 0, 1, 2
"""What a request asks for: a left half, a top node, or one parity over all frames of its mask."""

KIND_SHIFT, PASS_SHIFT, NODE_MASK = 24, 16, 0xFFFF
NONE, ALL = np.uint64(0), np.uint64(0xFFFF_FFFF_FFFF_FFFF)

CORRECTED, FLIPS, FOLDING, FOLD_ASKED, TOUCHED = 0, 1, 2, 3, 4
"""Places in `Search.counts`: bits flipped; words to flip; the folded pass whose frames are halved,
or -1; whether the folded parities were asked for; nodes in ``touched``."""


class Search(NamedTuple):
    """What the searching end knows.

    ``known``, uint64 (passes, 2 n, 2): for each node the frames in which it is known, and the
    other end's parity there. ``pending_*``, (passes, capacity) with ``pending_count``: nodes that
    a flip made odd, with their frames. ``active_*``: nodes whose halving goes on. ``flip_*``: words
    that were found wrong. ``opening``, uint64 (passes + 1): the frames whose next pass this is.
    ``total``, uint64 (1): the other end's parity of each frame. ``folds``, uint64 (passes): its
    folded parity of each folded pass, and ``suspects``, uint64 (1), the frames among which the
    error lies. ``touched``: the nodes of halving and folded passes, ``pass << 16 | node``, that
    became known, to be forgotten after the block. ``counts``, int64 (5): see `CORRECTED`.
    """

    known: Words
    pending_nodes: Indices
    pending_masks: Words
    pending_count: npt.NDArray[np.int64]
    active_nodes: Indices
    active_masks: Words
    active_count: npt.NDArray[np.int64]
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
def _ask(requests: Requests, count: int, kind: int, number: int, node: int, mask: np.uint64) -> int:
    if count < requests.masks.size:
        requests.nodes[count] = (kind << KIND_SHIFT) | (number << PASS_SHIFT) | node
        requests.masks[count] = mask
        count += 1
    return count


@kernel
def _push(
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
def _flip(words: Words, trees: Trees, search: Search) -> None:
    """Flip the words that `learn` put on the list, and pend what that makes odd."""
    parities, state, tops, where = trees.parity, trees.state, trees.tops, trees.where
    known = search.known
    nodes, masks, counts = search.pending_nodes, search.pending_masks, search.pending_count
    flips, flip_masks = search.flip_words, search.flip_masks
    length, passes = words.size, tops.size
    corrected = 0
    for entry in range(search.counts[FLIPS]):
        index, mask = flips[entry], flip_masks[entry]
        words[index] ^= mask
        corrected += np.int64(count_ones(mask))
        for number in range(passes):
            if state[number] == UNBUILT:
                break  # passes open in their order
            top = tops[number]
            node = np.int64(length + where[number, index])
            if state[number] == CROWNED:
                while node >= 2 * top:
                    node >>= 1
            unseen = mask
            while unseen and node >= top:
                parity = parities[number, node] ^ mask
                parities[number, node] = parity
                seen = unseen & known[number, node, 0]
                if seen:
                    odd = (known[number, node, 1] ^ parity) & seen
                    _push(nodes, masks, counts, number, node, odd)
                    unseen &= ~seen
                node >>= 1
            while node >= top:
                parities[number, node] ^= mask
                node >>= 1
    search.counts[FLIPS] = 0
    search.counts[CORRECTED] += corrected


@kernel
def _learn_last_top(trees: Trees, search: Search, number: int, mask: np.uint64) -> None:
    """The last top node is the total less the others, so it is never asked for.

    Of two odd halves one is searched only. The pass's own total is even by then, so that the other
    half is even when this one is.
    """
    top = trees.tops[number]
    last = 2 * top - 1
    value = search.total[0] & mask
    for node in range(top, last):
        value ^= search.known[number, node, 1] & mask
    search.known[number, last, 0] |= mask
    search.known[number, last, 1] |= value
    odd = (value ^ trees.parity[number, last]) & mask
    if top != 2:
        _push(search.pending_nodes, search.pending_masks, search.pending_count, number, last, odd)


@kernel
def learn(
    words: Words, trees: Trees, search: Search, requests: Requests, count: int, answer: Words
) -> None:
    """Take in the answer to the last ``count`` requests: their parities, packed, lane by lane."""
    # Bound once: each look at a field of a tuple would count a reference, and cost as much.
    request_nodes, request_masks = requests.nodes, requests.masks
    known, parities, tops, order = search.known, trees.parity, trees.tops, trees.order
    nodes, masks, counts = search.pending_nodes, search.pending_masks, search.pending_count
    active_nodes, active_masks = search.active_nodes, search.active_masks
    active_count = search.active_count
    flips, flip_masks, total = search.flip_words, search.flip_masks, search.total
    length = words.size
    flipped = 0
    place = 0
    for request in range(count):
        packed = np.int64(request_nodes[request])
        kind, number, node = packed >> KIND_SHIFT, (packed >> PASS_SHIFT) & 0xFF, packed & NODE_MASK
        mask = request_masks[request]
        word, shift = place >> 6, place & 63
        bits = answer[word] >> np.uint64(shift)
        if kind == FOLD:
            place += 1
            _learn_fold(trees, search, number, mask, bits & np.uint64(1))
            continue
        width = np.int64(count_ones(mask))
        if shift + width > 64:
            bits |= answer[word + 1] << np.uint64(64 - shift)
        place += width
        value = deposit(bits, mask)
        known[number, node, 0] |= mask
        known[number, node, 1] |= value
        odd = (value ^ parities[number, node]) & mask
        if kind == TOP:
            _push(nodes, masks, counts, number, node, odd)
            if number == 0:
                total[0] ^= value
            elif node == 2 * tops[number] - 2:
                _learn_last_top(trees, search, number, mask)
            continue
        other = (known[number, node >> 1, 1] ^ value) & mask
        known[number, node + 1, 0] |= mask
        known[number, node + 1, 1] |= other
        # Not simply the rest of the mask: with two levels at once the node above may be even.
        other_odd = (other ^ parities[number, node + 1]) & mask
        if node < length:
            _push(active_nodes, active_masks, active_count, number, node, odd)
            _push(active_nodes, active_masks, active_count, number, node + 1, other_odd)
        else:
            for side in range(2):
                wrong = other_odd if side else odd
                flips[flipped] = order[number, node + side - length]
                flip_masks[flipped] = wrong
                flipped += np.int64(wrong != NONE) & np.int64(flipped + 1 < flips.size)
    search.counts[FLIPS] = flipped
    _flip(words, trees, search)


@kernel
def _learn_fold(trees: Trees, search: Search, number: int, mask: np.uint64, bit: np.uint64) -> None:
    """One folded parity: of a whole pass, or of half of the suspects of one."""
    if search.counts[FOLDING] < 0:
        search.folds[number] = bit
        return
    own = count_ones(trees.parity[number, 2] & mask) & np.uint64(1)
    suspects = mask if own != bit else search.suspects[0] & ~mask
    search.suspects[0] = suspects
    if count_ones(suspects) == 1:
        # The one frame whose top node differs: its parity is the other of the own.
        value = ~trees.parity[number, 2] & suspects
        search.known[number, 2, 0] |= suspects
        search.known[number, 2, 1] |= value
        _push(search.pending_nodes, search.pending_masks, search.pending_count, number, 2, suspects)
        search.known[number, 3, 0] |= suspects
        search.known[number, 3, 1] |= (search.total[0] ^ value) & suspects
        search.counts[FOLDING] = -1


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
        for number in range(first, passes):
            crown(words, trees, number)
            search.known[number, 2:4, :] = NONE
            count = _ask(requests, count, FOLD, number, 2, ALL)
        return count
    if search.counts[FOLDING] < 0:
        for number in range(first, passes):
            own = count_ones(trees.parity[number, 2]) & np.uint64(1)
            if own != search.folds[number]:
                search.counts[FOLDING] = number
                search.suspects[0] = ALL
                break
    if search.counts[FOLDING] >= 0:
        half = _half_of(search.suspects[0])
        count = _ask(requests, count, FOLD, search.counts[FOLDING], 2, half)
    return count


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
    nodes, masks, counts = search.active_nodes, search.active_masks, search.active_count
    request_nodes, request_masks = requests.nodes, requests.masks
    tops, touched, seen = trees.tops, search.touched, search.counts[TOUCHED]
    count = 0
    busy = NONE
    for number in range(tops.size):
        for entry in range(counts[number]):
            node = np.int64(nodes[number, entry])
            odd = known[number, node, 1] ^ parities[number, node]
            mask = masks[number, entry] & odd & ~known[number, 2 * node, 0]
            if mask and count < request_masks.size:
                busy |= mask
                if tops[number] == 2:
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
                request_nodes[count] = (number << PASS_SHIFT) | (2 * node)
                request_masks[count] = mask
                count += 1
        counts[number] = 0
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
            if top == 2:
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
    if trees.state[number] == UNBUILT:
        if top == 2 and number > 0:
            crown(words, trees, number)
            search.known[number, 2:4, :] = NONE
        else:
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
        if number > 0 and trees.tops[number] == 2:
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
