"""A link of entangled pairs: the exact law of four threshold detectors, and its counts.

The source makes exp(t (a_H b_V - a_V b_H))|0> in creation operators, t^2 = l/(1+l) with l the
brightness: the singlet for one pair, P(n) = (n+1) l^n / (1+l)^(n+2) for n (Ma, Fung and Lo 2007,
arXiv quant-ph/0703122, Eq. 6). Write K for the 2x2 matrix of the pairing. That the detectors of a
set S all stay dark is the expectation of prod (1 - eta_i)^(n_i) over S, which for this Gaussian
state is closed:

    P(dark on S) = (1 - d)^|S| (1 - t^2)^2 / det(1 - t^2 K* A K B)

with A = R(a) diag(1 - eta_i [i in S]) R(a)^T at the sender's analyser angle, and B likewise. The
law of the 16 click patterns follows by inclusion and exclusion. With both analysers alike it is
Ma, Fung and Lo's Eqs. 9 and 10. What acts on the receiver's polarisation multiplies K by a unitary,
and noise is an average over unitaries: the four Pauli operators for depolarising, phases between
the two modes of a basis for an eavesdropper who counts photons in that basis and sends as many.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from bridge.domain.errors import InputError
from bridge.quantum.link.channel import Channel
from bridge.quantum.link.detector import Detector
from bridge.quantum.link.protocols import BBM92, E91
from bridge.quantum.link.randomness import Randomness

Matrix = npt.NDArray[np.complex128]

SINGLET: Matrix = np.array([[0, 1], [-1, 0]], dtype=np.complex128)
PHASES = 16
"""An average over so many phases is a photon count's dephasing for up to 15 photons a pulse."""

_PAULI: tuple[Matrix, ...] = (
    np.eye(2, dtype=np.complex128),
    np.array([[0, 1], [1, 0]], dtype=np.complex128),
    np.array([[0, -1j], [1j, 0]], dtype=np.complex128),
    np.array([[1, 0], [0, -1]], dtype=np.complex128),
)


@dataclass(frozen=True, slots=True)
class PairLink:
    """The parts of a link of entangled pairs; the channel lies before the receiver.

    ``sender_channel`` lies before the sender, so that a source in the middle is two channels.
    ``intercepted`` is the fraction of pulses that an eavesdropper on the receiver's side measures
    in Z or X at random and sends again, photon for photon.
    """

    protocol: BBM92 | E91 = field(default_factory=BBM92)
    channel: Channel = field(default_factory=Channel)
    sender_channel: Channel = field(
        default_factory=lambda: Channel(length_km=0.0, misalignment=0.0)
    )
    detector: Detector = field(default_factory=Detector)
    sender_detector: Detector = field(default_factory=Detector)
    intercepted: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.intercepted <= 1.0:
            raise InputError(f"intercepted fraction: expected 0 to 1, got {self.intercepted}")
        for detector in (self.detector, self.sender_detector):
            if detector.remembers:
                raise InputError(
                    "pairs: expected detectors without dead time and afterpulses, got "
                    f"{detector.dead_time_gates} gates and {detector.afterpulse_probability}"
                )

    def pattern(self, sender_angle: float, receiver_angle: float) -> npt.NDArray[np.float64]:
        """P of the 16 patterns: sender's detectors in bits 0 and 1, receiver's in bits 2 and 3.

        A detector's number in its pair is the bit. The receiver's bit is turned over, since a
        singlet gives opposite ones.
        """
        dark = np.zeros(16)
        for weight, unitary in self._noise():
            pairing = SINGLET @ unitary
            for dark_set in range(16):
                dark[dark_set] += weight * self._dark(
                    pairing, dark_set, sender_angle, receiver_angle
                )
        # dark[S]: all of S are dark. Moebius over supersets gives "exactly the others click".
        exact = dark.copy()
        for bit in range(4):
            for mask in range(16):
                if not mask >> bit & 1:
                    exact[mask] -= exact[mask | 1 << bit]
        clicked = np.clip(exact[::-1].copy(), 0.0, 1.0)
        return np.asarray(clicked / clicked.sum())

    def _noise(self) -> list[tuple[float, Matrix]]:
        angle = math.asin(math.sqrt(self.channel.misalignment))
        angle += math.asin(math.sqrt(self.sender_channel.misalignment))
        turn = _rotation(angle)
        keep = (1.0 - self.channel.depolarising) * (1.0 - self.sender_channel.depolarising)
        lost = (1.0 - keep) / 4.0
        noise = [
            (weight, turn @ pauli)
            for weight, pauli in zip((keep + lost, lost, lost, lost), _PAULI, strict=True)
            if weight > 0.0
        ]
        if self.intercepted == 0.0:
            return noise
        eve = [(1.0 - self.intercepted, _PAULI[0])]
        for basis in (0.0, math.pi / 4):
            axes = _rotation(basis)
            for step in range(PHASES):
                phase = np.diag([1.0, np.exp(2j * math.pi * step / PHASES)])
                eve.append((self.intercepted / (2 * PHASES), axes @ phase @ axes.T))
        return [(p * q, unitary @ other) for p, unitary in eve for q, other in noise]

    def _dark(
        self, pairing: Matrix, dark_set: int, sender_angle: float, receiver_angle: float
    ) -> float:
        light = self.protocol.brightness
        squared = light / (1.0 + light)
        reach_a = self.sender_channel.transmittance * self.sender_detector.efficiency
        reach_b = self.channel.transmittance * self.detector.efficiency
        keep = [1.0 - (reach_a if bit < 2 else reach_b) * (dark_set >> bit & 1) for bit in range(4)]
        a = _rotation(sender_angle) @ np.diag(keep[:2]) @ _rotation(sender_angle).T
        # The receiver's bit is turned over: bit 0 is its second mode.
        b = _rotation(receiver_angle) @ np.diag([keep[3], keep[2]]) @ _rotation(receiver_angle).T
        determinant = np.linalg.det(np.eye(2) - squared * pairing.conj().T @ a @ pairing @ b)
        quiet = 1.0
        for bit in range(4):
            if dark_set >> bit & 1:
                side = self.sender_detector if bit < 2 else self.detector
                quiet *= 1.0 - side.dark_count_probability
        return float(quiet * (1.0 - squared) ** 2 / determinant.real)


