"""PLONK, UltraPlonk and Honk verifiers, told by their selectors, permutation and openings."""

from __future__ import annotations

from bridge.verifier.detector import Detector
from bridge.verifier.sources.judge import PLONK, findings_of
from bridge.verifier.sources.patterns import Pattern

DETECTOR = Detector(
    id="plonk",
    title="PLONK-like proof with pairings",
    impact=("Proofs of false statements verify: whatever the circuit was to prevent can be done."),
    scenario=(
        "The commitments are KZG on BN254. With Shor's algorithm the attacker computes the secret "
        "of the setup from its published points, and opens commitments to values of their choice."
    ),
    remedy=(
        "Replace KZG by a commitment that rests on hashes (FRI), or the proof system by STARKs."
    ),
    source=findings_of(Pattern.PLONK, PLONK),
)
