"""Calls of solady's `ECDSA`, which reaches the precompile 0x01 from assembly."""

from __future__ import annotations

from bridge.verifier.detector import Detector
from bridge.verifier.sources.judge import ECDSA_SECP256K1, findings_of
from bridge.verifier.sources.patterns import Pattern

DETECTOR = Detector(
    id="solady-ecdsa",
    title="Solady's ECDSA library",
    impact=(
        "The library proves who signed only as long as nobody computes a private key from a "
        "public one."
    ),
    scenario=(
        "The attacker takes the public key out of one earlier signature or transaction of the "
        "signer, computes the private key with Shor's algorithm, and the library recovers the "
        "signer's address for a message of the attacker's."
    ),
    remedy=(
        "Ask a verifier contract for a post-quantum signature (ERC-7913, ML-DSA or SLH-DSA) in "
        "the place of `ECDSA.recover`."
    ),
    source=findings_of(Pattern.SOLADY_ECDSA, ECDSA_SECP256K1),
)
