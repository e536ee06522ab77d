"""Privacy amplification: a Toeplitz hash over GF(2), computed exactly by a real FFT.

Toeplitz matrices are an exactly 2-universal family (Krawczyk 1994). The key is T x mod 2 with
T[i][j] = seed[i - j + n - 1], the slice [n - 1, n - 1 + m) of the convolution of seed and x. The
convolution of 0/1 vectors is an integer, and the floating FFT gives it to within an error that
rounding removes: an FFT of N = 2^k points in double precision errs by some 10 k 2^-53 ||seed||
||x|| (Brent, Percival and Zimmermann 2007 give such a bound), which `MAXIMUM_BITS` keeps below
1e-5. The distance to the nearest integer is checked to be below 1/4 all the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bridge.domain.errors import BlockRejected, InputError
from bridge.quantum.distillation.bounds import secret_length
from bridge.quantum.distillation.verify import VerifiedBlock
from bridge.quantum.link.randomness import Bits, Randomness

MAXIMUM_BITS = 1 << 24


@dataclass(frozen=True, slots=True, eq=False)
class AmplifiedBlock:
    """The key at both ends, one bit in each byte, and the whole of its failure probability."""

    verified: VerifiedBlock
    sender_key: Bits
    receiver_key: Bits
    epsilon: float

    def __repr__(self) -> str:
        return f"AmplifiedBlock({len(self.sender_key)} key bits, redacted)"


def amplify(block: VerifiedBlock, epsilon_amplification: float, rng: Randomness) -> AmplifiedBlock:
    """The key of ``block``, of the length that `bounds.secret_length` leaves.

    ``epsilon`` is the distance from an ideal key: the bound's 2 sqrt(tail), the hash's
    ``epsilon_amplification`` and the chance that the two ends differ. Raises ``InputError`` for
    anything but a verified block, which alone carries a leak and a failure probability, and
    ``BlockRejected`` when no secret bits are left.
    """
    if not isinstance(block, VerifiedBlock):
        raise InputError(
            "amplification: expected a VerifiedBlock with its leak and failure probability, "
            f"got {type(block).__name__}"
        )
    estimated = block.estimated
    length = secret_length(
        len(estimated), estimated.phase_error_upper, block.leak_bits, epsilon_amplification
    )
    length -= length % 8
    if length == 0:
        raise BlockRejected(
            f"no secret bits left at QBER {estimated.qber:.2%}: phase errors up to "
            f"{estimated.phase_error_upper:.2%} and a leak of {block.leak_bits} bits "
            f"use up all {len(estimated)}"
        )
    seed = rng.bits(len(estimated) + length - 1)
    return AmplifiedBlock(
        verified=block,
        sender_key=toeplitz_hash(estimated.sender, seed),
        receiver_key=toeplitz_hash(block.receiver, seed),
        epsilon=estimated.epsilon + epsilon_amplification + block.epsilon_correctness,
    )


def toeplitz_hash(bits: Bits, seed: Bits) -> Bits:
    """T x mod 2, m bits, for x of n bits and a seed of n + m - 1 bits.

    ``InputError`` when the seed is too short for one bit, or both together pass `MAXIMUM_BITS`.
    """
    count = len(bits)
    if count < 1 or len(seed) < count:
        raise InputError(f"Toeplitz seed: expected at least {max(1, count)} bits, got {len(seed)}")
    if count + len(seed) > MAXIMUM_BITS:
        raise InputError(
            f"Toeplitz hash: expected at most {MAXIMUM_BITS} bits of input and seed, "
            f"got {count + len(seed)}"
        )
    points = 1 << math.ceil(math.log2(count + len(seed) - 1)) if len(seed) > 1 else 2
    product = np.fft.rfft(bits, points) * np.fft.rfft(seed, points)
    convolution: npt.NDArray[np.float64] = np.fft.irfft(product, points)[count - 1 : len(seed)]
    rounded = np.rint(convolution)
    assert float(np.max(np.abs(convolution - rounded))) < 0.25, "FFT lost the integers"
    return (rounded.astype(np.int64) & 1).astype(np.uint8)
