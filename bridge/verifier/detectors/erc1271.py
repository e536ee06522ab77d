"""Accounts that answer ERC-1271, and contracts that ask them."""

from __future__ import annotations

from bridge.verifier.detector import Detector
from bridge.verifier.evm import finders
from bridge.verifier.finding import Algorithm, Primitive
from bridge.verifier.sources.judge import ECDSA_SECP256K1, findings_of
from bridge.verifier.sources.patterns import Pattern
from bridge.verifier.sources.sites import Site
from bridge.verifier.sources.uses import Use


def _of(use: Use) -> Algorithm:
    """Unknown where another contract is asked."""
    if use.site is Site.CALLS_1271:
        return Algorithm("signature of a contract", Primitive.SIGNATURE)
    return ECDSA_SECP256K1


DETECTOR = Detector(
    id="erc1271",
    title="Signature of a contract account (ERC-1271)",
    impact=(
        "Whoever satisfies isValidSignature acts for the account in permits, orders and logins."
    ),
    scenario=(
        "Where the account asks ECDSA of its owner, the attacker computes the owner's private key "
        "and signs; everything that trusts the account's answer follows."
    ),
    remedy=(
        "Answer isValidSignature only for ML-DSA or SLH-DSA signatures of the owner's registered "
        "key."
    ),
    bytecode=finders.erc1271,
    source=findings_of(Pattern.ERC1271, _of),
)
