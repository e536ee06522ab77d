"""Logical error rates of patches, measured by sampling and decoding them here.

For distances small enough that failures are seen. Those of larger ones are rare events, which
`astralink bench qec` measures: `TabledErrors` reads its figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bridge.domain.errors import InputError
from bridge.quantum.basis import Basis
from bridge.quantum.codes.noise import CircuitNoise
from bridge.quantum.distribution.syndromes import MemoryRecord
from bridge.quantum.memory.frame import MATCHING, Decoder, decode_record
from bridge.quantum.memory.holding import PatchMemory
from bridge.quantum.memory.pauli import probability


@dataclass(frozen=True, slots=True)
class Measured:
    """``failures`` of ``shots`` over ``rounds`` each."""

    shots: int
    failures: int
    rounds: int

    @property
    def per_shot(self) -> float:
        """The mean under Jeffreys' prior: above 0 also when no failure was seen."""
        return (self.failures + 0.5) / (self.shots + 1.0)

    @property
    def per_round(self) -> float:
        """The flip of one round that, repeated, gives `per_shot`."""
        kept: float = max(0.0, 1.0 - 2.0 * self.per_shot) ** (1.0 / self.rounds)
        return (1.0 - kept) / 2.0

    def over(self, rounds: int) -> float:
        """The flip over another number of rounds."""
        return repeated(self.per_round, rounds)


def measure(
    patch: PatchMemory,
    basis: Basis,
    shots: int,
    rng: np.random.Generator,
    decoders: Sequence[Decoder] = (MATCHING,),
) -> Measured:
    """How often a patch's decoded measurement is wrong."""
    if shots < 1:
        raise InputError(f"shots: expected at least 1, got {shots}")
    held = patch.sample(basis, shots, rng)
    number = tuple(Basis).index(basis)
    none = np.empty((0, held.events.shape[1]), dtype=np.uint8)
    events = {one: held.events if one is basis else none for one in Basis}
    record = MemoryRecord(patch, np.full(shots, number, dtype=np.uint8), events)
    flips = decode_record(record, decoders).flips
    return Measured(shots, int(np.count_nonzero(flips != held.flips)), patch.rounds)


@dataclass(slots=True)
class MeasuredErrors:
    """`protection.LogicalErrors` of one ``noise``: each distance and basis is measured once.

    Over ``cycles`` times the distance in rounds, ``shots`` times; other numbers of rounds are
    reckoned from the flip of one round. Too few rounds beside the distance would say too little:
    the first and the last are not like those between.
    """

    noise: CircuitNoise
    shots: int = 20_000
    cycles: int = 4
    seed: int = 1
    seen: dict[tuple[int, Basis], Measured] = field(default_factory=dict)

    def __call__(self, distance: int, rounds: int, basis: Basis) -> float:
        """The flip of a logical measurement in ``basis`` after ``rounds``."""
        if rounds < 0:
            raise InputError(f"rounds: expected 0 or more, got {rounds}")
        found = self.seen.get((distance, basis))
        if found is None:
            patch = PatchMemory(distance, self.cycles * distance, self.noise)
            rng = np.random.default_rng([self.seed, distance, tuple(Basis).index(basis)])
            found = self.seen[distance, basis] = measure(patch, basis, self.shots, rng)
        return found.over(rounds)


@dataclass(frozen=True, slots=True)
class TabledErrors:
    """`protection.LogicalErrors` of rates that were measured before: the flip of one round.

    ``per_round`` is by distance; both bases have the same, as the code and its noise nearly do.
    """

    noise: CircuitNoise
    per_round: Mapping[int, float]

    def __post_init__(self) -> None:
        for distance, rate in self.per_round.items():
            probability(f"logical error of distance {distance}", rate)

    @classmethod
    def of_figures(cls, figures: Mapping[str, Any], noise: CircuitNoise) -> TabledErrors:
        """What `astralink bench qec --json` printed; ``InputError`` when it was of other noise."""
        try:
            p, errors = figures["noise"], figures["logical_error"]
            rates = {int(distance): float(one["per_round"]) for distance, one in errors.items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                "rates: expected the figures of `astralink bench qec --json`, got "
                f"{type(error).__name__}: {error}"
            ) from None
        if CircuitNoise.uniform(p) != noise:
            raise InputError(f"rates: expected ones of {noise}, got ones of p = {p}")
        return cls(noise, rates)

    def __call__(self, distance: int, rounds: int, basis: Basis) -> float:
        """The flip of a logical measurement in either ``basis`` after ``rounds``."""
        if rounds < 0:
            raise InputError(f"rounds: expected 0 or more, got {rounds}")
        if distance not in self.per_round:
            raise InputError(
                f"rates: expected one of the distances {', '.join(map(str, self.per_round))}, got "
                f"{distance}"
            )
        return repeated(self.per_round[distance], rounds)


def repeated(flip: float, times: int) -> float:
    """What a ``flip`` that happens with this probability each time is after so many times."""
    kept: float = (1.0 - 2.0 * flip) ** times
    return (1.0 - kept) / 2.0
