"""What a Trojan horse adds to the phase error.

Lucamarini, Choi, Ward, Dynes, Yuan and Shields 2015, Phys. Rev. X 5, 031030, arXiv 1506.01989.
Light of mean photon number mu_out leaves the sender with its settings on it. Whatever the light's
state, that tells the bases apart by at most D = (1 - exp(-mu_out) cos(mu_out)) / 2, the imbalance
of a quantum coin (Gottesman, Lo, Lütkenhaus and Preskill 2004). An eavesdropper concentrates it on
the pulses that arrive, D' = D / Y_1, and the phase error rate is at most

    e' = e + 4 D' (1 - D') (1 - 2 e) + 4 (1 - 2 D') sqrt(D' (1 - D') e (1 - e)).

The paper has this for endless keys; finite ones get it here on top of their own bound.
"""

from __future__ import annotations

import math
from dataclasses import replace

from bridge.domain.errors import InputError
from bridge.quantum.distillation.bounds import binary_entropy
from bridge.quantum.rates.security import KeyLength


def phase_error_with_leak(phase_error: float, leaked_photons: float, single_yield: float) -> float:
    """The bound on the phase error rate when ``leaked_photons`` leave the sender for each pulse."""
    if leaked_photons < 0.0 or not 0.0 <= phase_error <= 0.5:
        raise InputError(
            f"leak: expected at least 0 photons and a phase error of 0 to 1/2, got "
            f"{leaked_photons} and {phase_error}"
        )
    if single_yield <= 0.0:
        return 0.5
    imbalance = (1.0 - math.exp(-leaked_photons) * math.cos(leaked_photons)) / 2.0 / single_yield
    if imbalance >= 0.5:
        return 0.5
    e, d = phase_error, imbalance
    error = e + 4.0 * d * (1.0 - d) * (1.0 - 2.0 * e)
    error += 4.0 * (1.0 - 2.0 * d) * math.sqrt(d * (1.0 - d) * e * (1.0 - e))
    return min(0.5, error)


def with_leak(key: KeyLength, leaked_photons: float, single_pulses: float) -> KeyLength:
    """The key length with the leak paid for; ``single_pulses`` were sent with one photon in Z."""
    if single_pulses <= 0.0:
        raise InputError(f"single photon pulses: expected above 0, got {single_pulses}")
    single_yield = min(1.0, key.single_photons / single_pulses)
    phase = phase_error_with_leak(key.phase_error_upper, leaked_photons, single_yield)
    lost = key.single_photons * (binary_entropy(phase) - binary_entropy(key.phase_error_upper))
    bits = max(0, math.floor(key.bits - lost)) if key.bits else 0
    return replace(key, bits=bits, phase_error_upper=phase)
