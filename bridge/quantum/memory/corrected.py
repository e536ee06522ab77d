"""Corrected keys: both ends have the same, verified and amplified, with all that is known of it."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from enum import StrEnum

from bridge.domain.errors import InputError
from bridge.quantum.ends.halves import KeyBlock
from bridge.quantum.memory.frame import Frame


class Lane(StrEnum):
    """How a key came about; its provenance says so. Persisted, never renamed."""

    BULK = "bb84-simulation"
    MEMORY = "memory-simulation"


@dataclass(frozen=True, slots=True)
class FrameReport:
    """What decoding did: whose frame was taken at each end, and the bits that each flipped.

    ``failures`` are those of decoders that had no answer before.
    """

    decoders: tuple[str, str]
    flipped: tuple[int, int]
    failures: tuple[str, ...]

    @classmethod
    def of(cls, sender: Frame, receiver: Frame) -> FrameReport:
        """Of both ends' frames."""
        return cls(
            (sender.decoder, receiver.decoder),
            (int(sender.flips.sum()), int(receiver.flips.sum())),
            (*sender.failures, *receiver.failures),
        )


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class CorrectedKeys:
    """One block's key. ``block`` is the sender's half, which the receiver's was compared with.

    ``taken_bits`` went to the authentication of the conversation that sifted, and are not in
    ``key``. ``held_s`` is how long the pairs were held, 0 where there were none. ``created_at`` is
    when the light was measured, in Unix seconds. ``repr`` shows no bit.
    """

    block: KeyBlock = field(repr=False)
    key: bytes = field(repr=False)
    lane: Lane
    frame: FrameReport | None
    held_s: float
    taken_bits: int
    created_at: float
    simulated: bool = True

    @classmethod
    def of(
        cls,
        sender: KeyBlock,
        receiver: KeyBlock,
        frame: FrameReport | None,
        held_s: float,
        taken_bits: int,
        created_at: float,
    ) -> CorrectedKeys:
        """From both ends' halves; ``InputError`` when they differ, or nothing is left of them."""
        if not hmac.compare_digest(sender.key, receiver.key):
            raise InputError("corrected keys: expected the same key at both ends, got two")
        if taken_bits % 8 or not 0 <= taken_bits < sender.key_bits:
            raise InputError(
                f"corrected keys: expected below {sender.key_bits} bits to be taken off, "
                f"got {taken_bits}"
            )
        lane = Lane.BULK if frame is None else Lane.MEMORY
        key = sender.key[taken_bits // 8 :]
        return cls(sender, key, lane, frame, held_s, taken_bits, created_at)

    @property
    def key_bits(self) -> int:
        """The length of the key."""
        return 8 * len(self.key)

    @property
    def qber(self) -> float:
        """The error rate of all bits, counted when they were reconciled."""
        return self.block.errors / self.block.length

    @property
    def fidelity(self) -> float:
        """That of Werner pairs with this error rate: 1 - 3/2 QBER."""
        return 1.0 - 1.5 * self.qber

    @property
    def leak_bits(self) -> int:
        """What reconciliation and verification disclosed."""
        return self.block.leak_bits

    @property
    def epsilon(self) -> float:
        """The distance from an ideal key, and the chance that the two ends differ."""
        return self.block.epsilon_secrecy + self.block.epsilon_correctness

    @property
    def secret_fraction(self) -> float:
        """Key bits for each bit of the block and of its sample."""
        return self.key_bits / (self.block.length + self.block.sample_size)

    def __repr__(self) -> str:
        return (
            f"CorrectedKeys({self.key_bits} bits, {self.lane.value}, qber={self.qber:.4f}, "
            f"held {self.held_s:g} s, simulated, redacted)"
        )
