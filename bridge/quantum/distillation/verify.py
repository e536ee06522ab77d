"""Verification: both ends compare a 2-universal hash of their bits.

The hash is polynomial evaluation over the prime field of p = 2^127 - 1 (Carter and Wegman 1981;
den Boer 1993): the string, cut into 120-bit coefficients, is evaluated at a random point and a
random constant is added. Two different strings of m coefficients differ by a non-zero polynomial of
degree at most m without constant term, which has at most m roots, so they collide with probability
at most m / p. The 127-bit tag is announced and counted as leak.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bridge.domain.errors import BlockRejected, InputError
from bridge.quantum.distillation.correct import CorrectedBlock
from bridge.quantum.distillation.estimate import EstimatedBlock
from bridge.quantum.link.randomness import Bits, Randomness

PRIME = (1 << 127) - 1
TAG_BITS = 127
_COEFFICIENT_BYTES = 15


@dataclass(frozen=True, slots=True, eq=False)
class VerifiedBlock:
    """Bits on which both ends agree but with probability ``epsilon_correctness``.

    ``leak_bits`` is everything that was announced about them: parities of both ends and the tag.
    """

    estimated: EstimatedBlock
    receiver: Bits
    leak_bits: int
    corrections: int
    epsilon_correctness: float

    def __post_init__(self) -> None:
        if self.leak_bits <= TAG_BITS:
            raise InputError(
                f"verified block: expected a leak above the tag's {TAG_BITS} bits, "
                f"got {self.leak_bits}"
            )
        if not 0.0 < self.epsilon_correctness < 1.0:
            raise InputError(
                "verified block: expected a failure probability between 0 and 1, "
                f"got {self.epsilon_correctness}"
            )

    def __repr__(self) -> str:
        return f"VerifiedBlock({len(self.receiver)} bits, leak_bits={self.leak_bits}, redacted)"


def verify(block: CorrectedBlock, rng: Randomness) -> VerifiedBlock:
    """The block, when the tags of both ends are equal; ``BlockRejected`` when they are not."""
    point, constant = rng.below(PRIME), rng.below(PRIME)
    sender = polynomial_hash(block.estimated.sender, point, constant)
    receiver = polynomial_hash(block.receiver, point, constant)
    if sender != receiver:
        raise BlockRejected(
            f"verification failed at QBER {block.estimated.qber:.2%}: the tags of both ends "
            f"differ after {block.corrections} corrections"
        )
    return VerifiedBlock(
        estimated=block.estimated,
        receiver=block.receiver,
        leak_bits=block.leak_bits + TAG_BITS,
        corrections=block.corrections,
        epsilon_correctness=collision_probability(len(block.receiver)),
    )


def collision_probability(length: int) -> float:
    """The bound m / p for strings of ``length`` bits, m their number of coefficients."""
    return -(-length // (8 * _COEFFICIENT_BYTES)) / PRIME


def polynomial_hash(bits: Bits, point: int, constant: int) -> int:
    """The value constant + sum of c_i point^i for i = 1 .. m, mod p."""
    packed = np.packbits(bits).tobytes()
    value = 0
    for start in range(0, len(packed), _COEFFICIENT_BYTES):
        coefficient = int.from_bytes(packed[start : start + _COEFFICIENT_BYTES], "big")
        value = (value + coefficient) * point % PRIME
    return (value + constant) % PRIME
