"""ERC-2612 and its variants: a signature that sets an allowance, or a call that hands one on."""

from __future__ import annotations

from bridge.verifier.detector import Detector
from bridge.verifier.sources.judge import ECDSA_SECP256K1, findings_of
from bridge.verifier.sources.patterns import Pattern

DETECTOR = Detector(
    id="erc2612-permit",
    title="Permit by signature (ERC-2612)",
    impact=(
        "A forged permit is an allowance over all tokens of its owner, without a transaction of "
        "theirs."
    ),
    scenario=(
        "The attacker collects public keys of token holders from their past transactions, "
        "computes the private keys, signs permits to themselves and moves the balances with "
        "transferFrom."
    ),
    remedy=(
        "Let permits be signed through ERC-1271 by accounts with post-quantum keys, and let "
        "holders switch off permits by ECDSA for their balance; new tokens leave ERC-2612 out."
    ),
    source=findings_of(Pattern.ERC2612, ECDSA_SECP256K1),
)
