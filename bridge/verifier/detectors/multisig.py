"""Signatures checked in a loop against a set of signers: Safe, bridges' validators, oracles."""

from __future__ import annotations

from bridge.verifier.detector import Detector
from bridge.verifier.sources.judge import ECDSA_SECP256K1, findings_of
from bridge.verifier.sources.patterns import Pattern

DETECTOR = Detector(
    id="multisig",
    title="Threshold of ECDSA signatures (multisig)",
    impact=("A threshold multiplies the work of an attacker by a handful; it does not stop one."),
    scenario=(
        "The owners' public keys are in their past signatures. The attacker computes as many "
        "private keys as the threshold asks and signs for a quorum."
    ),
    remedy=(
        "Register post-quantum keys for all signers (ML-DSA, with SLH-DSA beside it where both "
        "families are asked for) and verify those on chain."
    ),
    source=findings_of(Pattern.MULTISIG, ECDSA_SECP256K1),
)
