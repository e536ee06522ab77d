"""What a scan must find in each case, and what it must not.

By contract, the guards of each detector that must find something; a detector that is not named
must find nothing. Where a contract's functions differ, the guards are those of all findings.
"""

from __future__ import annotations

from bridge.verifier.finding import Guard, Severity

NONE = frozenset({Guard.NOTHING_SEEN})
TRANSFER = frozenset({Guard.TRANSFER})
STORAGE = frozenset({Guard.STORAGE})

EXPECTED: dict[str, dict[str, frozenset[Guard]]] = {
    "Permit": {"ecrecover": frozenset({Guard.PERMIT, Guard.STORAGE})},
    "Claim": {"ecrecover": TRANSFER | STORAGE},
    "ClaimByBool": {"ecrecover": TRANSFER},
    # The owner may call too, which is another finding.
    "OwnerBySignature": {
        "ecrecover": frozenset({Guard.OWNERSHIP}),
        "eoa-owner": frozenset({Guard.CALL}),
    },
    "OwnerSlotOnly": {
        "ecrecover": frozenset({Guard.OWNERSHIP}),
        "eoa-owner": frozenset({Guard.CALL}),
    },
    "UpgradeBySignature": {"ecrecover": frozenset({Guard.UPGRADE})},
    "Multisig": {"ecrecover": frozenset({Guard.CALL})},
    "Vote": {"ecrecover": STORAGE},
    "Recover": {"ecrecover": NONE},
    # A transfer stands in the contract, but the signature does not decide it.
    "LogsOnly": {"ecrecover": NONE},
    "Hashes": {},
    "Ripemd": {"weak-hash": TRANSFER},
    "ShortCommitment": {"weak-hash": TRANSFER},
    "NotShort": {},
    "LooksLikeOne": {},
    "Tokens": {"eoa-owner": frozenset({Guard.CALL})},
    "PairingClaim": {"bn254": TRANSFER | NONE},
    "Kzg": {"kzg": STORAGE},
    "Bls": {"bls12-381": TRANSFER},
    "Passkey": {"p256": frozenset({Guard.CALL})},
    "Rsa": {"modexp": TRANSFER},
    "Inverse": {"modexp": NONE, "curve-arithmetic": NONE},
    "AsksVerifier": {"zk-proof": TRANSFER},
    "AsksWallet": {"erc1271": STORAGE},
    "Wallet": {"ecrecover": frozenset({Guard.PERMIT})},
    "PickedResult": {"ecrecover": TRANSFER},
    "NoPrecompile": {},
    "VyperPermit": {
        "ecrecover": frozenset({Guard.PERMIT, Guard.STORAGE}) | NONE,
        "eoa-owner": frozenset({Guard.CALL}),
    },
    "VyperPairing": {"bn254": TRANSFER},
    "VyperPlain": {},
}

SEVERITIES: dict[str, dict[str, Severity]] = {
    "Vote": {"ecrecover": Severity.MEDIUM},
    "Recover": {"ecrecover": Severity.INFO},
    "LogsOnly": {"ecrecover": Severity.INFO},
    "Ripemd": {"weak-hash": Severity.MEDIUM},
    "ShortCommitment": {"weak-hash": Severity.MEDIUM},
    "Kzg": {"kzg": Severity.MEDIUM},
    "Inverse": {"modexp": Severity.INFO, "curve-arithmetic": Severity.LOW},
    "AsksWallet": {"erc1271": Severity.LOW},
}
"""The greatest severity of a detector's findings, where it is not high."""
