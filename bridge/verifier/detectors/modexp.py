"""The precompile 0x05 (EIP-198) in a scheme that no other detector knows."""

from __future__ import annotations

from bridge.verifier.detector import Detector
from bridge.verifier.evm import finders
from bridge.verifier.sources.judge import MODULAR, findings_of
from bridge.verifier.sources.patterns import Pattern

DETECTOR = Detector(
    id="modexp",
    title="Modular exponentiation of unknown use",
    impact=("If it serves RSA, a discrete logarithm or an accumulator, that scheme falls."),
    scenario=(
        "If the modulus is the product of secret primes or the base has a secret exponent, the "
        "attacker computes them with Shor's algorithm."
    ),
    remedy=(
        "See what the exponentiation is for. Arithmetic alone needs nothing; RSA, Diffie-Hellman "
        "and accumulators have to be replaced."
    ),
    bytecode=finders.modexp,
    source=findings_of(Pattern.MODEXP, MODULAR),
)
