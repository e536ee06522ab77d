"""Arithmetic on curves that needs no precompile, told by the curves' constants."""

from __future__ import annotations

from bridge.verifier.detector import Detector
from bridge.verifier.evm import finders

DETECTOR = Detector(
    id="curve-arithmetic",
    title="Arithmetic on an elliptic curve in the contract's own code",
    impact="Signatures, commitments or random values that rest on the curve can be forged.",
    scenario=(
        "The attacker computes discrete logarithms on the curve with Shor's algorithm, and "
        "with them private keys."
    ),
    remedy=(
        "Find the scheme that the arithmetic serves (Schnorr, VRF, ECDSA, EdDSA) and "
        "replace it by ML-DSA, SLH-DSA or one that rests on hashes."
    ),
    bytecode=finders.curve_arithmetic,
)
