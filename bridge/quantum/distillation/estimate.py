"""Estimation: a random sample is compared in the open and discarded; it bounds the phase errors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bridge.domain.errors import BlockRejected, InputError
from bridge.quantum.distillation.bounds import upper_error_count
from bridge.quantum.distillation.sift import SiftedBlock
from bridge.quantum.link.randomness import Bits, Randomness


@dataclass(frozen=True, slots=True, eq=False)
class EstimatedBlock:
    """The bits that were not disclosed, with the bound that the sample gives on them.

    ``phase_error_upper`` holds but with probability ``tail``. The sample is gone.
    """

    sender: Bits
    receiver: Bits
    sample_size: int
    sample_errors: int
    phase_error_upper: float
    tail: float

    def __post_init__(self) -> None:
        if self.sender.shape != self.receiver.shape or self.sender.ndim != 1:
            raise InputError(
                f"estimated block: expected two vectors of one length, got {self.sender.shape} "
                f"and {self.receiver.shape}"
            )
        if not 0 <= self.sample_errors <= self.sample_size or self.sample_size < 1:
            raise InputError(
                f"sample: expected at most {self.sample_size} errors in at least 1 bit, "
                f"got {self.sample_errors}"
            )
        if not 0.0 < self.phase_error_upper <= 1.0:
            raise InputError(f"phase error bound: expected 0 to 1, got {self.phase_error_upper}")
        if not 0.0 < self.tail < 1.0:
            raise InputError(f"failure probability: expected between 0 and 1, got {self.tail}")

    @property
    def qber(self) -> float:
        """The error rate of the sample."""
        return self.sample_errors / self.sample_size

    @property
    def epsilon(self) -> float:
        """What the bound adds to the distance from an ideal key: 2 sqrt(tail).

        The bound fails with probability ``tail``; the min-entropy is smoothed over a purified
        distance of sqrt(tail), which counts twice (Tomamichel and Leverrier 2017). That the length
        of the key depends on the sample costs nothing more: averaged over what was seen,
        2 sqrt(tail given what was seen) is at most 2 sqrt(tail), the root being concave (Tupkary,
        Nahar, Sinha and Lütkenhaus, arXiv 2408.17349, prove the variable-length form).
        """
        return 2.0 * math.sqrt(self.tail)

    def __len__(self) -> int:
        return len(self.sender)

    def __repr__(self) -> str:
        return f"EstimatedBlock({len(self)} bits, qber={self.qber:.4f}, redacted)"


def estimate(
    block: SiftedBlock, fraction: float, epsilon: float, rng: Randomness
) -> EstimatedBlock:
    """The block without a random sample of ``fraction`` of it, and the bound from that sample.

    The phase error rate of the rest is the error rate that it would have shown, had both ends
    measured each of its pulses in the other basis. Bases are uniform, independent of the sample
    and unknown while the pulses were under way, and a single photon does not tell which was
    chosen. So sample and rest are as if drawn without replacement from one population of errors,
    and `bounds.upper_error_count` applies. The bound fails with probability (``epsilon`` / 2)^2,
    so that it costs the key ``epsilon``.

    Raises ``BlockRejected`` when the block is too short to be split.
    """
    if not 0.0 < fraction < 1.0:
        raise InputError(f"sample fraction: expected between 0 and 1, got {fraction}")
    if not 0.0 < epsilon < 1.0:
        raise InputError(f"epsilon: expected between 0 and 1, got {epsilon}")
    total = len(block)
    sample_size = round(total * fraction)
    rest_size = total - sample_size
    if sample_size < 1 or rest_size < 1:
        raise BlockRejected(f"{total} sifted bits cannot be split into a sample and a rest")
    chosen = np.zeros(total, dtype=bool)
    chosen[rng.permutation(total)[:sample_size]] = True
    sample_errors = int(np.count_nonzero(block.sender[chosen] != block.receiver[chosen]))
    tail = (epsilon / 2.0) ** 2
    upper = upper_error_count(sample_size, sample_errors, rest_size, tail)
    return EstimatedBlock(
        sender=block.sender[~chosen],
        receiver=block.receiver[~chosen],
        sample_size=sample_size,
        sample_errors=sample_errors,
        phase_error_upper=max(1, upper) / rest_size,
        tail=tail,
    )
