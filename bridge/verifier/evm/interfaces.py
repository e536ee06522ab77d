"""Functions, events and storage slots that standards and wide-spread contracts name.

Each signature stands with where it is from; its selector or topic is computed from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bridge.crypto.hashing import keccak256
from bridge.verifier.finding import Guard


def selector(signature: str) -> int:
    """The first four bytes of the hash (Solidity ABI specification).

    >>> hex(selector("permit(address,address,uint256,uint256,uint8,bytes32,bytes32)"))
    '0xd505accf'
    """
    return int.from_bytes(keccak256(signature.encode())[:4], "big")


def topic(signature: str) -> int:
    """The whole hash, as an event's first topic."""
    return int.from_bytes(keccak256(signature.encode()), "big")


def erc1967(label: str) -> int:
    """A slot of EIP-1967: the hash less one."""
    return topic(label) - 1


def erc7201(namespace: str) -> int:
    """The first slot of a namespace, as ERC-7201 derives it."""
    inner = (topic(namespace) - 1).to_bytes(32, "big")
    return int.from_bytes(keccak256(inner), "big") & ~0xFF


@dataclass(frozen=True, slots=True)
class Entry:
    """A function that a signature opens: what it decides, by its standard."""

    signature: str
    source: str
    guard: Guard | None


_USDC = "receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,"
_TRANSFER_AUTH = "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,"
_USER_OP_6 = (
    "validateUserOp((address,uint256,bytes,bytes,uint256,uint256,uint256,uint256,uint256,bytes,"
    "bytes),bytes32,uint256)"
)
_USER_OP_7 = (
    "validateUserOp((address,uint256,bytes,bytes,bytes32,uint256,bytes32,bytes,bytes),bytes32,"
    "uint256)"
)

_ENTRIES: Final = (
    Entry(
        "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)", "ERC-2612", Guard.PERMIT
    ),
    Entry(
        "permit(address,address,uint256,uint256,bool,uint8,bytes32,bytes32)",
        "Dai's permit",
        Guard.PERMIT,
    ),
    Entry("permit(address,uint256,uint256,uint8,bytes32,bytes32)", "ERC-4494", Guard.PERMIT),
    Entry("permit(address,uint256,uint256,bytes)", "ERC-4494", Guard.PERMIT),
    Entry(_TRANSFER_AUTH + "uint8,bytes32,bytes32)", "ERC-3009", Guard.TRANSFER),
    Entry(_TRANSFER_AUTH + "bytes)", "ERC-3009", Guard.TRANSFER),
    Entry(_USDC + "uint8,bytes32,bytes32)", "ERC-3009", Guard.TRANSFER),
    Entry(_USDC + "bytes)", "ERC-3009", Guard.TRANSFER),
    Entry("isValidSignature(bytes32,bytes)", "ERC-1271", Guard.PERMIT),
    Entry("isValidSignature(bytes,bytes)", "Safe 1.3's form of ERC-1271", Guard.PERMIT),
    Entry(_USER_OP_6, "ERC-4337, entry point 0.6", Guard.CALL),
    Entry(_USER_OP_7, "ERC-4337, entry point 0.7", Guard.CALL),
    Entry(
        "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)",
        "Safe",
        Guard.CALL,
    ),
    Entry(
        "execute((address,address,uint256,uint256,uint48,bytes,bytes))", "OpenZeppelin", Guard.CALL
    ),
    Entry("verify(bytes,bytes32,bytes)", "ERC-7913", None),
    Entry("delegateBySig(address,uint256,uint256,uint8,bytes32,bytes32)", "ERC-5805", None),
)

ENTRIES: Final[dict[int, Entry]] = {selector(one.signature): one for one in _ENTRIES}
"""By selector."""

MAX_PUBLIC_INPUTS: Final = 64


