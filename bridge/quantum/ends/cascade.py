"""Reconciliation at either end: Cascade over 64 frames, every parity counted once.

Brassard and Salvail 1993 (doi 10.1007/3-540-48285-7_35), with the reuse of known sub-blocks and
the long later passes of Martinez-Mateo et al. 2014 (arXiv 1407.3257). The sender answers with
parities, the receiver only asks; what it asks for depends on where its errors are and on nothing
else of its bits. `bridge/quantum/README.md` says why the answers are all that is counted.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bridge.domain.errors import InputError
from bridge.quantum.ends.channel import ClassicalChannel
from bridge.quantum.ends.turns import Answers, Searches, alone
from bridge.quantum.kernels.conversation import PARITIES, ROUNDS
from bridge.quantum.kernels.knowledge import CORRECTED, Search, forget
from bridge.quantum.kernels.trees import Indices, Trees, empty_trees
from bridge.quantum.link.randomness import Keystream, Words

FRAMES = 64
ENTRIES = 8
"""Room in each list of entries, for each bit of a frame: 12 % of all bits."""
SHORTEST, LONGEST = 1 << 4, 1 << 15
"""Bits of a frame."""

HALVING_PASSES = 6
FOLDED_PASSES = 24
"""Each misses what is left of errors with probability 1/2, whatever it is, and is looked at again
after each frame that is put right: where K frames are left, about K 2^-24 of the blocks fail
verification."""

_PERMUTED = 3
_PASSES = _PERMUTED + HALVING_PASSES + FOLDED_PASSES


@dataclass(frozen=True, slots=True)
class Schedule:
    """The block sizes of the first passes; the halving and the folded passes come after them."""

    frame_bits: int
    sizes: tuple[int, ...]
    halving: int = HALVING_PASSES
    folded: int = FOLDED_PASSES

    def __post_init__(self) -> None:
        length = self.frame_bits
        if not SHORTEST <= length <= LONGEST or length & (length - 1):
            raise InputError(
                f"frame: expected a power of two from {SHORTEST} to {LONGEST} bits, got {length}"
            )
        for size in self.sizes:
            if not 1 < size <= length // 4 or size & (size - 1):
                raise InputError(
                    f"pass: expected a power of two from 2 to {length // 4} bits, got {size}"
                )
        if not self.sizes or self.halving < 1 or self.folded < 1:
            raise InputError("schedule: expected at least one pass of each kind, got none of one")

    @property
    def passes(self) -> int:
        """All of them."""
        return len(self.sizes) + self.halving + self.folded


def schedule(frame_bits: int, qber: float) -> Schedule:
    """The passes for an error rate: the first of about 0.7 / QBER bits, the second four times that.

    A rate of zero is read as one error in the block.
    """
    rate = min(max(qber, 1.0 / (FRAMES * frame_bits)), 0.25)
    largest = frame_bits // 4
    first = min(largest, 1 << max(1, round(math.log2(0.7 / rate))))
    return Schedule(frame_bits, (first, min(largest, 4 * first)))


def permutations(length: int, passes: int, key: bytes) -> Indices:
    """A permutation for each pass, from a key that both ends know; the first is the identity.

    They may be public: an adversary who knows them can make Cascade ask more, which is counted, or
    leave errors, which verification finds.
    """
    stream = Keystream(key, 2)
    order = np.empty((passes, length), dtype=np.int32)
    order[0] = np.arange(length)
    keys = np.empty(length, dtype=np.uint64)
    for number in range(1, passes):
        stream.fill(keys)
        order[number] = np.argsort(keys, kind="stable")
    return order


def selection(length: int, key: bytes) -> Words:
    """The random bits of the masked passes, see `kernels.trees`; as public as the permutations."""
    select = np.empty(length + 1, dtype=np.uint64)
    Keystream(key, 3).fill(select)
    return select


class _Workings:
    """What both ends keep from block to block, so that nothing is allocated for each."""

    def __init__(self, frame_bits: int, key: bytes) -> None:
        self.order = permutations(frame_bits, _PERMUTED, key)
        self.trees = empty_trees(self.order, selection(frame_bits, key), _PASSES)
        self.seconds = 0.0
        self.tally: npt.NDArray[np.int64] = np.zeros(6, dtype=np.int64)

    def prepare(self, plan: Schedule) -> Trees:
        """Trees of the plan's passes with nothing in them."""
        permuted = len(plan.sizes)
        if plan.frame_bits != self.order.shape[1] or permuted > _PERMUTED or plan.passes > _PASSES:
            raise InputError(
                f"schedule: expected frames of {self.order.shape[1]} bits, at most {_PERMUTED} "
                f"passes with block sizes and {_PASSES} in all, got {plan.frame_bits} bits, "
                f"{permuted} and {plan.passes}"
            )
        whole = self.trees
        trees = whole._replace(
            order=whole.order[:permuted],
            where=whole.where[:permuted],
            tops=whole.tops[: plan.passes],
            parity=whole.parity[:permuted],
            state=whole.state[:permuted],
        )
        trees.tops[permuted:] = 1
        for number, size in enumerate(plan.sizes):
            trees.tops[number] = plan.frame_bits // size
        trees.state[:] = 0
        trees.folds[:] = 0
        self.tally[:] = 0
        return trees


