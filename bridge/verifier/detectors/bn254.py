"""The precompiles 0x06 to 0x08 (EIP-196, EIP-197) in a scheme that no other detector knows."""

from __future__ import annotations

from bridge.verifier.detector import Detector
from bridge.verifier.evm import finders
from bridge.verifier.sources.judge import BN254, findings_of
from bridge.verifier.sources.patterns import Pattern

DETECTOR = Detector(
    id="bn254",
    title="Operations on the curve BN254",
    impact=("Discrete logarithms on BN254 are no secret for a quantum computer."),
    scenario=(
        "The attacker computes discrete logarithms with Shor's algorithm, and forges whatever "
        "commitment, proof or signature is checked with these operations."
    ),
    remedy=(
        "Find the scheme that these operations serve and replace it by one that rests on hashes "
        "or lattices."
    ),
    bytecode=finders.bn254,
    source=findings_of(Pattern.BN254, BN254),
)
