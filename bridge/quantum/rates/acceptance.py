"""Whether a block is kept: the tests that an attack fails, and the key length otherwise.

A block is judged against the link as it was calibrated. Most attacks need no test of their own,
since the length of the key falls to 0 under them; the reason then names the statistic that took it
there. Two tests are apart: double clicks, since a blinded detector shows no errors at all, and the
CHSH value, which is a witness only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from bridge.domain.errors import BlockRejected
from bridge.quantum.link.chsh import CLASSICAL_BOUND, chsh
from bridge.quantum.link.detector import Detector
from bridge.quantum.link.optics import OpticalLink
from bridge.quantum.link.pairs import PairTally
from bridge.quantum.link.protocols import X, Z
from bridge.quantum.link.tally import Tally
from bridge.quantum.rates import decoy, entangled
from bridge.quantum.rates.security import KeyLength, Security

FALSE_ALARM = 1e-10
"""How often the test of double clicks rejects a block that nobody touched, at most."""


SIGNIFICANT = 5.0
"""Standard deviations from which on more errors than usual are called that."""


class Reason(Enum):
    """The statistic that a block was discarded for."""

    CLICKS = "clicks"
    DOUBLE_CLICKS = "double clicks"
    QBER = "QBER"
    DECOYS = "decoy statistics"
    CHSH = "CHSH"
    LENGTH = "block length"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The key length of a block, or the reason that it was discarded for, in words."""

    key: KeyLength
    reason: Reason | None
    words: str

    def accept(self) -> KeyLength:
        """The key length; ``BlockRejected`` with the reason when the block was discarded."""
        if self.reason is not None:
            raise BlockRejected(f"{self.reason.value}: {self.words}")
        return self.key


def judge(tally: Tally, calibrated: OpticalLink, security: Security | None = None) -> Verdict:
    """The verdict on a block of weak coherent pulses.

    ``calibrated`` is the link as it was measured with nobody on it.
    """
    security = security or Security()
    key = decoy.key_length(tally, calibrated.protocol, security)
    expected = calibrated.expected(tally.pulses)
    seen, usual = float(tally.clicks.sum()), float(expected.clicks.sum())
    if seen < usual / 2.0:
        return Verdict(
            key,
            Reason.CLICKS,
            f"{seen:.0f} of {tally.pulses:.0f} pulses clicked, expected about {usual:.0f}",
        )
    usual_bits = decoy.key_length(expected, calibrated.protocol, security).bits
    if key.bits == 0 and usual_bits > 0:
        return _nothing_left(key, tally, expected, calibrated, security)
    few = _too_few_doubles(tally, calibrated.detector)
    if few is not None:
        return Verdict(key, Reason.DOUBLE_CLICKS, few)
    if key.bits == 0:
        return Verdict(
            key,
            Reason.LENGTH,
            f"{key.sifted:.0f} sifted bits of {tally.pulses:.0f} pulses are too few for a key "
            "on this link even with nobody on it",
        )
    return Verdict(key, None, f"{key.bits} secret bits of {key.sifted:.0f} sifted")


def judge_pairs(tally: PairTally, security: Security | None = None) -> Verdict:
    """The verdict on a block of entangled pairs; with E91's settings CHSH must be violated too."""
    key = entangled.key_length(tally, security)
    if tally.sent.shape == (2, 4):
        try:
            witness = chsh(tally)
        except BlockRejected as nothing:
            return Verdict(key, Reason.CLICKS, str(nothing))
        if not witness.violates:
            return Verdict(
                key,
                Reason.CHSH,
                f"S is {witness.value:.3f}, above {witness.lower:.3f} with "
                f"{witness.confidence:.0%} confidence: expected above {CLASSICAL_BOUND:g}",
            )
    if key.bits > 0:
        return Verdict(key, None, f"{key.bits} secret bits of {key.sifted:.0f} sifted")
    if tally.qber(Z) < 0.05 and tally.qber(X) < 0.05:
        return Verdict(key, Reason.LENGTH, f"{key.sifted:.0f} sifted bits are too few for a key")
    return Verdict(
        key,
        Reason.QBER,
        f"{tally.qber(Z):.2%} of the bits in Z and {tally.qber(X):.2%} in X are wrong: "
        f"no secret bits can be left of {key.sifted:.0f}",
    )


def _nothing_left(
    key: KeyLength, tally: Tally, expected: Tally, calibrated: OpticalLink, security: Security
) -> Verdict:
    """Which statistic the calibrated link would need back to have a key."""
    usual = decoy.key_length(expected, calibrated.protocol, security)
    share = key.single_photons / max(key.sifted, 1.0)
    usual_share = usual.single_photons / usual.sifted
    excess = max(_excess(tally, expected, Z), _excess(tally, expected, X))
    errors = max(tally.qber(Z) - expected.qber(Z), tally.qber(X) - expected.qber(X))
    if share < usual_share / 2.0 and errors < 0.05:
        return Verdict(
            key,
            Reason.DECOYS,
            f"the decoys show single photons in at least {share:.1%} of the sifted bits, "
            f"expected {usual_share:.1%}",
        )
    if excess < SIGNIFICANT:
        return Verdict(
            key,
            Reason.LENGTH,
            f"{key.sifted:.0f} sifted bits are about the fewest that give a key on this link",
        )
    return Verdict(
        key,
        Reason.QBER,
        f"{tally.qber(Z):.2%} of the bits in Z and {tally.qber(X):.2%} in X are wrong, expected "
        f"{expected.qber(Z):.2%} and {expected.qber(X):.2%}: no secret bits can be left",
    )


def _excess(tally: Tally, expected: Tally, basis: int) -> float:
    """By how many standard deviations a basis shows more errors than the calibrated link."""
    clicks, rate = float(tally.clicks[:, basis, basis].sum()), expected.qber(basis)
    deviation = math.sqrt(max(clicks * rate * (1.0 - rate), 1.0))
    return clicks * (tally.qber(basis) - rate) / deviation


def _too_few_doubles(tally: Tally, detector: Detector) -> str | None:
    """Words, when light in the wrong basis makes fewer double clicks than light can.

    A photon in the wrong basis goes to either detector alike. Of a coherent pulse both parts are
    independent, so with gain Q each detector fires with 1 - sqrt(1 - Q), and both with its square
    (the idea of Gras et al. 2020, "Countermeasure against quantum hacking using detection
    statistics", to tell blinding from clicks). The tail of the Poisson law that bounds the binomial
    from above is Chernoff's.
    """
    expected, seen = 0.0, 0.0
    for k in range(len(tally.sent)):
        for a, b in ((Z, X), (X, Z)):
            sent, clicks = float(tally.sent[k, a, b]), float(tally.clicks[k, a, b])
            if sent == 0.0 or clicks == 0.0:
                continue
            seen += float(tally.doubles[k, a, b])
            gain = clicks / sent
            if detector.pixels == 1 and detector.dead_time_gates:
                # A dead time takes single and double clicks alike: go back to the live gates.
                live = 1.0 - min(
                    0.99, float(tally.clicks.sum()) / tally.pulses * detector.dead_time_gates
                )
                gain = min(1.0, gain / live)
            expected += clicks * (1.0 - math.sqrt(1.0 - gain)) ** 2 / gain
    if expected <= 0.0 or seen >= expected:
        return None
    log_tail = seen - expected + (seen * math.log(expected / seen) if seen else 0.0)
    if log_tail > math.log(FALSE_ALARM):
        return None
    return (
        f"{seen:.0f} double clicks in the wrong basis, light of this brightness makes about "
        f"{expected:.0f}: the detectors may be blinded"
    )
