"""The secret bits for each pulse of an endless key.

Decoy states with the intensities that are there: the bounds of `decoy` without deviations, that is
Ma, Qi, Zhao and Lo 2005 (arXiv quant-ph/0503005, Eqs. 18, 21, 34 and 37) for two decoys. With
endlessly many decoys: Lo, Ma and Chen 2005 (arXiv quant-ph/0411004), with the vacuum's share.
Entangled pairs: Ma, Fung and Lo 2007 (arXiv quant-ph/0703122, Eq. 16).
"""

from __future__ import annotations

import math

import numpy as np

from bridge.quantum.distillation.bounds import binary_entropy
from bridge.quantum.link.light import Branch, Fock, Light
from bridge.quantum.link.optics import OpticalLink
from bridge.quantum.link.pairs import PairLink, expected_pairs
from bridge.quantum.link.protocols import X, Z
from bridge.quantum.link.response import pattern
from bridge.quantum.rates.decoy import estimate
from bridge.quantum.rates.security import Security

_ENDLESS = 1e60
"""Pulses of the block that stands for an endless one: the deviations vanish beside its counts."""


def decoy_rate(link: OpticalLink, security: Security | None = None) -> float:
    """Secret bits for each pulse with the link's own decoys, sifting included."""
    security = security or Security()
    tally = link.expected(_ENDLESS)
    bounds = estimate(tally, link.protocol, security)
    sifted, qber = float(tally.key_clicks().sum()), tally.qber(Z)
    secret = bounds.vacuum + bounds.single_photons * (
        1.0 - binary_entropy(bounds.phase_error_upper)
    )
    secret -= security.correction_efficiency * sifted * binary_entropy(qber)
    return max(0.0, secret / _ENDLESS)


def ideal_decoy_rate(link: OpticalLink, security: Security | None = None) -> float:
    """Secret bits for each pulse if yields and errors of vacuum and single photons were known.

    R = p_ZZ sum_k p_k {e^-mu Y_0 + mu e^-mu Y_1 (1 - h(e_1)) - f Q h(E)}
    """
    security = security or Security()
    protocol, channel, detector = link.protocol, link.channel, link.detector
    vacuum, single = (
        pattern((Branch(1.0, Light(Fock(n))),), True, channel, detector) for n in (0, 1)
    )
    yield_0, yield_1 = float(1.0 - vacuum[0]), float(1.0 - single[0])
    error_1 = float(single[2] + single[3] / 2.0) / yield_1 if yield_1 else 0.5
    laws = link.patterns()[:, Z, Z]
    gains = 1.0 - laws[:, 0]
    errors = laws[:, 2] + laws[:, 3] / 2.0
    shares = np.array(protocol.intensity_probabilities)
    total_gain = float(shares @ gains)
    secret = 0.0
    for share, mean in zip(shares, protocol.intensities, strict=True):
        tagged = math.exp(-mean) * (yield_0 + mean * yield_1 * (1.0 - binary_entropy(error_1)))
        secret += float(share) * tagged
    qber = float(shares @ errors) / total_gain if total_gain else 0.5
    secret -= security.correction_efficiency * total_gain * binary_entropy(qber)
    return max(0.0, protocol.sender_z * protocol.receiver_z * secret)


def pair_rate(link: PairLink, security: Security | None = None) -> float:
    """Secret bits for each pulse of entangled pairs: p_ZZ Q (1 - f h(E_Z) - h(E_X))."""
    security = security or Security()
    tally = expected_pairs(link, 1.0)
    cost = security.correction_efficiency * binary_entropy(tally.qber(Z))
    cost += binary_entropy(tally.qber(X))
    return max(0.0, float(tally.coincidences[Z, Z]) * (1.0 - cost))
