"""PKCS #1 signatures by modular exponentiation, the precompile 0x05 (EIP-198)."""

from __future__ import annotations

from bridge.verifier.detector import Detector
from bridge.verifier.sources.judge import RSA, findings_of
from bridge.verifier.sources.patterns import Pattern

DETECTOR = Detector(
    id="rsa",
    title="RSA signature",
    impact=("RSA moduli of any length in use are factored."),
    scenario=(
        "The modulus is on chain or in a certificate. The attacker factors it with Shor's "
        "algorithm and signs what they like."
    ),
    remedy=(
        "Replace by ML-DSA or SLH-DSA; where the signer is outside (DNSSEC, e-mail, passports), "
        "do not let value depend on it."
    ),
    source=findings_of(Pattern.RSA, RSA),
)
