"""A signature and a Merkle proof that one entry checks together."""

from __future__ import annotations

from bridge.verifier.detector import Detector
from bridge.verifier.sources.judge import ECDSA_SECP256K1, findings_of
from bridge.verifier.sources.patterns import Pattern

DETECTOR = Detector(
    id="signed-merkle-root",
    title="Claim under a signed Merkle root",
    impact=("One forged signature on a root stands for every leaf under it."),
    scenario=(
        "The hash tree itself holds against quantum search. The attacker computes the private key "
        "of who signs the root, signs a root of their own leaves and claims all of them."
    ),
    remedy=(
        "Let the root be set by a post-quantum signature or by governance with a delay; the tree "
        "can stay."
    ),
    source=findings_of(Pattern.SIGNED_ROOT, ECDSA_SECP256K1),
)
