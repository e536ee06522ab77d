"""One block through all stages: transmit, sift, estimate, correct, verify, amplify."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bridge.domain.errors import BlockRejected, InputError
from bridge.quantum.distillation.amplify import amplify
from bridge.quantum.distillation.bounds import (
    binary_entropy,
    secret_length,
    upper_error_count,
)
from bridge.quantum.distillation.correct import correct
from bridge.quantum.distillation.estimate import EstimatedBlock, estimate
from bridge.quantum.distillation.sift import sift
from bridge.quantum.distillation.verify import verify
from bridge.quantum.link.randomness import Randomness
from bridge.quantum.link.transmission import Link, transmit


@dataclass(frozen=True, slots=True)
class BlockParameters:
    """A link, the size of a block, and how its failure probability is spent.

    ``epsilon_estimation`` and ``epsilon_amplification`` add up, with verification's, to the
    distance of the key from an ideal one.
    """

    link: Link = field(default_factory=Link)
    pulses: int = 1 << 18
    sample_fraction: float = 0.2
    epsilon_estimation: float = 5e-11
    epsilon_amplification: float = 5e-11

    def __post_init__(self) -> None:
        if self.pulses < 1:
            raise InputError(f"pulses: expected at least 1, got {self.pulses}")
        if not 0.0 < self.sample_fraction < 1.0:
            raise InputError(
                f"sample fraction: expected between 0 and 1, got {self.sample_fraction}"
            )
        for name in ("epsilon_estimation", "epsilon_amplification"):
            if not 0.0 < getattr(self, name) < 0.5:
                raise InputError(f"{name}: expected between 0 and 0.5, got {getattr(self, name)}")


@dataclass(frozen=True, slots=True)
class StageCounts:
    """How many were left after each stage, and how many bits were wrong on the way."""

    pulses: int
    clicked: int
    double_clicks: int
    sifted: int
    sample: int
    estimated: int
    corrections: int
    key_bits: int


@dataclass(frozen=True, slots=True)
class DistilledBlock:
    """A key with its history. ``key`` is packed, first bit highest; ``repr`` does not show it.

    ``qber`` is the error rate of the sample, ``leak_bits`` all that was announced about the bits
    the key was made from, ``epsilon`` the distance from an ideal key shared by both ends, and
    ``secret_fraction`` the key bits for each sifted bit. ``limit`` is the QBER at which a block
    like this one would have been rejected. The classical channel is taken to be authentic.
    """

    key: bytes = field(repr=False)
    qber: float
    limit: float
    phase_error_upper: float
    sample_size: int
    leak_bits: int
    epsilon: float
    secret_fraction: float
    counts: StageCounts

    def __post_init__(self) -> None:
        if 8 * len(self.key) != self.counts.key_bits or not self.key:
            raise InputError(
                f"distilled block: expected {self.counts.key_bits} key bits, "
                f"got {8 * len(self.key)}"
            )


def distil_block(parameters: BlockParameters, rng: Randomness) -> DistilledBlock:
    """One distilled block, or ``BlockRejected`` with its QBER and the limit.

    >>> block = distil_block(BlockParameters(), Randomness.system())
    >>> len(block.key) > 1000 and block.qber < 0.02
    True
    """
    transmission = transmit(parameters.link, parameters.pulses, rng)
    sifted = sift(transmission)
    estimated = estimate(sifted, parameters.sample_fraction, parameters.epsilon_estimation, rng)
    limit = qber_limit(estimated, parameters.epsilon_amplification)
    if estimated.qber >= limit:
        raise BlockRejected(
            f"QBER {estimated.qber:.2%} of {estimated.sample_size} sampled bits is not below the "
            f"limit {limit:.2%}: no secret bits can be left of {len(estimated)}"
        )
    verified = verify(correct(estimated, rng), rng)
    amplified = amplify(verified, parameters.epsilon_amplification, rng)
    key_bits = len(amplified.sender_key)
    return DistilledBlock(
        key=np.packbits(amplified.sender_key).tobytes(),
        qber=estimated.qber,
        limit=limit,
        phase_error_upper=estimated.phase_error_upper,
        sample_size=estimated.sample_size,
        leak_bits=verified.leak_bits,
        epsilon=amplified.epsilon,
        secret_fraction=key_bits / len(sifted),
        counts=StageCounts(
            pulses=parameters.pulses,
            clicked=sifted.clicked,
            double_clicks=transmission.seen.double_clicks,
            sifted=len(sifted),
            sample=estimated.sample_size,
            estimated=len(estimated),
            corrections=verified.corrections,
            key_bits=key_bits,
        ),
    )


def qber_limit(block: EstimatedBlock, epsilon_amplification: float) -> float:
    """The lowest sampled QBER at which a block of this size leaves no key, however well corrected.

    Correction is taken at Shannon's limit, n h(QBER) bits from each end, since both ends announce
    parities; so a block at or above the limit is given up before it is corrected. For long blocks
    1 - 3 h(Q) = 0 gives 6.1 %; short ones have less.
    """
    rest = len(block)

    def leaves_nothing(errors: int) -> bool:
        qber = errors / block.sample_size
        upper = max(1, upper_error_count(block.sample_size, errors, rest, block.tail)) / rest
        leak_bits = int(2.0 * rest * binary_entropy(qber))
        return secret_length(rest, upper, leak_bits, epsilon_amplification) < 8

    low, high = 0, block.sample_size
    while low < high:
        middle = (low + high) // 2
        if leaves_nothing(middle):
            high = middle
        else:
            low = middle + 1
    return low / block.sample_size
