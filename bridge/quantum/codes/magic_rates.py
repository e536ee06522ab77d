"""Logical error rates of a memory as a factory of magic states asks for them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from bridge.domain.errors import InputError

LogicalRate = Callable[[int, int], float]
"""(distance, rounds) to the probability of a logical error in one basis of a patch's memory."""


@dataclass(frozen=True, slots=True)
class FittedRate:
    """Measured rates, continued to other distances and rounds; a `LogicalRate`.

    ``per_round``: the probability in one round at each distance that was measured. At another
    distance it is ``scale`` * ``suppression`` ** (-(distance + 1) / 2), fitted to those.
    """

    per_round: Mapping[int, float]
    scale: float
    suppression: float

    def __call__(self, distance: int, rounds: int) -> float:
        """The probability of an odd number of errors in so many rounds."""
        if distance < 1 or rounds < 1:
            raise InputError(
                f"logical rate: expected a distance and rounds of at least 1, got {distance} and "
                f"{rounds}"
            )
        if distance in self.per_round:
            once = self.per_round[distance]
        else:
            once = min(0.5, self.scale * self.suppression ** (-(distance + 1) / 2.0))
        return -math.expm1(rounds * math.log1p(-2.0 * min(once, 0.4999999))) / 2.0


def fitted_rate(measured: Mapping[int, tuple[int, float]]) -> FittedRate:
    """The fit to {distance: (rounds, probability of an error in all of them)}.

    `InputError` for fewer than two distances, or a probability that is not between 0 and 1/2: a
    count of no errors says nothing of the rate.
    """
    if len(measured) < 2:
        raise InputError(f"logical rate: expected two distances or more, got {sorted(measured)}")
    per_round = {}
    for distance, (rounds, probability) in sorted(measured.items()):
        if not 0.0 < probability < 0.5:
            raise InputError(
                f"logical rate at distance {distance}: expected more than 0 and less than 0.5, "
                f"got {probability!r}"
            )
        if rounds < 1:
            raise InputError(f"rounds at distance {distance}: expected at least 1, got {rounds}")
        per_round[distance] = -math.expm1(math.log1p(-2.0 * probability) / rounds) / 2.0
    slope, offset = np.polyfit(
        [(distance + 1) / 2.0 for distance in per_round],
        [math.log(once) for once in per_round.values()],
        1,
    )
    return FittedRate(per_round, math.exp(offset), math.exp(-slope))
