"""Reconciliation by Cascade, with every parity that crosses the channel counted, both ways.

Brassard and Salvail 1993 (doi 10.1007/3-540-48285-7_35); the schedule of block sizes follows
Martinez-Mateo et al. 2014 (arXiv 1407.3257): the first size is the power of two next above 1/QBER,
the second four times that, and every later pass halves the string.

The usual count takes the sender's parities only. Tupkary and Lütkenhaus (arXiv 2307.00576) point
out that this misses what the receiver says: which blocks are bisected, and into which half, depends
on the receiver's bits. Here the receiver answers each parity with its own, over the same block, for
whole blocks and for halves alike, and both bits are counted. All else that either end does follows
from these bits by fixed rules, so the transcript takes at most 2^leak_bits values, and conditioning
on it takes at most leak_bits off the min-entropy, whatever the two strings have in common. The
price is twice the usual count.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bridge.domain.errors import InputError
from bridge.quantum.distillation.estimate import EstimatedBlock
from bridge.quantum.link.randomness import Bits, Randomness

PASSES = 14


@dataclass(frozen=True, slots=True, eq=False)
class CorrectedBlock:
    """The sender's bits, the receiver's after correction, and what correcting them disclosed.

    Nothing says yet that the two agree; `verify` does.
    """

    estimated: EstimatedBlock
    receiver: Bits
    leak_bits: int
    corrections: int

    def __post_init__(self) -> None:
        if self.receiver.shape != self.estimated.sender.shape:
            raise InputError(
                f"corrected block: expected {len(self.estimated)} bits, got {len(self.receiver)}"
            )
        if self.leak_bits < 2:
            raise InputError(
                f"leak: expected at least one parity each way, got {self.leak_bits} bits"
            )

    def __repr__(self) -> str:
        return f"CorrectedBlock({len(self.receiver)} bits, leak_bits={self.leak_bits}, redacted)"


def correct(block: EstimatedBlock, rng: Randomness) -> CorrectedBlock:
    """The block after Cascade at the sample's QBER.

    Permutations are drawn by the receiver and announced; they are independent of both strings and
    leak nothing.
    """
    session = _Cascade(block.sender, block.receiver)
    for size in block_sizes(len(block), block.qber):
        session.run_pass(size, rng.permutation(len(block)))
    return CorrectedBlock(
        estimated=block,
        receiver=session.receiver,
        leak_bits=2 * session.parities,
        corrections=session.corrections,
    )


def block_sizes(length: int, qber: float) -> list[int]:
    """The size of the top-level blocks for each pass.

    A QBER of zero errors in the sample is read as one error in the string.
    """
    rate = min(max(qber, 1.0 / length), 0.5)
    first = 1 << math.ceil(math.log2(1.0 / rate))
    half = max(1, -(-length // 2))
    return [min(first, half), min(4 * first, half), *[half] * (PASSES - 2)]


class _Pass:
    """Both strings in the order of one permutation, and the sender's parities known so far."""

    __slots__ = ("known", "order", "position", "receiver", "sender_prefix", "size")

    def __init__(
        self, size: int, order: npt.NDArray[np.intp], sender: Bits, receiver: Bits
    ) -> None:
        self.size = size
        self.order = order
        self.position = np.empty_like(order)
        self.position[order] = np.arange(len(order))
        self.sender_prefix = np.zeros(len(order) + 1, dtype=np.uint8)
        np.bitwise_xor.accumulate(sender[order], out=self.sender_prefix[1:])
        self.receiver = receiver[order]
        self.known: dict[tuple[int, int], int] = {}

    def receiver_parity(self, start: int, stop: int) -> int:
        """The parity of the receiver's bits in ``[start, stop)`` as they are now."""
        return int(np.count_nonzero(self.receiver[start:stop])) & 1

    def block_of(self, index: int) -> tuple[int, int]:
        """The top-level block that holds bit ``index`` of the string."""
        start = int(self.position[index]) // self.size * self.size
        return start, min(start + self.size, len(self.order))


class _Cascade:
    """One run. ``parities`` counts the questions: one bit each way for every one."""

    def __init__(self, sender: Bits, receiver: Bits) -> None:
        self._sender = sender
        self.receiver = receiver.copy()
        self.parities = 0
        self.corrections = 0
        self._passes: list[_Pass] = []
        # Blocks whose parities differ, smallest first: they cost the fewest questions.
        self._odd: list[tuple[int, int, int, int]] = []

    def run_pass(self, size: int, order: npt.NDArray[np.intp]) -> None:
        """Compares all blocks of a new pass, and bisects until no known block is odd."""
        current = _Pass(size, order, self._sender, self.receiver)
        self._passes.append(current)
        number = len(self._passes) - 1
        for start in range(0, len(order), size):
            self._push_if_odd(number, start, min(start + size, len(order)))
        while self._odd:
            _, number, start, stop = heapq.heappop(self._odd)
            if self._is_odd(self._passes[number], start, stop):
                self._flip(self._bisect(self._passes[number], start, stop))

    def _sender_parity(self, within: _Pass, start: int, stop: int) -> int:
        """The sender's parity of a block: asked for and counted, unless it is known already."""
        known = within.known.get((start, stop))
        if known is None:
            self.parities += 1
            known = int(within.sender_prefix[start] ^ within.sender_prefix[stop])
            within.known[start, stop] = known
        return known

    def _is_odd(self, within: _Pass, start: int, stop: int) -> bool:
        return self._sender_parity(within, start, stop) != within.receiver_parity(start, stop)

    def _push_if_odd(self, number: int, start: int, stop: int) -> None:
        if self._is_odd(self._passes[number], start, stop):
            heapq.heappush(self._odd, (stop - start, number, start, stop))

    def _bisect(self, within: _Pass, start: int, stop: int) -> int:
        """The index in the string of one error in an odd block.

        The right half's parity is the block's less the left half's, so it is never asked for.
        """
        while stop - start > 1:
            middle = (start + stop) // 2
            whole = within.known[start, stop]
            left = self._sender_parity(within, start, middle)
            within.known[middle, stop] = whole ^ left
            if left != within.receiver_parity(start, middle):
                stop = middle
            else:
                start = middle
        return int(within.order[start])

    def _flip(self, index: int) -> None:
        """Corrects one bit and queues the blocks that this makes odd, in every pass so far."""
        self.corrections += 1
        self.receiver[index] ^= 1
        for number, within in enumerate(self._passes):
            within.receiver[within.position[index]] ^= 1
            self._push_if_odd(number, *within.block_of(index))
