"""What both ends agreed on before they start: states, intensities, bases, settings.

Z is the basis of the key (0 in arrays), X the basis of the check (1). A bias towards Z is the
efficient form of BB84 (Lo, Chau and Ardehali 2005, doi 10.1007/s00145-004-0142-y).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from bridge.domain.errors import InputError

Z, X = 0, 1


@dataclass(frozen=True, slots=True)
class DecoyBB84:
    """BB84 with phase-randomised weak coherent pulses of two or three intensities.

    ``intensities`` are mean photon numbers, the signal first, falling. Three are the two-decoy
    protocol (Lim, Curty, Walenta, Xu and Zbinden 2014, arXiv 1311.7129), two are the one-decoy
    protocol (Rusca, Boaron, Gruenenfelder, Martin and Zbinden 2018, arXiv 1801.03443).
    ``sender_z`` and ``receiver_z`` are the probabilities of basis Z at each end.
    """

    intensities: tuple[float, ...] = (0.5, 0.1, 0.0002)
    intensity_probabilities: tuple[float, ...] = (0.7, 0.2, 0.1)
    sender_z: float = 0.9
    receiver_z: float = 0.9

    def __post_init__(self) -> None:
        means, probabilities = self.intensities, self.intensity_probabilities
        if len(means) not in (2, 3) or len(probabilities) != len(means):
            raise InputError(
                f"intensities: expected two or three with as many probabilities, got "
                f"{len(means)} with {len(probabilities)}"
            )
        if any(a <= b for a, b in pairwise(means)) or means[-1] < 0.0:
            raise InputError(f"intensities: expected falling and at least 0, got {means}")
        if len(means) == 2 and means[1] <= 0.0:
            raise InputError(f"one decoy: expected an intensity above 0, got {means[1]}")
        if len(means) == 3 and means[0] <= means[1] + means[2]:
            raise InputError(
                f"intensities: expected the first above the sum of the others "
                f"(arXiv 1311.7129), got {means}"
            )
        if min(probabilities) <= 0.0 or not math.isclose(sum(probabilities), 1.0, abs_tol=1e-9):
            raise InputError(
                f"intensity probabilities: expected above 0 and a sum of 1, got {probabilities}"
            )
        _check_bias(self.sender_z, self.receiver_z)

    def photon_number_probability(self, photons: int) -> float:
        """tau_n, the probability that a pulse of any intensity has ``photons`` photons."""
        return sum(
            share * math.exp(-mean) * mean**photons / math.factorial(photons)
            for share, mean in zip(self.intensity_probabilities, self.intensities, strict=True)
        )


@dataclass(frozen=True, slots=True)
class BBM92:
    """Entangled pairs, each end measures in Z or X (Bennett, Brassard and Mermin 1992).

    ``brightness`` is lambda of Ma, Fung and Lo 2007 (arXiv quant-ph/0703122), half the mean number
    of pairs in a pulse.
    """

    brightness: float = 0.02
    sender_z: float = 0.5
    receiver_z: float = 0.5

    def __post_init__(self) -> None:
        _check_brightness(self.brightness)
        _check_bias(self.sender_z, self.receiver_z)

    @property
    def sender_settings(self) -> tuple[tuple[float, float], ...]:
        """(angle in radians, probability) of each setting of the sender."""
        return ((0.0, self.sender_z), (math.pi / 4, 1.0 - self.sender_z))

    @property
    def receiver_settings(self) -> tuple[tuple[float, float], ...]:
        """(angle in radians, probability) of each setting of the receiver."""
        return ((0.0, self.receiver_z), (math.pi / 4, 1.0 - self.receiver_z))


@dataclass(frozen=True, slots=True)
class E91:
    """Entangled pairs with settings that also measure CHSH (Ekert 1991).

    The sender measures at 0 or 45 degrees, the receiver there too or, with probability
    ``test_probability``, at 22.5 or 67.5 degrees; these pairs give S. Ekert's own three settings
    an end hold no two conjugate ones at both ends, so that S alone would have to bound the key.
    Here conjugate settings bound it as in BBM92, and S is a measured witness beside it.
    """

    brightness: float = 0.02
    sender_z: float = 0.5
    receiver_z: float = 0.5
    test_probability: float = 0.3

    def __post_init__(self) -> None:
        _check_brightness(self.brightness)
        _check_bias(self.sender_z, self.receiver_z)
        if not 0.0 < self.test_probability < 1.0:
            raise InputError(
                f"test probability: expected between 0 and 1, got {self.test_probability}"
            )

    @property
    def sender_settings(self) -> tuple[tuple[float, float], ...]:
        """(angle in radians, probability) of each setting of the sender."""
        return ((0.0, self.sender_z), (math.pi / 4, 1.0 - self.sender_z))

    @property
    def receiver_settings(self) -> tuple[tuple[float, float], ...]:
        """(angle in radians, probability) of each setting: Z, X, and the two of the test."""
        key, test = 1.0 - self.test_probability, self.test_probability
        return (
            (0.0, key * self.receiver_z),
            (math.pi / 4, key * (1.0 - self.receiver_z)),
            (math.pi / 8, test / 2),
            (3 * math.pi / 8, test / 2),
        )


def _check_bias(sender_z: float, receiver_z: float) -> None:
    for name, value in (("sender_z", sender_z), ("receiver_z", receiver_z)):
        if not 0.0 < value < 1.0:
            raise InputError(f"{name}: expected between 0 and 1, got {value}")


def _check_brightness(brightness: float) -> None:
    if not 0.0 < brightness <= 1.0:
        raise InputError(f"brightness: expected above 0 and at most 1, got {brightness}")
