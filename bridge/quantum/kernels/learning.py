"""Cascade's searching end takes in answers: known parities, errors found, bits flipped.

See `knowledge` for what is known and odd, and `search` for what is asked.
"""

from __future__ import annotations

import numpy as np

from bridge.quantum.kernels.compiled import kernel
from bridge.quantum.kernels.instructions import count_ones, deposit
from bridge.quantum.kernels.knowledge import (
    ACTIVE,
    CORRECTED,
    FLIPS,
    FOLD,
    FOLDING,
    KIND_SHIFT,
    NODE_MASK,
    NONE,
    PASS_SHIFT,
    TOP,
    Requests,
    Search,
    push,
)
from bridge.quantum.kernels.trees import (
    ACCUMULATED,
    CROWNED,
    SUMMED,
    UNBUILT,
    Trees,
    Words,
    folded,
    window,
)


@kernel
def _learn_last_top(trees: Trees, search: Search, number: int, mask: np.uint64) -> None:
    """The last top node is the total less the others, so it is never asked for."""
    top = trees.tops[number]
    last = 2 * top - 1
    value = search.total[0] & mask
    for node in range(top, last):
        value ^= search.known[number, node, 1] & mask
    search.known[number, last, 0] |= mask
    search.known[number, last, 1] |= value
    odd = (value ^ trees.parity[number, last]) & mask
    push(search.pending_nodes, search.pending_masks, search.pending_count, number, last, odd)


@kernel
def _learn_fold(trees: Trees, search: Search, number: int, mask: np.uint64, bit: np.uint64) -> None:
    """One folded parity: of a whole pass, or of half of the suspects of one."""
    if search.counts[FOLDING] < 0:
        search.folds[number] = bit
        return
    own = count_ones(trees.parity[number, 1] & mask) & np.uint64(1)
    suspects = mask if own != bit else search.suspects[0] & ~mask
    search.suspects[0] = suspects
    if count_ones(suspects) == 1:
        # The one frame whose top node differs: its parity is the other of the own.
        search.known[number, 1, 0] |= suspects
        search.known[number, 1, 1] |= ~trees.parity[number, 1] & suspects
        push(search.pending_nodes, search.pending_masks, search.pending_count, number, 1, suspects)
        search.counts[FOLDING] = -1


@kernel
def _flip(words: Words, trees: Trees, search: Search) -> None:
    """Flip the words that `learn` put on the list, and pend what that makes odd."""
    parities, state, tops, where = trees.parity, trees.state, trees.tops, trees.where
    known, select = search.known, trees.select
    nodes, masks, counts = search.pending_nodes, search.pending_masks, search.pending_count
    flips, flip_masks = search.flip_words, search.flip_masks
    length, passes = words.size, tops.size
    summed = trees.folds[SUMMED] != np.uint64(0)
    corrected = 0
    for entry in range(search.counts[FLIPS]):
        index, mask = flips[entry], flip_masks[entry]
        words[index] ^= mask
        corrected += np.int64(count_ones(mask))
        if summed:
            trees.folds[ACCUMULATED] ^= folded(trees.mirror, index, mask)
        for number in range(passes):
            if state[number] == UNBUILT:
                if summed:
                    continue
                break  # passes open in their order, until the folded ones do
            top = tops[number]
            if top == 1:
                node, felt = np.int64(length + index), mask & window(select, index, number)
                if state[number] == CROWNED:
                    node = np.int64(1)
            else:
                node, felt = np.int64(length + where[number, index]), mask
            unseen = felt
            while unseen and node >= top:
                parity = parities[number, node] ^ felt
                parities[number, node] = parity
                seen = unseen & known[number, node, 0]
                if seen:
                    odd = (known[number, node, 1] ^ parity) & seen
                    push(nodes, masks, counts, number, node, odd)
                    unseen &= ~seen
                node >>= 1
            while node >= top:
                parities[number, node] ^= felt
                node >>= 1
    search.counts[FLIPS] = 0
    search.counts[CORRECTED] += corrected


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
    flips, flip_masks, total = search.flip_words, search.flip_masks, search.total
    length = words.size
    flipped = 0
    active = 0
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
            push(nodes, masks, counts, number, node, odd)
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
            # Without a branch, as in `push`.
            name = (number << PASS_SHIFT) | node
            for side in range(2):
                wrong = other_odd if side else odd
                active_nodes[active] = name + side
                active_masks[active] = wrong
                active += np.int64(wrong != NONE) & np.int64(active + 1 < active_nodes.size)
        else:
            for side in range(2):
                wrong = other_odd if side else odd
                place_found = node + side - length
                if tops[number] > 1:
                    place_found = np.int64(order[number, place_found])
                flips[flipped] = place_found
                flip_masks[flipped] = wrong
                flipped += np.int64(wrong != NONE) & np.int64(flipped + 1 < flips.size)
    search.counts[FLIPS] = flipped
    search.counts[ACTIVE] = active
    _flip(words, trees, search)
