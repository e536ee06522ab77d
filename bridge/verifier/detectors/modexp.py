"""Modular exponentiation through the precompile 0x05 (EIP-198): RSA where the exponent says so."""

from __future__ import annotations

from bridge.verifier.detector import Detector
from bridge.verifier.evm import finders

DETECTOR = Detector(
    id="modexp",
    title="RSA or other modular exponentiation",
    impact=(
        "If it serves RSA, a discrete logarithm or an accumulator, that scheme falls, and "
        "what it decides with it."
    ),
    scenario=(
        "The attacker factors the public modulus with Shor's algorithm, or takes the "
        "discrete logarithm, and signs with the private exponent."
    ),
    remedy=(
        "Replace RSA, Diffie-Hellman and accumulators by ML-DSA, SLH-DSA or hash-based "
        "commitments. Arithmetic alone, such as an inverse in a field, needs nothing."
    ),
    bytecode=finders.modexp,
)
