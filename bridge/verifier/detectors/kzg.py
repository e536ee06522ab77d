"""KZG openings through the precompile 0x0a (EIP-4844)."""

from __future__ import annotations

from bridge.verifier.detector import Detector
from bridge.verifier.evm import finders

DETECTOR = Detector(
    id="kzg",
    title="KZG point evaluation",
    impact="A commitment can be opened to what it does not hold.",
    scenario=(
        "The attacker computes the secret of the trusted setup, a discrete logarithm on "
        "BLS12-381, from its published powers with Shor's algorithm, and opens commitments "
        "to any value."
    ),
    remedy=(
        "Bind data by hash-based commitments (Merkle trees, FRI) beside the blob's "
        "commitment, and plan for the chain's own replacement of it."
    ),
    bytecode=finders.kzg,
)