def _rotation(angle: float) -> Matrix:
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, -s], [s, c]], dtype=np.complex128)


@dataclass(frozen=True, slots=True, eq=False)
class PairTally:
    """Counts by sender's setting and receiver's setting, arrays of shape (2, settings).

    ``sent`` pulses, ``coincidences`` (both ends clicked), ``errors`` among them (bits differ after
    double clicks were given random bits) and ``doubles`` (a double click at either end). Floats,
    so that expected counts can take their place. Tallies add up.
    """

    sent: npt.NDArray[np.float64]
    coincidences: npt.NDArray[np.float64]
    errors: npt.NDArray[np.float64]
    doubles: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        shapes = {a.shape for a in (self.sent, self.coincidences, self.errors, self.doubles)}
        slack = 1e-6
        if len(shapes) != 1 or self.sent.shape[0] != 2:
            raise InputError(f"pair tally: expected four arrays of shape (2, n), got {shapes}")
        if (self.errors > self.coincidences + slack).any() or (
            self.coincidences > self.sent + slack
        ).any():
            raise InputError("pair tally: expected errors among coincidences among what was sent")

    def __add__(self, other: PairTally) -> PairTally:
        return PairTally(
            self.sent + other.sent,
            self.coincidences + other.coincidences,
            self.errors + other.errors,
            self.doubles + other.doubles,
        )

    @property
    def pulses(self) -> float:
        """All that was sent."""
        return float(self.sent.sum())

    def qber(self, basis: int) -> float:
        """The error rate where both ends measured in ``basis``; 0 without a coincidence."""
        pairs = float(self.coincidences[basis, basis])
        return float(self.errors[basis, basis]) / pairs if pairs else 0.0


def run_pairs(link: PairLink, pulses: int, rng: Randomness) -> PairTally:
    """The counts of ``pulses`` pulses, drawn from their multinomial law."""
    if pulses < 1:
        raise InputError(f"pulses: expected at least 1, got {pulses}")
    settings, laws = _settings(link), _outcomes(link)
    sent = rng.noise.multinomial(pulses, settings.ravel()).reshape(settings.shape)
    drawn = rng.noise.multinomial(sent, laws)
    errors = drawn[..., 2] + rng.noise.binomial(drawn[..., 3], 0.5)
    return PairTally(
        sent=sent.astype(np.float64),
        coincidences=drawn[..., 1:].sum(axis=-1).astype(np.float64),
        errors=errors.astype(np.float64),
        doubles=drawn[..., 3].astype(np.float64),
    )


def expected_pairs(link: PairLink, pulses: float) -> PairTally:
    """The mean counts of ``pulses`` pulses."""
    sent, laws = pulses * _settings(link), _outcomes(link)
    return PairTally(
        sent=sent,
        coincidences=sent * laws[..., 1:].sum(axis=-1),
        errors=sent * (laws[..., 2] + laws[..., 3] / 2.0),
        doubles=sent * laws[..., 3],
    )


def _settings(link: PairLink) -> npt.NDArray[np.float64]:
    sender = np.array([share for _, share in link.protocol.sender_settings])
    receiver = np.array([share for _, share in link.protocol.receiver_settings])
    return np.outer(sender, receiver)


def _outcomes(link: PairLink) -> npt.NDArray[np.float64]:
    """P(no coincidence, bits equal, bits differ, a double click) for each pair of settings."""
    senders, receivers = link.protocol.sender_settings, link.protocol.receiver_settings
    laws = np.zeros((len(senders), len(receivers), 4))
    for i, (a, _) in enumerate(senders):
        for j, (b, _) in enumerate(receivers):
            law = link.pattern(a, b)
            for mask in range(16):
                left, right = mask & 3, mask >> 2
                if left == 0 or right == 0:
                    laws[i, j, 0] += law[mask]
                elif left == 3 or right == 3:
                    laws[i, j, 3] += law[mask]
                else:
                    laws[i, j, 1 if left == right else 2] += law[mask]
    return laws
