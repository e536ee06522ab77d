"""The precompile 0x100 (EIP-7951, RIP-7212); verifiers in Solidity, by the curve's constants."""

from __future__ import annotations

from bridge.verifier.detector import Detector
from bridge.verifier.evm import finders
from bridge.verifier.sources.judge import ECDSA_P256, findings_of
from bridge.verifier.sources.patterns import Pattern

DETECTOR = Detector(
    id="p256",
    title="ECDSA on P-256 (WebAuthn, passkeys)",
    impact=("Passkeys on P-256 fall to the same algorithm as secp256k1."),
    scenario=(
        "The passkey's public key is stored on chain in the clear, so that not even a first "
        "signature has to be waited for. The attacker computes the private key and signs in its "
        "place."
    ),
    remedy=(
        "Ask a second factor of ML-DSA or SLH-DSA for what moves value, and move on when "
        "authenticators sign post-quantum."
    ),
    bytecode=finders.p256,
    source=findings_of(Pattern.P256, ECDSA_P256),
)
