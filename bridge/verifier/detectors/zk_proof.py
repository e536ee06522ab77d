"""Calls of a verifier's verifyProof, whose curve is not in sight."""

from __future__ import annotations

from bridge.verifier.detector import Detector
from bridge.verifier.evm import finders
from bridge.verifier.sources.judge import PAIRING_PROOF, findings_of
from bridge.verifier.sources.patterns import Pattern

DETECTOR = Detector(
    id="zk-proof",
    title="Zero-knowledge proof checked by another contract",
    impact=(
        "Proofs of false statements verify, if the verifier behind the call rests on pairings, as "
        "nearly all do."
    ),
    scenario=(
        "The attacker computes the trapdoor of the verifier's setup with Shor's algorithm, proves "
        "what is not so, and this contract acts on it."
    ),
    remedy=(
        "Point the contract to a verifier of hash-based proofs (STARKs, FRI), and keep the "
        "verifier's address replaceable under a post-quantum quorum."
    ),
    bytecode=finders.zk_proof,
    source=findings_of(Pattern.ZK_PROOF, PAIRING_PROOF),
)