class Answering(_Workings):
    """The sender's side."""

    def turns(
        self, words: Words, plan: Schedule, channel: ClassicalChannel
    ) -> Generator[Answers, int, int]:
        """Answer until nothing is asked; the number of parities that were told."""
        trees = self.prepare(plan)
        side = (channel.wire, words, trees, channel.transcript, channel.used, self.tally)
        turn = Answers(side)
        channel.adopt((yield turn))
        self.seconds = turn.seconds
        return int(self.tally[PARITIES])

    def run(self, words: Words, plan: Schedule, channel: ClassicalChannel) -> int:
        """`turns` with nothing beside."""
        return alone(self.turns(words, plan, channel))


class Searching(_Workings):
    """The receiver's side."""

    def __init__(self, frame_bits: int, key: bytes) -> None:
        super().__init__(frame_bits, key)
        self.search = empty_search(_PASSES, frame_bits)

    def turns(
        self, words: Words, plan: Schedule, channel: ClassicalChannel
    ) -> Generator[Searches, int, tuple[int, int, int]]:
        """Correct ``words`` in place; the parities asked for, the bits flipped and the rounds."""
        trees = self.prepare(plan)
        search = self.search
        forget(search, len(plan.sizes))
        first_folded = len(plan.sizes) + plan.halving
        side = (
            channel.wire,
            words,
            trees,
            search,
            first_folded,
            channel.transcript,
            channel.used,
            self.tally,
        )
        turn = Searches(side)
        channel.adopt((yield turn))
        self.seconds = turn.seconds
        return int(self.tally[PARITIES]), int(search.counts[CORRECTED]), int(self.tally[ROUNDS])

    def run(self, words: Words, plan: Schedule, channel: ClassicalChannel) -> tuple[int, int, int]:
        """`turns` with nothing beside."""
        return alone(self.turns(words, plan, channel))


def empty_search(passes: int, length: int) -> Search:
    """A `Search` that knows nothing, of frames of ``length`` bits."""
    entries = max(1 << 10, ENTRIES * length)
    return Search(
        value=np.zeros((passes, 2 * length), dtype=np.uint64),
        opened=np.zeros(passes, dtype=np.uint64),
        halved=np.zeros((passes, length), dtype=np.uint64),
        pending=np.zeros((passes, entries), dtype=np.uint32),
        pending_count=np.zeros(passes, dtype=np.int64),
        active=np.zeros(entries, dtype=np.uint32),
        level_nodes=np.zeros((2, length + 2), dtype=np.int64),
        level_masks=np.zeros((2, length + 2), dtype=np.uint64),
        found=np.zeros(length, dtype=np.uint64),
        changes=np.zeros(length, dtype=np.uint64),
        total=np.zeros(1, dtype=np.uint64),
        folds=np.zeros(passes, dtype=np.uint64),
        suspects=np.zeros(1, dtype=np.uint64),
        touched=np.zeros(1 << 14, dtype=np.uint32),
        counts=np.zeros(8, dtype=np.int64),
    )
