"""The finite key length of BBM92, and of E91 with conjugate settings.

Tomamichel, Lim, Gisin and Renner 2012, Nature Communications 3, 634, arXiv 1103.4130. For
entangled pairs the sender's measurement is the preparation, and no assumption on the source is
needed: multi-pair pulses show as errors.
"""

from __future__ import annotations

import math

from bridge.quantum.distillation.bounds import binary_entropy
from bridge.quantum.link.pairs import PairTally
from bridge.quantum.link.protocols import X, Z
from bridge.quantum.rates.security import KeyLength, Security


def key_length(
    tally: PairTally, security: Security | None = None, leak_bits: float | None = None
) -> KeyLength:
    """The secret bits of a block: n coincidences in Z are the key, k in X the sample.

        l = floor(n (1 - h(Q + mu)) - leak - log2(2 / (eps_sec^2 eps_cor)))
        mu = sqrt((n + k) / (n k) (k + 1) / k ln(4 / eps_sec))

    (Tomamichel et al. 2012, Eq. 2 with q = 1). Their Q is a tolerance agreed before; taking the
    error rate seen in its place makes the length vary with the block (arXiv 2408.17349 on what
    that costs). ``leak_bits`` is what error correction announced; without it f n h(E) is charged.
    """
    security = security or Security()
    n, k = float(tally.coincidences[Z, Z]), float(tally.coincidences[X, X])
    qber = tally.qber(Z)
    leak = security.correction_efficiency * n * binary_entropy(qber)
    leak = leak if leak_bits is None else leak_bits
    phase = 0.5
    if n >= 1.0 and k >= 1.0:
        phase = min(0.5, tally.qber(X) + sampling_correction(n, k, security.epsilon_secrecy))
    secret = n * (1.0 - binary_entropy(phase)) - leak
    secret -= math.log2(2.0 / (security.epsilon_secrecy**2 * security.epsilon_correctness))
    return KeyLength(
        bits=max(0, math.floor(secret)),
        sifted=n,
        qber=qber,
        single_photons=n,
        vacuum=0.0,
        phase_error_upper=phase,
        leak_bits=leak,
    )


def sampling_correction(key: float, check: float, epsilon: float) -> float:
    """Mu of the formula above: Serfling's bound (1974)."""
    spread = (key + check) / (key * check) * (check + 1.0) / check
    return math.sqrt(spread * math.log(4.0 / epsilon))
