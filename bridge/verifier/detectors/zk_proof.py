"""Proofs that another contract checks."""

from __future__ import annotations

from bridge.verifier.detector import Detector
from bridge.verifier.evm import finders

DETECTOR = Detector(
    id="zk-proof",
    title="Proof checked by another contract",
    impact=(
        "What the proof decides falls with the proof system behind it, which most often "
        "rests on pairings."
    ),
    scenario=(
        "The attacker computes the trapdoor of the setup, a discrete logarithm, with Shor's "
        "algorithm and proves what is false to the verifier that this contract asks."
    ),
    remedy=(
        "Point the contract to a verifier of a proof system that rests on hashes (STARK, "
        "FRI), and make the verifier replaceable under delay."
    ),
    bytecode=finders.zk_proof,
)
