"""Operations on BN254 through the precompiles 0x06 to 0x08 (EIP-196, EIP-197)."""

from __future__ import annotations

from bridge.verifier.detector import Detector
from bridge.verifier.evm import finders

DETECTOR = Detector(
    id="bn254",
    title="Operations on the curve BN254",
    impact=(
        "Proofs (Groth16, PLONK), commitments and BLS signatures on BN254 hold only while "
        "its discrete logarithms are hard."
    ),
    scenario=(
        "The attacker computes discrete logarithms with Shor's algorithm, the trapdoor of a "
        "setup among them, and makes proofs of what is false or signatures of others."
    ),
    remedy=(
        "Move to proofs that rest on hashes (STARK, FRI), and to ML-DSA or SLH-DSA for signatures."
    ),
    bytecode=finders.bn254,
)
