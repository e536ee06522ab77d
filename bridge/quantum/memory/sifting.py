"""The two ends of the memory lane, which sift and estimate, and keep their memories' records.

As `bridge.quantum.distribution.sifting` has it. Before an end discloses the sample's bits it
decodes those pairs' own syndromes, so that the sample's error rate is that of corrected bits. The
rest is left as it was measured: its records go with it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bridge.domain.errors import MessageForged
from bridge.quantum.distribution.sifting import SiftingReceiver, SiftingSender
from bridge.quantum.distribution.syndromes import MemoryRecord, joined
from bridge.quantum.ends.authentication import OneTimeKeys
from bridge.quantum.ends.channel import ClassicalChannel
from bridge.quantum.ends.end import End, LinkParameters
from bridge.quantum.ends.halves import SiftedBits
from bridge.quantum.kernels.plain import pack, unpack
from bridge.quantum.link.randomness import Randomness, Words
from bridge.quantum.memory.frame import CORRELATED, MATCHING, Decoder, decode_record
from bridge.quantum.memory.medium import PairMedium


class HeldEnd(End):
    """What both ends do with the record, step by step as the bits go."""

    def __init__(
        self,
        parameters: LinkParameters,
        channel: ClassicalChannel,
        medium: PairMedium,
        keys: OneTimeKeys,
        rng: Randomness,
        permutation_key: bytes,
        decoders: Sequence[Decoder] = (MATCHING, CORRELATED),
    ) -> None:
        # End's own takes no permutation key; the ends of either kind do.
        super().__init__(parameters, channel, medium, keys, rng, permutation_key)  # type: ignore[call-arg]
        self.decoders = tuple(decoders)
        self.held: MemoryRecord | None = None
        self._parts: list[MemoryRecord] = []

    def keep(self, bits: Words, matches: Words) -> int:
        """See `End.keep`; the records of the pairs whose bases matched are kept too."""
        medium = self.medium
        assert isinstance(medium, PairMedium)
        assert medium.record is not None
        matched = np.flatnonzero(unpack(matches))
        if len(matched) and int(matched[-1]) >= len(medium.record):
            raise MessageForged(
                f"memory lane: expected matches among {len(medium.record)} heralded pairs, "
                f"got one at {int(matched[-1])}"
            )
        self._parts.append(medium.record.select(matched))
        return super().keep(bits, matches)

    def take(self, pulses: int, clicks: int, sifted: int) -> SiftedBits:
        """See `End.take`; ``held`` is the record of the block and its sample."""
        block = super().take(pulses, clicks, sifted)
        whole = joined(self._parts)
        self.held = whole.select(np.arange(block.count))
        self._parts = [whole.select(np.arange(block.count, len(whole)))]
        return block

    def without_sample(
        self, sifted: SiftedBits, places: npt.NDArray[np.uint32], taken: Words
    ) -> tuple[Words, Words]:
        """See `End.without_sample`; the sample is corrected, ``held`` is the record of the rest."""
        sample, rest = super().without_sample(sifted, places, taken)
        assert self.held is not None
        frame = decode_record(self.held.select(places.astype(np.intp)), self.decoders)
        self.held = self.held.select(np.flatnonzero(~unpack(taken, sifted.count)))
        return sample ^ pack(frame.flips), rest


class PairSender(HeldEnd, SiftingSender):
    """The end whose bits are the key."""


class PairReceiver(HeldEnd, SiftingReceiver):
    """The end whose bits have the errors."""
