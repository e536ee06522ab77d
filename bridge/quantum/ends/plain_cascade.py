"""The readable twin of the bit-sliced Cascade: frame by frame, the same bits and the same leak.

Each frame is searched by itself, as the kernels do it side by side. See `kernels.search` for the
rules and `cascade` for the sources.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bridge.quantum.ends.cascade import FRAMES, Schedule
from bridge.quantum.kernels.plain import unpack
from bridge.quantum.kernels.trees import Indices
from bridge.quantum.link.randomness import Words

Bits = npt.NDArray[np.bool_]
Node = tuple[int, int]
"""A pass and a node of its tree: node 1 is the frame, 2v and 2v + 1 are the halves of v."""


class _Frame:
    """One frame at the receiver, and the sender's bits, of which only parities are looked at."""

    def __init__(
        self, sender: Bits, receiver: Bits, plan: Schedule, order: Indices, select: Bits
    ) -> None:
        self.sender, self.receiver = sender, receiver
        self.plan, self.order, self.select = plan, order, select
        self.known: dict[Node, int] = {}
        self.pending: dict[Node, None] = {}
        self.active: list[Node] = []
        self.leak_bits = 0
        self.corrected = 0

    def places(self, node: Node) -> Indices:
        """The places of the string that a node covers."""
        number, heap = node
        depth = heap.bit_length() - 1
        width = self.plan.frame_bits >> depth
        start = (heap - (1 << depth)) * width
        if self.top(number) > 1:
            covered: Indices = self.order[number][start : start + width]
            return covered
        chosen = self.chosen(number)[start : start + width]
        return (start + np.flatnonzero(chosen)).astype(np.int32)

    def chosen(self, number: int) -> Bits:
        """Which of the frame's bits a masked pass looks at."""
        return self.select[number:][: FRAMES * self.plan.frame_bits : FRAMES]

    def own(self, node: Node) -> int:
        """The receiver's parity now."""
        return int(np.count_nonzero(self.receiver[self.places(node)])) & 1

    def told(self, node: Node) -> int:
        """The sender's parity."""
        return int(np.count_nonzero(self.sender[self.places(node)])) & 1

    def odd(self, node: Node) -> bool:
        """Whether a known node's parities differ."""
        return self.known[node] != self.own(node)

    def top(self, number: int) -> int:
        """The first top node of a pass."""
        sizes = self.plan.sizes
        if number < len(sizes):
            return self.plan.frame_bits // sizes[number]
        return 1

    def open(self, number: int) -> None:
        """Ask for a pass's top nodes. In a permuted pass after the first the last one follows."""
        first = self.top(number)
        last = 2 * first - 1
        for heap in range(first, last + 1):
            node = (number, heap)
            if heap < last or number == 0 or first == 1:
                self.leak_bits += 1
            self.known[node] = self.told(node)
            if self.odd(node):
                self.pending[node] = None

    def run(self) -> None:
        """Halve odd nodes, round by round, until none is left."""
        while True:
            wave = [node for node in self.active if self.ready(node)]
            self.active = []
            if not wave:
                self.pending = {node: None for node in self.pending if self.ready(node)}
                if not self.pending:
                    return
                first = min(number for number, _ in self.pending)
                wave = [node for node in self.pending if node[0] == first]
                for node in wave:
                    del self.pending[node]
            wrong: list[int] = []
            for node in wave:
                wrong += self.halve(node)
            for place in wrong:
                self.flip(place)

    def ready(self, node: Node) -> bool:
        """Whether a node can be halved: it is odd, and its halves are unknown."""
        number, heap = node
        return (
            heap < self.plan.frame_bits and self.odd(node) and (number, 2 * heap) not in self.known
        )

    def halve(self, node: Node) -> list[int]:
        """Learn the halves of a node; the place of an error, if it was found."""
        number, heap = node
        left, right = (number, 2 * heap), (number, 2 * heap + 1)
        self.leak_bits += 1
        self.known[left] = self.told(left)
        self.known[right] = self.known[node] ^ self.known[left]
        wrong: list[int] = []
        for half in (left, right):
            if self.odd(half) and half[1] < self.plan.frame_bits:
                self.active.append(half)
            elif self.odd(half):
                wrong.append(int(self.places(half)[0]))
        return wrong

    def flip(self, place: int) -> None:
        """Correct one bit, and note the lowest known node on its path in each pass."""
        self.receiver[place] = not self.receiver[place]
        self.corrected += 1
        opened = {number for number, _ in self.known}
        for number in opened:
            position = place
            if self.top(number) > 1:
                position = int(np.flatnonzero(self.order[number] == place)[0])
            elif not self.chosen(number)[place]:
                continue
            heap = self.plan.frame_bits + position
            while (number, heap) not in self.known and heap > 1:
                heap //= 2
            node = (number, heap)
            if node in self.known and self.odd(node):
                self.pending[node] = None


def reconcile(
    sender: Words, receiver: Words, plan: Schedule, order: Indices, select: Words
) -> tuple[Bits, int, int]:
    """The receiver's bits after Cascade, (64, n), the parities told, and the bits flipped."""
    told, own = (unpack(words).reshape(-1, FRAMES).T.copy() for words in (sender, receiver))
    chosen = unpack(select)
    frames = [_Frame(told[f], own[f], plan, order, chosen[f:]) for f in range(FRAMES)]
    first_folded = len(plan.sizes) + plan.halving
    for frame in frames:
        for number in range(len(plan.sizes)):
            frame.open(number)
            frame.run()
        for number in range(len(plan.sizes), first_folded):
            frame.open(number)
        frame.run()
    folded = range(first_folded, plan.passes)
    leak_bits = len(folded)
    while True:
        odd = [number for number in folded if sum(_differs(frame, number) for frame in frames) % 2]
        if not odd:
            break
        suspects = list(range(FRAMES))
        while len(suspects) > 1:
            half = suspects[: len(suspects) // 2]
            leak_bits += 1
            if sum(_differs(frames[f], odd[0]) for f in half) % 2:
                suspects = half
            else:
                suspects = suspects[len(half) :]
        frame = frames[suspects[0]]
        frame.known[odd[0], 1] = frame.told((odd[0], 1))
        frame.pending[odd[0], 1] = None
        frame.run()
    leak_bits += sum(frame.leak_bits for frame in frames)
    corrected = sum(frame.corrected for frame in frames)
    return np.array([frame.receiver for frame in frames]), leak_bits, corrected


def _differs(frame: _Frame, number: int) -> int:
    return frame.told((number, 1)) ^ frame.own((number, 1))
