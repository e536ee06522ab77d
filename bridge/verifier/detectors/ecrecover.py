"""ECDSA on secp256k1 through the precompile 0x01."""

from __future__ import annotations

from bridge.verifier.detector import Detector
from bridge.verifier.evm import finders

DETECTOR = Detector(
    id="ecrecover",
    title="ECDSA signature checked with ecrecover",
    impact=(
        "Whoever can forge an ECDSA signature on secp256k1 does what only the signer may do here."
    ),
    scenario=(
        "Every signature on chain gives its signer's public key away. With Shor's algorithm "
        "the attacker computes the private key from it, signs what they like, and the "
        "contract recovers the signer's address."
    ),
    remedy=(
        "Verify a post-quantum signature instead, ML-DSA (FIPS 204) or SLH-DSA (FIPS 205), "
        "through a verifier with the interface of ERC-7913; until then let the signer be a "
        "contract whose rule can be replaced."
    ),
    bytecode=finders.ecrecover,
)
