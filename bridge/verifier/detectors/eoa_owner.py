"""Contracts that obey one account, of which the code does not say that it is a contract."""

from __future__ import annotations

from bridge.verifier.detector import Detector
from bridge.verifier.evm import finders

DETECTOR = Detector(
    id="eoa-owner",
    title="One account decides by calling",
    impact=(
        "If the account is held by a single ECDSA key, what it may do here falls with that key."
    ),
    scenario=(
        "Each transaction that the account sent carries its public key. The attacker "
        "computes the private key with Shor's algorithm and sends transactions as the "
        "owner."
    ),
    remedy=(
        "Let the owner be a contract account whose signature rule can be replaced by a "
        "post-quantum one, with a delay before what it orders takes effect."
    ),
    bytecode=finders.eoa_owner,
)
