"""Verifiers as snarkjs, gnark and others make them, told by the points of their verifying key."""

from __future__ import annotations

from bridge.verifier.detector import Detector
from bridge.verifier.sources.judge import GROTH16, findings_of
from bridge.verifier.sources.patterns import Pattern

DETECTOR = Detector(
    id="groth16",
    title="Groth16 proof on BN254",
    impact=("Proofs of false statements verify: whatever the circuit was to prevent can be done."),
    scenario=(
        "With Shor's algorithm the attacker computes the discrete logarithms of the verifying "
        "key's points, which is the trapdoor of the setup, and makes proofs of any statement."
    ),
    remedy=(
        "Move to a proof system that rests on hashes (STARKs, FRI) with 128 bits against quantum "
        "search."
    ),
    source=findings_of(Pattern.GROTH16, GROTH16),
)
