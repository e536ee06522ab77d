"""The independent faults of a circuit, as arrays: what each flips, and how likely it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bridge.domain.errors import InputError
from bridge.quantum.codes.libraries import require

if TYPE_CHECKING:
    import stim
    from scipy import sparse
else:
    stim = require("stim")
    sparse = require("scipy.sparse")

Symptom = tuple[tuple[int, ...], tuple[int, ...]]
"""Detectors and observables that a fault flips, each in order."""


@dataclass(frozen=True, slots=True, eq=False)
class FaultModel:
    """Fault i happens with ``probabilities[i]``, whatever the others do, and flips ``symptoms[i]``.

    No two faults have the same symptom, and each has one. ``probabilities`` is float64, in (0, 1).
    """

    detectors: int
    observables: int
    symptoms: tuple[Symptom, ...]
    probabilities: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.detectors == 0:
            raise InputError("fault model: expected at least 1 detector, got 0")
        if len(self.symptoms) != len(self.probabilities) or len(self.symptoms) == 0:
            raise InputError(
                f"fault model: expected as many symptoms as probabilities and at least 1, got "
                f"{len(self.symptoms)} and {len(self.probabilities)}"
            )
        if not bool(np.all((self.probabilities > 0.0) & (self.probabilities < 1.0))):
            raise InputError("fault model: expected probabilities inside (0, 1)")

    @classmethod
    def of(cls, model: stim.DetectorErrorModel) -> FaultModel:
        """The faults of a detector error model; suggested decompositions are undone."""
        merged: dict[Symptom, float] = {}
        for probability, parts in decomposed_errors(model):
            symptom = _sum(parts)
            if probability > 0.0 and any(symptom):
                merged[symptom] = _either(merged.get(symptom, 0.0), probability)
        return cls._of(model.num_detectors, model.num_observables, merged)

    @classmethod
    def seen_by_matching(cls, model: stim.DetectorErrorModel) -> FaultModel:
        """What of a decomposed model decides plain matching's word on the observables.

        A matching decoder takes a decomposed fault for several edges, and its graph falls into
        parts that have nothing to do with each other, as the detectors of X and of Z
        stabilizers. Only the parts with an edge that flips an observable matter. Detectors of the
        other parts are left out of every symptom but keep their numbers, and faults that are then
        alike are merged. The distribution of the matcher's success is the same, with fewer faults.
        """
        errors = list(decomposed_errors(model))
        part = np.arange(model.num_detectors)

        def root(at: int) -> int:
            while part[at] != at:
                part[at] = part[part[at]]
                at = int(part[at])
            return at

        for _, parts in errors:
            for detectors, _ in parts:
                for one in detectors[1:]:
                    part[root(one)] = root(detectors[0])
        kept = {root(d[0]) for _, parts in errors for d, flips in parts if flips and d}
        inside = np.array([root(at) in kept for at in range(model.num_detectors)], dtype=bool)
        merged: dict[Symptom, float] = {}
        for probability, parts in errors:
            detectors, flips = _sum(parts)
            symptom = (tuple(one for one in detectors if inside[one]), flips)
            if probability > 0.0 and any(symptom):
                merged[symptom] = _either(merged.get(symptom, 0.0), probability)
        return cls._of(model.num_detectors, model.num_observables, merged)

    @classmethod
    def _of(cls, detectors: int, observables: int, merged: dict[Symptom, float]) -> FaultModel:
        chances = np.fromiter(merged.values(), dtype=np.float64, count=len(merged))
        return cls(detectors, observables, tuple(merged), chances)

    def to_stim(self) -> stim.DetectorErrorModel:
        """The same faults as a detector error model, not decomposed."""
        model = stim.DetectorErrorModel()
        for (detectors, flips), probability in zip(self.symptoms, self.probabilities, strict=True):
            targets: list[object] = [stim.target_relative_detector_id(one) for one in detectors]
            targets += [stim.target_logical_observable_id(one) for one in flips]
            model.append("error", float(probability), targets)
        # So that the last ones are there even when no fault flips them.
        model.append("detector", [], [stim.target_relative_detector_id(self.detectors - 1)])
        if self.observables:
            last = stim.target_logical_observable_id(self.observables - 1)
            model.append("logical_observable", [], [last])
        return model

    def check_matrix(self) -> sparse.csc_matrix:
        """Which detectors (rows) each fault (column) flips; uint8."""
        return self._matrix([detectors for detectors, _ in self.symptoms], self.detectors)

    def observable_matrix(self) -> sparse.csc_matrix:
        """Which observables (rows) each fault (column) flips; uint8."""
        return self._matrix([flips for _, flips in self.symptoms], self.observables)

    def _matrix(self, columns: list[tuple[int, ...]], rows: int) -> sparse.csc_matrix:
        ends = np.cumsum([0, *(len(column) for column in columns)])
        indices = np.fromiter((one for column in columns for one in column), dtype=np.int64)
        ones = np.ones(len(indices), dtype=np.uint8)
        return sparse.csc_matrix((ones, indices, ends), shape=(rows, len(columns)))

    def weights(self, most: int) -> tuple[npt.NDArray[np.float64], float]:
        """The probability of exactly 0, 1, ... ``most`` faults, and that of more.

        The law of a sum of independent bits (Poisson binomial), one fault after the other; what
        goes over ``most`` is added up apart, so that a small tail has all of its digits.
        """
        if most < 0:
            raise InputError(f"weight: expected at least 0, got {most}")
        law = np.zeros(most + 1)
        law[0] = 1.0
        over = 0.0
        for p in self.probabilities:
            over += law[-1] * p
            law[1:] = law[1:] * (1.0 - p) + law[:-1] * p
            law[0] *= 1.0 - p
        return law, over


def decomposed_errors(
    model: stim.DetectorErrorModel,
) -> list[tuple[float, list[Symptom]]]:
    """Each error's probability and the parts of its suggested decomposition."""
    errors = []
    flat = model.flattened()
    for at in range(len(flat)):
        instruction = flat[at]
        if isinstance(instruction, stim.DemRepeatBlock) or instruction.type != "error":
            continue
        parts = []
        for group in instruction.target_groups():
            detectors = tuple(sorted(one.val for one in group if one.is_relative_detector_id()))
            flips = tuple(sorted(one.val for one in group if one.is_logical_observable_id()))
            parts.append((detectors, flips))
        errors.append((instruction.args_copy()[0], parts))
    return errors


def _sum(parts: list[Symptom]) -> Symptom:
    """What is flipped an odd number of times."""
    detectors: set[int] = set()
    flips: set[int] = set()
    for some, others in parts:
        detectors ^= set(some)
        flips ^= set(others)
    return tuple(sorted(detectors)), tuple(sorted(flips))


def _either(p: float, q: float) -> float:
    """The probability that one of two independent faults happens and not both."""
    return p * (1.0 - q) + q * (1.0 - p)
