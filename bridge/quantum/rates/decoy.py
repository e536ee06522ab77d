"""The finite key length of BB84 with two decoys or one.

Two decoys: Lim, Curty, Walenta, Xu and Zbinden 2014, Phys. Rev. A 89, 022307, arXiv 1311.7129,
Eqs. 1 to 5, whose X is our Z and the other way round. One decoy: Rusca, Boaron, Gruenenfelder,
Martin and Zbinden 2018, Appl. Phys. Lett. 112, 171104, arXiv 1801.03443, Eq. 1 and appendix A.
The papers leave some things open, and each is settled on the safe side here: a lower bound below 0
is 0; a phase error bound above 1/2, or one that has no single photons to stand on, is 1/2; the
estimate of the single-photon errors in X is at least one, since the correction for the sample size,
which is Gaussian in form, would vanish at 0; and that correction has Lim et al.'s 21 for one decoy
as well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bridge.quantum.distillation.bounds import binary_entropy
from bridge.quantum.link.protocols import DecoyBB84, Z
from bridge.quantum.link.tally import Counts, Tally
from bridge.quantum.rates.security import KeyLength, Security

TWO_DECOY_TERMS = 21
"""Into so many equal parts does Lim et al.'s proof split epsilon_sec (appendix B)."""
ONE_DECOY_TERMS = 19
"""The same for Rusca et al. (Eq. A24)."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Bounds from the decoys: counts in Z from vacuum and single photons, and the phase error."""

    vacuum: float
    single_photons: float
    check_single_photons: float
    check_single_errors: float
    phase_error_upper: float


def key_length(
    tally: Tally,
    protocol: DecoyBB84,
    security: Security | None = None,
    leak_bits: float | None = None,
) -> KeyLength:
    """The secret bits of a block of either protocol.

    ``leak_bits`` is what error correction announced; without it f n h(E) is charged.

        l = floor(s_Z0 + s_Z1 (1 - h(phi)) - leak - 6 log2(c / eps_sec) - log2(2 / eps_cor))

    with c = 21 for two decoys (Lim et al., Eq. 1) and 19 for one (Rusca et al., Eq. 1).
    """
    security = security or Security()
    bounds = estimate(tally, protocol, security)
    terms = _terms(protocol)
    sifted = float(tally.key_clicks().sum())
    qber = tally.qber(Z)
    leak = security.correction_efficiency * sifted * binary_entropy(qber)
    leak = leak if leak_bits is None else leak_bits
    secret = bounds.vacuum + bounds.single_photons * (
        1.0 - binary_entropy(bounds.phase_error_upper)
    )
    secret -= leak + 6.0 * math.log2(terms / security.epsilon_secrecy)
    secret -= math.log2(2.0 / security.epsilon_correctness)
    return KeyLength(
        bits=max(0, math.floor(secret)),
        sifted=sifted,
        qber=qber,
        single_photons=bounds.single_photons,
        vacuum=bounds.vacuum,
        phase_error_upper=bounds.phase_error_upper,
        leak_bits=leak,
    )


def estimate(tally: Tally, protocol: DecoyBB84, security: Security) -> Estimate:
    """The decoy bounds of a block; each holds but with a share of epsilon_sec."""
    confidence = security.epsilon_secrecy / _terms(protocol)
    key = _Basis(tally.key_clicks(), tally.key_errors(), protocol, confidence)
    check = _Basis(tally.check_clicks(), tally.check_errors(), protocol, confidence)
    single, check_single = key.single_photons(), check.single_photons()
    errors = check.single_errors()
    if single <= 0.0 or check_single <= 0.0:
        phase = 0.5
    else:
        rate = min(0.5, max(errors, 1.0) / check_single)
        share = security.epsilon_secrecy / TWO_DECOY_TERMS
        phase = min(0.5, rate + sampling_correction(share, rate, check_single, single))
    return Estimate(key.vacuum(), single, check_single, errors, phase)


