"""ECDSA on P-256 through the precompile 0x100 (RIP-7212, EIP-7951)."""

from __future__ import annotations

from bridge.verifier.detector import Detector
from bridge.verifier.evm import finders

DETECTOR = Detector(
    id="p256",
    title="ECDSA signature on P-256",
    impact=(
        "Whoever can forge a signature of a passkey or secure element does what its holder "
        "may do here."
    ),
    scenario=(
        "The public key stands in the contract or came with an earlier signature. The "
        "attacker computes the private key with Shor's algorithm."
    ),
    remedy=(
        "Add a post-quantum signer beside the passkey (ML-DSA or SLH-DSA behind ERC-7913) "
        "and ask for both."
    ),
    bytecode=finders.p256,
)
