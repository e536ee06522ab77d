"""The precompiles 0x0b to 0x11 (EIP-2537) in a scheme that no other detector knows."""

from __future__ import annotations

from bridge.verifier.detector import Detector
from bridge.verifier.evm import finders
from bridge.verifier.sources.judge import BLS12_381, findings_of
from bridge.verifier.sources.patterns import Pattern

DETECTOR = Detector(
    id="bls12-381",
    title="Operations on the curve BLS12-381",
    impact=("Discrete logarithms on BLS12-381 are no secret for a quantum computer."),
    scenario=(
        "The attacker computes discrete logarithms with Shor's algorithm, and forges whatever is "
        "checked with these operations."
    ),
    remedy=(
        "Find the scheme that these operations serve and replace it by one that rests on hashes "
        "or lattices."
    ),
    bytecode=finders.bls12_381,
    source=findings_of(Pattern.BLS12_381, BLS12_381),
)