def sampling_correction(confidence: float, rate: float, check: float, key: float) -> float:
    """gamma, by which the phase error rate in Z may exceed the error rate seen in X.

    gamma(a, b, c, d) = sqrt((c+d)(1-b)b / (c d ln 2) log2((c+d) / (c d (1-b) b) 21^2 / a^2))
    (Lim et al., Eq. 5 and after). ``confidence`` is a/21. It is 0 where the logarithm is below 0,
    which only endless samples reach.
    """
    if rate <= 0.0 or rate >= 1.0:
        return 0.0
    spread = (check + key) / (check * key)
    log = math.log2(spread / ((1.0 - rate) * rate) / confidence**2)
    return math.sqrt(max(0.0, spread * (1.0 - rate) * rate / math.log(2.0) * log))


def _terms(protocol: DecoyBB84) -> int:
    return TWO_DECOY_TERMS if len(protocol.intensities) == 3 else ONE_DECOY_TERMS


class _Basis:
    """The counts of one basis, scaled to what an intensity alone would have given."""

    def __init__(
        self, clicks: Counts, errors: Counts, protocol: DecoyBB84, confidence: float
    ) -> None:
        self.means = protocol.intensities
        self.tau = [protocol.photon_number_probability(n) for n in (0, 1)]
        scale = [
            math.exp(mean) / share
            for mean, share in zip(self.means, protocol.intensity_probabilities, strict=True)
        ]
        # Hoeffding's deviation for the sum over intensities (Rusca et al., Eq. 3).
        log = math.log(1.0 / confidence)
        self.deviation = math.sqrt(float(clicks.sum()) / 2.0 * log)
        spread = math.sqrt(float(errors.sum()) / 2.0 * log)
        self.low, self.high = _interval(clicks, scale, self.deviation)
        self.errors_low, self.errors_high = _interval(errors, scale, spread)

    def vacuum(self) -> float:
        """s_0, at least: Lim et al., Eq. 2; Rusca et al., Eq. A19."""
        strong, weak = self.means[-2], self.means[-1]
        value = self.tau[0] * (strong * self.low[-1] - weak * self.high[-2]) / (strong - weak)
        return max(0.0, value)

    def vacuum_upper(self) -> float:
        """s_0, at most, from the errors: half of what vacuum gives is wrong (Rusca et al., A16)."""
        return min(2.0 * (self.tau[0] * errors + self.deviation) for errors in self.errors_high)

    def single_photons(self) -> float:
        """s_1, at least: Lim et al., Eq. 3; Rusca et al., Eq. A17."""
        first = self.means[0]
        if len(self.means) == 3:
            _, second, third = self.means
            head = self.low[1] - self.high[2]
            ratio = (second**2 - third**2) / first**2
            tail = ratio * (self.high[0] - self.vacuum() / self.tau[0])
            scale = self.tau[1] * first / (first * (second - third) - second**2 + third**2)
        else:
            second = self.means[1]
            head = self.low[1] - second**2 / first**2 * self.high[0]
            tail = (first**2 - second**2) / first**2 * self.vacuum_upper() / self.tau[0]
            scale = self.tau[1] * first / (second * (first - second))
        return max(0.0, scale * (head - tail))

    def single_errors(self) -> float:
        """v_1, the errors of single photons, at most: Lim et al., Eq. 4; Rusca et al., Eq. A22."""
        strong, weak = self.means[-2], self.means[-1]
        value = self.tau[1] * (self.errors_high[-2] - self.errors_low[-1]) / (strong - weak)
        return max(0.0, value)


def _interval(
    counts: Counts, scale: list[float], deviation: float
) -> tuple[list[float], list[float]]:
    """Counts less and plus their deviation, at least 0, scaled."""
    low = [s * max(0.0, float(n) - deviation) for s, n in zip(scale, counts, strict=True)]
    return low, [s * (float(n) + deviation) for s, n in zip(scale, counts, strict=True)]
