"""What a run amounts to, in counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bridge.domain.errors import InputError
from bridge.quantum.link.protocols import X, Z

Counts = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Counts by intensity, sender's basis and receiver's basis: arrays of shape (K, 2, 2).

    ``sent`` pulses, ``clicks`` among them, ``doubles`` among the clicks (both detectors), and
    ``errors`` among the clicks, after double clicks were given a random bit. Floats, so that
    expected counts can take their place; up to 2^53 a count is exact. Tallies add up.
    """

    sent: Counts
    clicks: Counts
    errors: Counts
    doubles: Counts

    def __post_init__(self) -> None:
        shapes = {array.shape for array in (self.sent, self.clicks, self.errors, self.doubles)}
        if len(shapes) != 1 or self.sent.shape[1:] != (2, 2):
            raise InputError(f"tally: expected four arrays of shape (K, 2, 2), got {shapes}")
        slack = 1e-6
        if (
            (self.clicks > self.sent + slack).any()
            or (self.errors > self.clicks + slack).any()
            or (self.doubles > self.clicks + slack).any()
            or min(self.errors.min(), self.doubles.min()) < -slack
        ):
            raise InputError("tally: expected errors and doubles among the clicks of what was sent")

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.sent + other.sent,
            self.clicks + other.clicks,
            self.errors + other.errors,
            self.doubles + other.doubles,
        )

    @property
    def pulses(self) -> float:
        """All that was sent."""
        return float(self.sent.sum())

    @property
    def sifted(self) -> float:
        """The clicks in the same basis at both ends."""
        return float(self.clicks[:, Z, Z].sum() + self.clicks[:, X, X].sum())

    def key_clicks(self) -> Counts:
        """n_k in the basis of the key, by intensity."""
        return self.clicks[:, Z, Z]

    def check_clicks(self) -> Counts:
        """n_k in the basis of the check, by intensity."""
        return self.clicks[:, X, X]

    def key_errors(self) -> Counts:
        """m_k in the basis of the key, by intensity."""
        return self.errors[:, Z, Z]

    def check_errors(self) -> Counts:
        """m_k in the basis of the check, by intensity."""
        return self.errors[:, X, X]

    def qber(self, basis: int) -> float:
        """The error rate of a basis over all intensities; 0 without a click."""
        clicks = float(self.clicks[:, basis, basis].sum())
        return float(self.errors[:, basis, basis].sum()) / clicks if clicks else 0.0

    def gains(self) -> Counts:
        """Q_k, the share of pulses of an intensity that clicked, over all bases."""
        return np.asarray(
            self.clicks.sum(axis=(1, 2)) / np.maximum(self.sent.sum(axis=(1, 2)), 1.0)
        )


def empty(intensities: int) -> Tally:
    """Nothing sent yet."""
    zeros = np.zeros((intensities, 2, 2))
    return Tally(zeros, zeros, zeros, zeros)
