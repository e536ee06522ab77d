"""Requests signed off chain that anybody may hand in: forwarders, orders, votes, delegations."""

from __future__ import annotations

from bridge.verifier.detector import Detector
from bridge.verifier.sources.judge import ECDSA_SECP256K1, findings_of
from bridge.verifier.sources.patterns import Pattern

DETECTOR = Detector(
    id="eip712-meta-transaction",
    title="Action by signature (EIP-712, meta transaction)",
    impact=("A forged request is carried out as if its signer had sent it."),
    scenario=(
        "The attacker computes the signer's private key from any earlier request, which carries a "
        "signature and so the public key, and signs requests that nobody meant."
    ),
    remedy=(
        "Let requests be signed post-quantum (ERC-7913 verifier for ML-DSA or SLH-DSA), or ask "
        "for a transaction of a post-quantum account."
    ),
    source=findings_of(Pattern.EIP712, ECDSA_SECP256K1),
)
