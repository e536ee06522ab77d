"""ERC-4337 accounts and paymasters that validate with ECDSA."""

from __future__ import annotations

from bridge.verifier.detector import Detector
from bridge.verifier.sources.judge import ECDSA_SECP256K1, findings_of
from bridge.verifier.sources.patterns import Pattern

DETECTOR = Detector(
    id="erc4337-validation",
    title="Account validation (ERC-4337)",
    impact=("Whoever passes validation runs any call as the account, and spends all that it has."),
    scenario=(
        "Each user operation carries an ECDSA signature, and with it the owner's public key. The "
        "attacker computes the private key and submits operations of their own."
    ),
    remedy=(
        "Move the account to a validation module that verifies ML-DSA or SLH-DSA; the account's "
        "address and funds stay."
    ),
    source=findings_of(Pattern.ERC4337, ECDSA_SECP256K1),
)
