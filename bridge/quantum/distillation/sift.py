"""Sifting: the pulses that clicked and were measured in the basis they were sent in."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.domain.errors import BlockRejected, InputError
from bridge.quantum.link.randomness import Bits
from bridge.quantum.link.transmission import Transmission


@dataclass(frozen=True, slots=True, eq=False)
class SiftedBlock:
    """The bits of both ends where the bases agree. They still differ by the link's noise."""

    sender: Bits
    receiver: Bits
    clicked: int

    def __post_init__(self) -> None:
        if self.sender.shape != self.receiver.shape or self.sender.ndim != 1:
            raise InputError(
                f"sifted block: expected two vectors of one length, got {self.sender.shape} "
                f"and {self.receiver.shape}"
            )

    def __len__(self) -> int:
        return len(self.sender)

    def __repr__(self) -> str:
        return f"SiftedBlock({len(self)} of {self.clicked} bits, redacted)"


def sift(transmission: Transmission) -> SiftedBlock:
    """The bits that both ends keep: about half of the clicks, in both bases alike.

    Raises ``BlockRejected`` when nothing is left.
    """
    sent, seen = transmission.sent, transmission.seen
    keep = seen.clicked & (sent.bases == seen.bases)
    clicked = int(seen.clicked.sum())
    if not keep.any():
        raise BlockRejected(
            f"no sifted bits: {clicked} of {len(sent)} pulses clicked, none in the same basis"
        )
    return SiftedBlock(sender=sent.bits[keep], receiver=seen.bits[keep], clicked=clicked)