def _verifiers() -> dict[int, str]:
    found = {}
    for count in range(1, MAX_PUBLIC_INPUTS + 1):
        # snarkjs' templates of Groth16 and PLONK.
        found[f"verifyProof(uint256[2],uint256[2][2],uint256[2],uint256[{count}])"] = "Groth16"
        found[f"verifyProof(uint256[24],uint256[{count}])"] = "PLONK"
        found[f"verifyProof(bytes,uint256[{count}])"] = "Groth16"  # Tornado Cash's verifier
    found["verifyProof(bytes,uint256[])"] = "PLONK"  # snarkjs before 0.5
    found["verify(bytes,bytes32[])"] = "Honk or PLONK"  # Noir's Solidity verifiers
    found["verifyProof(bytes32,bytes)"] = "SNARK"
    return {selector(signature): system for signature, system in found.items()}


PROOF_VERIFIERS: Final[dict[int, str]] = _verifiers()
"""Proof systems by the selector of their verifier's function."""

SIGNATURE_CHECKS: Final = {
    selector("isValidSignature(bytes32,bytes)"): "ERC-1271",
    selector("isValidSignature(bytes,bytes)"): "ERC-1271",
    selector("verify(bytes,bytes32,bytes)"): "ERC-7913",
}
"""Functions of other contracts that check a signature."""

PERMITS: Final = frozenset(
    code for code, entry in ENTRIES.items() if entry.signature.startswith("permit(")
)

TRANSFERS: Final = frozenset(
    selector(signature)
    for signature in (
        "transfer(address,uint256)",  # ERC-20
        "transferFrom(address,address,uint256)",  # ERC-20, ERC-721
        "approve(address,uint256)",
        "safeTransferFrom(address,address,uint256)",  # ERC-721
        "safeTransferFrom(address,address,uint256,bytes)",
        "safeTransferFrom(address,address,uint256,uint256,bytes)",  # ERC-1155
        "safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)",
        "mint(address,uint256)",
        "burn(address,uint256)",
        "burnFrom(address,uint256)",
        "burn(uint256)",
        "withdraw(uint256)",  # wrapped ether
        "transferFrom(address,address,uint160,address)",  # Permit2
    )
)

EVENTS: Final[dict[int, Guard]] = {
    **{
        topic(signature): Guard.TRANSFER
        for signature in (
            "Transfer(address,address,uint256)",  # ERC-20, ERC-721
            "TransferSingle(address,address,address,uint256,uint256)",  # ERC-1155
            "TransferBatch(address,address,address,uint256[],uint256[])",
        )
    },
    **{
        topic(signature): Guard.PERMIT
        for signature in (
            "Approval(address,address,uint256)",
            "ApprovalForAll(address,address,bool)",
            "Permit(address,address,address,uint160,uint48,uint48)",  # Permit2
        )
    },
    **{
        topic(signature): Guard.OWNERSHIP
        for signature in (
            "OwnershipTransferred(address,address)",  # ERC-173
            "OwnershipTransferStarted(address,address)",
            "OwnershipHandoverRequested(address)",
            "RoleGranted(bytes32,address,address)",  # OpenZeppelin's AccessControl
            "RoleRevoked(bytes32,address,address)",
            "RoleAdminChanged(bytes32,bytes32,bytes32)",
            "AddedOwner(address)",  # Safe
            "RemovedOwner(address)",
            "ChangedThreshold(uint256)",
        )
    },
    **{
        topic(signature): Guard.UPGRADE
        for signature in (
            "Upgraded(address)",  # ERC-1967
            "BeaconUpgraded(address)",
            "AdminChanged(address,address)",
        )
    },
}
"""What a log of that first topic says that was done."""

SLOTS: Final[dict[int, Guard]] = {
    erc1967("eip1967.proxy.implementation"): Guard.UPGRADE,
    erc1967("eip1967.proxy.beacon"): Guard.UPGRADE,
    erc1967("eip1967.proxy.admin"): Guard.UPGRADE,
    topic("PROXIABLE"): Guard.UPGRADE,  # ERC-1822
    topic("org.zeppelinos.proxy.implementation"): Guard.UPGRADE,
    topic("org.zeppelinos.proxy.admin"): Guard.UPGRADE,
    erc7201("openzeppelin.storage.Ownable"): Guard.OWNERSHIP,
    erc7201("openzeppelin.storage.Ownable2Step"): Guard.OWNERSHIP,
}
"""Storage slots of a known meaning."""
