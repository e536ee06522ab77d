"""Operations on BLS12-381 through the precompiles 0x0b to 0x11 (EIP-2537)."""

from __future__ import annotations

from bridge.verifier.detector import Detector
from bridge.verifier.evm import finders

DETECTOR = Detector(
    id="bls12-381",
    title="Operations on the curve BLS12-381",
    impact=("Signatures and proofs on BLS12-381 hold only while its discrete logarithms are hard."),
    scenario=(
        "The attacker computes the private keys of signers, or the trapdoor of a setup, "
        "with Shor's algorithm and forges aggregates or proofs."
    ),
    remedy=(
        "Sign with ML-DSA or SLH-DSA; in place of aggregation prove many signatures with a "
        "proof that rests on hashes."
    ),
    bytecode=finders.bls12_381,
)
