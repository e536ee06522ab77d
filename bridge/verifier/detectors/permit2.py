"""Uniswap's Permit2, and contracts that take tokens through it."""

from __future__ import annotations

from bridge.verifier.detector import Detector
from bridge.verifier.sources.judge import ECDSA_SECP256K1, findings_of
from bridge.verifier.sources.patterns import Pattern

DETECTOR = Detector(
    id="permit2",
    title="Permit2: transfers and allowances by signature",
    impact=("Permit2 moves any token that its owner has approved to it, by a signature alone."),
    scenario=(
        "The owner once approved Permit2 without limit. The attacker computes the owner's private "
        "key from a past transaction, signs a transfer and takes every token that is approved to "
        "it."
    ),
    remedy=(
        "Revoke standing approvals to Permit2; hold tokens in accounts that answer ERC-1271 with "
        "a post-quantum check."
    ),
    source=findings_of(Pattern.PERMIT2, ECDSA_SECP256K1),
)
