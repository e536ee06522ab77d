"""Calls of OpenZeppelin's `ECDSA.recover` and `tryRecover`, and of libraries of that name."""

from __future__ import annotations

from bridge.verifier.detector import Detector
from bridge.verifier.sources.judge import ECDSA_SECP256K1, findings_of
from bridge.verifier.sources.patterns import Pattern

DETECTOR = Detector(
    id="openzeppelin-ecdsa",
    title="OpenZeppelin's ECDSA library",
    impact=(
        "The library proves who signed only as long as nobody computes a private key from a "
        "public one."
    ),
    scenario=(
        "The attacker takes the public key out of one earlier signature or transaction of the "
        "signer, computes the private key with Shor's algorithm, and `ECDSA.recover` gives the "
        "signer's address for a message of the attacker's."
    ),
    remedy=(
        "OpenZeppelin's SignatureChecker with ERC-7913 takes a verifier and a key in the place of "
        "an address: register an ML-DSA or SLH-DSA verifier there, and refuse plain addresses."
    ),
    source=findings_of(Pattern.OPENZEPPELIN_ECDSA, ECDSA_SECP256K1),
)
