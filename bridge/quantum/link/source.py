"""The source: single photons in one of the four BB84 states."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.domain.errors import InputError
from bridge.quantum.link.randomness import Bits, Randomness


@dataclass(frozen=True, slots=True, eq=False)
class Pulses:
    """States on their way: for each pulse the basis (0 rectilinear, 1 diagonal) and the bit.

    Two uint8 arrays of one length. The bits are secret; ``repr`` shows the count only.
    """

    bits: Bits
    bases: Bits

    def __post_init__(self) -> None:
        if self.bits.shape != self.bases.shape or self.bits.ndim != 1:
            raise InputError(
                f"pulses: expected two vectors of one length, got {self.bits.shape} bits "
                f"and {self.bases.shape} bases"
            )

    def __len__(self) -> int:
        return len(self.bits)

    def __repr__(self) -> str:
        return f"Pulses({len(self)} pulses, redacted)"


def emit(count: int, rng: Randomness) -> Pulses:
    """``count`` pulses with uniform bits and uniform bases (Bennett and Brassard 1984)."""
    if count < 1:
        raise InputError(f"pulses: expected at least 1, got {count}")
    return Pulses(bits=rng.bits(count), bases=rng.bits(count))
