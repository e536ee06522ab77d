"""Readout errors undone by mthree: it inverts the confusion of the results that were seen.

Nation, Kang, Sundaresan and Gambetta, PRX Quantum 2, 040326 (2021).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bridge.domain.errors import ExtraMissing, InputError
from bridge.quantum.circuits.expectation import Estimate
from bridge.quantum.circuits.profile import HardwareProfile

try:
    from mthree import M3Mitigation
except ImportError:
    raise ExtraMissing("mthree", "circuits") from None


class ReadoutMitigation:
    """Corrects counts by the readout errors of ``profile``, which calibration measured.

    mthree's matrices have a column for each state that was prepared, a row for each result.
    """

    def __init__(self, profile: HardwareProfile) -> None:
        self._profile = profile
        self._mitigation = M3Mitigation()
        self._mitigation.cals_from_matrices(
            [
                np.array(
                    [
                        [1.0 - one.prob_meas1_prep0, one.prob_meas0_prep1],
                        [one.prob_meas1_prep0, 1.0 - one.prob_meas0_prep1],
                    ]
                )
                for one in profile.qubits
            ]
        )

    def probabilities(self, counts: Mapping[str, int], qubits: Sequence[int]) -> dict[str, float]:
        """Quasi-probabilities, which add up to 1 and may be below 0.

        ``qubits[i]`` was measured into classical bit i, a result's character i from the right.
        """
        self._check(counts, qubits)
        return dict(self._mitigation.apply_correction(dict(counts), list(qubits)))

    def z_expectation(self, counts: Mapping[str, int], qubits: Sequence[int]) -> Estimate:
        """The mean of the product of Z over ``qubits``; the error is mthree's upper bound."""
        self._check(counts, qubits)
        quasi = self._mitigation.apply_correction(
            dict(counts), list(qubits), return_mitigation_overhead=True
        )
        value, error = quasi.expval_and_stddev("Z" * len(qubits))
        return Estimate(float(value), float(error))

    def _check(self, counts: Mapping[str, int], qubits: Sequence[int]) -> None:
        if not counts or min(counts.values()) < 0 or sum(counts.values()) == 0:
            raise InputError("counts: expected at least 1 shot")
        wrong = [one for one in qubits if not 0 <= one < len(self._profile)]
        if wrong or len(set(qubits)) != len(qubits):
            raise InputError(
                f"qubits: expected different ones from 0 to {len(self._profile) - 1}, "
                f"got {list(qubits)}"
            )
        for result in counts:
            if len(result) != len(qubits) or set(result) - {"0", "1"}:
                raise InputError(f"counts: expected {len(qubits)} bits a result, got {result!r}")
