"""Nature's part of the memory lane, as one end sees it: heralds, measured bits, memories' records.

Each end holds a `PairMedium` under one seed and uses one side of it, as of
`bridge.quantum.ends.medium`. The seed has what a pair's two halves share: what the sender's bit
would be, and which attempts were heralded. What a memory does to its half is drawn at that memory's
end alone, and so is its record. Heralds are public.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bridge.domain.errors import HeraldLost
from bridge.quantum.basis import Basis
from bridge.quantum.distribution.syndromes import MemoryRecord
from bridge.quantum.ends.medium import Clicks, Emission, Light, Medium
from bridge.quantum.kernels.plain import pack, unpack
from bridge.quantum.link.randomness import KEY_BYTES, Bits, Keystream, Words
from bridge.quantum.memory.lane import MemoryLane

MOST_ROUNDS = 64
"""Of attempts for one block; `End.round_words` plans for one or two."""


class PairMedium(Medium):
    """One side's access to the pairs of a ``lane``; ``nature`` draws what that side alone sees.

    The sender uses `emit`, the receiver `detect`. ``heralded`` and ``record`` are those of the last
    round: which attempts gave a pair, and what this end's memory says of each.
    """

    def __init__(self, lane: MemoryLane, seed: bytes, nature: np.random.Generator) -> None:
        super().__init__(Light(lane.click, 0.0), seed)
        self.lane = lane
        self.nature = nature
        self.heralded: npt.NDArray[np.intp] = np.empty(0, dtype=np.intp)
        self.record: MemoryRecord | None = None
        shared = int.from_bytes(Keystream(seed, 4).read(KEY_BYTES), "big")
        self._heralds = np.random.default_rng(shared)
        self._rounds = 0
        self._pairs = 0

    def emit(self, words: int) -> Emission:
        """The sender's bits, measured after its memory, and its bases; one for each attempt."""
        sent = super().emit(words)
        self._herald(words)
        bits, bases = unpack(sent.bits), _bits(sent.bases)
        bits[self.heralded] ^= self._hold(bases[self.heralded])
        return Emission(pack(bits), sent.bases)

    def detect(self, bases: Words) -> Clicks:
        """The receiver's bits of the pairs that were heralded, measured in ``bases``."""
        words = len(bases)
        sent = super().emit(words)
        self._herald(words)
        theirs = _bits(sent.bases)[self.heralded]
        own = _bits(bases)[self.heralded]
        pauli = self.lane.link_errors(len(own), self.nature)
        # In Z the bits differ when the Pauli has an x, in X when it has a z.
        wrong = np.where(own == 0, pauli & 1, pauli >> 1).astype(bool)
        bits = unpack(sent.bits)[self.heralded] ^ wrong
        other = own != theirs
        bits[other] = self.nature.random(int(other.sum())) < 0.5
        bits ^= self._hold(own)
        seen = np.zeros(64 * words, dtype=bool)
        seen[self.heralded] = True
        return Clicks(pack(seen), pack(bits), pack(own), len(own))

    def _herald(self, words: int) -> None:
        """Draw which attempts give a pair, alike at both ends; at most `MOST_ROUNDS` times."""
        self._rounds += 1
        attempts = 64 * words
        self.heralded = np.flatnonzero(self._heralds.random(attempts) < self.lane.click)
        self._pairs += len(self.heralded)
        if self._rounds > MOST_ROUNDS:
            raise HeraldLost(self._pairs, self._pairs + 1, self._rounds * attempts)

    def _hold(self, bases: Bits) -> npt.NDArray[np.bool_]:
        """Hold this end's halves and measure them: the flips, and the record beside."""
        flips = np.empty(len(bases), dtype=bool)
        events = {}
        for number, basis in enumerate(Basis):
            chosen = np.flatnonzero(bases == number)
            held = self.lane.memory.sample(basis, len(chosen), self.nature)
            misread = self.nature.random(len(chosen)) < self.lane.readout_error(basis)
            flips[chosen] = held.flips ^ misread
            events[basis] = held.events
        self.record = MemoryRecord(self.lane.memory, bases, events)
        return flips


def _bits(words: Words) -> Bits:
    return unpack(words).astype(np.uint8)
