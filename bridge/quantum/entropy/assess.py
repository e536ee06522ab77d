"""The non-IID estimate: the least of ten (SP 800-90B, 3.1.3 and 6.3).

It is of bits, H_bitstring of section 3.1.3, for sources that are binary or are read bit by bit.
An independent implementation of the standard, NIST's ea_non_iid, is the one that counts for a
validation; this one is for looking at a source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bridge.domain.errors import InputError
from bridge.quantum.entropy import estimators, predictors

LEAST_BITS = 10_000
"""Below this the compression estimate has too few blocks to stand on."""
STANDARD_BITS = 1_000_000
"""What the standard asks for (3.1.1)."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """Bits of min-entropy for each bit by each estimate, named as in the standard's section 6.3."""

    samples: int
    estimates: Mapping[str, float]

    @property
    def min_entropy(self) -> float:
        """The least of the estimates."""
        return min(self.estimates.values())


def assess(bits: npt.NDArray[np.uint8]) -> Assessment:
    """The ten estimates for ``bits``, uint8 of 0 and 1, at least 10,000 of them."""
    if bits.ndim != 1 or len(bits) < LEAST_BITS:
        raise InputError(f"assessment: expected at least {LEAST_BITS} bits, got {bits.shape}")
    if bits.dtype != np.uint8 or int(bits.max()) > 1:
        raise InputError(f"assessment: expected uint8 of 0 and 1, got {bits.dtype}")
    t_tuple, repeated = estimators.tuples(bits)
    return Assessment(
        len(bits),
        {
            "most common value": estimators.most_common_value(bits),
            "collision": estimators.collision(bits),
            "Markov": estimators.markov(bits),
            "compression": estimators.compression(bits),
            "t-tuple": t_tuple,
            "longest repeated substring": repeated,
            "MultiMCW": predictors.multi_most_common_in_window(bits),
            "lag": predictors.lag(bits),
            "MultiMMC": predictors.multi_markov_with_counting(bits),
            "LZ78Y": predictors.lz78y(bits),
        },
    )
