"""Signatures that another contract checks (ERC-1271, ERC-7913)."""

from __future__ import annotations

from bridge.verifier.detector import Detector
from bridge.verifier.evm import finders

DETECTOR = Detector(
    id="erc1271",
    title="Signature checked by another contract",
    impact="What the signature decides is as safe as the scheme of the contract that is asked.",
    scenario=(
        "If that contract checks ECDSA, the attacker computes its owner's private key with "
        "Shor's algorithm and signs."
    ),
    remedy=(
        "Nothing has to change here: ask the accounts to move to a post-quantum rule, and "
        "refuse those that did not."
    ),
    bytecode=finders.erc1271,
)
