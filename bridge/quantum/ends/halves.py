"""One end's half of a block after each step, frozen. Only the step before makes it.

Strings are packed: bit i is bit i % 64 of word i // 64. ``repr`` shows no bit of any.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.domain.errors import InputError
from bridge.quantum.link.randomness import Words


@dataclass(frozen=True, slots=True, eq=False)
class SiftedBits:
    """The bits that were seen and measured in the basis they were sent in.

    ``pulses`` and ``clicks`` count what was sent and seen for them, ``sifted`` what came of that,
    and ``count`` the bits taken from what this and earlier blocks have left.
    """

    bits: Words = field(repr=False)
    count: int
    sifted: int
    pulses: int
    clicks: int


@dataclass(frozen=True, slots=True, eq=False)
class EstimatedBits:
    """The bits that were not disclosed, and what a random sample says of their error rate."""

    bits: Words = field(repr=False)
    count: int
    sample_size: int
    sample_errors: int
    sifted: SiftedBits

    def __post_init__(self) -> None:
        if not 0 <= self.sample_errors <= self.sample_size or self.sample_size < 1:
            raise InputError(
                f"sample: expected at most {self.sample_size} errors in at least 1 bit, "
                f"got {self.sample_errors}"
            )

    @property
    def qber(self) -> float:
        """The error rate of the sample."""
        return self.sample_errors / self.sample_size


@dataclass(frozen=True, slots=True, eq=False)
class CorrectedBits:
    """The bits after reconciliation; nothing says yet that both ends have the same.

    ``leak_bits`` counts the sender's parities. ``corrected``, the bits that the receiver flipped,
    is known at the receiver only, and -1 at the sender.
    """

    bits: Words = field(repr=False)
    leak_bits: int
    corrected: int
    rounds: int
    estimated: EstimatedBits


@dataclass(frozen=True, slots=True, eq=False)
class VerifiedBits:
    """Bits that are the same at both ends but with probability ``epsilon_correctness``.

    All messages so far are authentic but with probability ``epsilon_authentication``. ``errors`` is
    the number of bits in which the two ends differed; ``leak_bits`` counts the tag too.
    """

    bits: Words = field(repr=False)
    errors: int
    leak_bits: int
    seed: Words = field(repr=False)
    epsilon_correctness: float
    epsilon_authentication: float
    corrected: CorrectedBits

    def __post_init__(self) -> None:
        if self.leak_bits <= self.corrected.leak_bits:
            raise InputError(
                f"verified bits: expected a leak above the parities' {self.corrected.leak_bits} "
                f"bits, got {self.leak_bits}"
            )
        if self.errors < 0 or not 0.0 < self.epsilon_correctness < 1.0:
            raise InputError(
                "verified bits: expected a number of errors and a failure probability, "
                f"got {self.errors} and {self.epsilon_correctness}"
            )


@dataclass(frozen=True, slots=True, eq=False)
class KeyBlock:
    """A key of one block at one end, with its history.

    ``key`` is packed as the words are, little-endian; what authentication takes back is not in it.
    ``epsilon_secrecy`` is the distance from an ideal key, ``epsilon_correctness`` the chance that
    the two ends differ. ``secret_fraction`` is the key bits for each sifted bit that was used.
    """

    number: int
    key: bytes = field(repr=False)
    qber: float
    errors: int
    phase_errors: int
    leak_bits: int
    rounds: int
    length: int
    sample_size: int
    pulses: int
    clicks: int
    sifted: int
    epsilon_secrecy: float
    epsilon_correctness: float

    @property
    def key_bits(self) -> int:
        """The length of the key."""
        return 8 * len(self.key)

    @property
    def secret_fraction(self) -> float:
        """Key bits for each bit of the block and of its sample."""
        return self.key_bits / (self.length + self.sample_size)
