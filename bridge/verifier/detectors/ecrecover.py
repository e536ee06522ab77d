"""ECDSA on secp256k1 through the precompile 0x01, in no pattern that another detector knows."""

from __future__ import annotations

from bridge.verifier.detector import Detector
from bridge.verifier.evm import finders
from bridge.verifier.sources.judge import ECDSA_SECP256K1, findings_of
from bridge.verifier.sources.patterns import Pattern

DETECTOR = Detector(
    id="ecrecover",
    title="ECDSA signature checked with ecrecover",
    impact=(
        "Whoever can forge an ECDSA signature on secp256k1 does what only the signer may do here."
    ),
    scenario=(
        "Every signature on chain gives its signer's public key away. With Shor's algorithm the "
        "attacker computes the private key from it, signs what they like, and the contract "
        "recovers the signer's address."
    ),
    remedy=(
        "Verify a post-quantum signature instead, ML-DSA (FIPS 204) or SLH-DSA (FIPS 205), "
        "through a verifier with the interface of ERC-7913; until then let the signer be a "
        "contract whose rule can be replaced."
    ),
    bytecode=finders.ecrecover,
    source=findings_of(Pattern.ECRECOVER, ECDSA_SECP256K1),
)
