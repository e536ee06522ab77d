"""OpenZeppelin's SignatureChecker, solady's SignatureCheckerLib: ecrecover, or ERC-1271."""

from __future__ import annotations

from bridge.verifier.detector import Detector
from bridge.verifier.sources.judge import ECDSA_SECP256K1, findings_of
from bridge.verifier.sources.patterns import Pattern

DETECTOR = Detector(
    id="signature-checker",
    title="Signature of an account or a contract (SignatureChecker)",
    impact=("For accounts without code the check is ECDSA, and falls with it."),
    scenario=(
        "If the signer is an account without code, the attacker computes its private key from its "
        "public key and signs. If it is a contract, they attack whatever that contract asks for."
    ),
    remedy=(
        "Accept signers with code only, and of those such that verify ML-DSA or SLH-DSA; or the "
        "keys of ERC-7913 with a post-quantum verifier."
    ),
    source=findings_of(Pattern.SIGNATURE_CHECKER, ECDSA_SECP256K1),
)
