"""Schnorr on secp256k1, mostly by ecrecover used as a multiplication."""

from __future__ import annotations

from bridge.verifier.detector import Detector
from bridge.verifier.sources.judge import SCHNORR, findings_of
from bridge.verifier.sources.patterns import Pattern

DETECTOR = Detector(
    id="schnorr",
    title="Schnorr signature",
    impact=("Whoever can compute a discrete logarithm signs in the signer's place."),
    scenario=(
        "The public key is stored on chain. The attacker computes the private key with Shor's "
        "algorithm and signs; an aggregate key, as of MuSig or FROST, falls as one."
    ),
    remedy=("Verify ML-DSA or SLH-DSA; a threshold is then a count of signatures."),
    source=findings_of(Pattern.SCHNORR, SCHNORR),
)
