"""BLS on BN254 or BLS12-381, told by hashing to the curve and aggregation before a pairing."""

from __future__ import annotations

from bridge.verifier.detector import Detector
from bridge.verifier.finding import Algorithm
from bridge.verifier.sources.judge import BLS_BLS12, BLS_BN254, findings_of
from bridge.verifier.sources.patterns import Pattern
from bridge.verifier.sources.sites import Site
from bridge.verifier.sources.uses import Use


def _of(use: Use) -> Algorithm:
    """By its curve."""
    return BLS_BLS12 if use.site is Site.BLS12_381 else BLS_BN254


DETECTOR = Detector(
    id="bls-signature",
    title="BLS signature or aggregate",
    impact=("One forged aggregate stands for all signers that it names."),
    scenario=(
        "The signers' public keys are registered on chain. The attacker computes their private "
        "keys with Shor's algorithm and signs for as many as a quorum needs."
    ),
    remedy=(
        "Sign with ML-DSA or SLH-DSA; in place of aggregation, prove many such signatures with a "
        "hash-based proof or check each once."
    ),
    source=findings_of(Pattern.BLS, _of),
)
