"""The CHSH value of a run, with its confidence. A witness, not a proof of the devices.

S = E(a1,b1) - E(a1,b2) + E(a2,b1) + E(a2,b2) is at most 2 for local hidden variables (Clauser,
Horne, Shimony and Holt 1969) and at most 2 sqrt 2 in quantum mechanics (Cirel'son 1980). Pulses
without a coincidence are left out, so fair sampling is assumed, and nothing device-independent
follows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bridge.domain.errors import BlockRejected, InputError
from bridge.quantum.link.pairs import PairTally

CLASSICAL_BOUND = 2.0
TSIRELSON_BOUND = 2.0 * math.sqrt(2.0)


@dataclass(frozen=True, slots=True)
class Chsh:
    """S with its standard error, and bounds that hold with ``confidence`` each.

    ``lower`` is S minus Hoeffding's deviation (1963, Theorem 2) for the four averages: each of
    n_ij products of +-1, scaled by its setting's 1/n_ij, moves S by at most 2/n_ij, so a deviation
    t has probability at most exp(-t^2 / (2 sum 1/n_ij)).
    """

    value: float
    standard_error: float
    lower: float
    confidence: float
    coincidences: int

    @property
    def violates(self) -> bool:
        """Whether no local model gives this S, with the stated confidence."""
        return self.lower > CLASSICAL_BOUND


def chsh(tally: PairTally, confidence: float = 0.99) -> Chsh:
    """S of the test settings of an E91 run.

    Raises ``InputError`` without such settings, ``BlockRejected`` without coincidences in one.
    """
    if tally.sent.shape != (2, 4):
        raise InputError(f"CHSH: expected counts of E91's 2 by 4 settings, got {tally.sent.shape}")
    if not 0.0 < confidence < 1.0:
        raise InputError(f"confidence: expected between 0 and 1, got {confidence}")
    value, variance, spread, total = 0.0, 0.0, 0.0, 0.0
    # Settings 2 and 3 of the receiver lie at 22.5 and 67.5 degrees; Z with the second is the
    # pair that is subtracted.
    for i in (0, 1):
        for j in (2, 3):
            pairs = float(tally.coincidences[i, j])
            if pairs < 1:
                raise BlockRejected(
                    f"CHSH: no coincidence at settings {i} and {j} of {tally.sent[i, j]:.0f} pulses"
                )
            correlation = 1.0 - 2.0 * float(tally.errors[i, j]) / pairs
            value += -correlation if (i, j) == (0, 3) else correlation
            variance += (1.0 - correlation**2) / pairs
            spread += 1.0 / pairs
            total += pairs
    deviation = math.sqrt(2.0 * spread * math.log(1.0 / (1.0 - confidence)))
    return Chsh(value, math.sqrt(variance), value - deviation, confidence, round(total))
