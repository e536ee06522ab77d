"""The SignerRegistry of one chain: its epochs as they stand, rotations, revocations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.chain.contracts import Contract
from bridge.chain.statements import rotation_tuple
from bridge.chain.transactions import TRANSACTION_GAS_CAP, Account
from bridge.crypto.digests import rotation_digest
from bridge.domain.keys import Algorithm
from bridge.domain.quorums import indices_of
from bridge.domain.rotations import Rotation

APPROVAL_BASE_GAS = 300_000
APPROVAL_GAS_A_SIGNATURE = 1_500_000
"""Verification with its calldata, as when a checkpoint is attested."""


@dataclass(frozen=True, slots=True)
class HeldKey:
    """A key as a registry holds it: raw, or the 32-byte id of an ML-DSA-87 key."""

    algorithm: Algorithm
    held: bytes


@dataclass(frozen=True, slots=True)
class HeldSigner:
    """A signer as a registry holds it; ``revoked`` is whether it counts no more."""

    weight: int
    keys: tuple[HeldKey, ...]
    revoked: bool


@dataclass(frozen=True, slots=True)
class EpochState:
    """An epoch as it stands.

    Its signers attest from ``active_from`` to ``expires_at``, in seconds since 1970; 0 for an
    ``active_from`` that was cancelled, and for an ``expires_at`` while no epoch follows.
    """

    epoch: int
    active_from: int
    expires_at: int
    threshold: int
    lattice_threshold: int
    hash_threshold: int
    signers: tuple[HeldSigner, ...]


@dataclass(frozen=True, slots=True)
class Registry:
    """The registry at its address. ``verifiers`` are the chain's, by algorithm."""

    contract: Contract
    verifiers: Mapping[Algorithm, str]

    async def current_epoch(self) -> int:
        """The epoch that attests now and follows no other that does."""
        epoch: int = await self.contract.call("currentEpoch")
        return epoch

    async def pending_epoch(self) -> int:
        """The epoch that waits for its time; 0 for none."""
        epoch: int = await self.contract.call("pendingEpoch")
        return epoch

    async def revoked(self, epoch: int) -> set[int]:
        """The indices of the signers of ``epoch`` that were revoked."""
        return indices_of(await self.contract.call("revokedSigners", epoch))

    async def state(self, epoch: int) -> EpochState:
        """All of an epoch. A verifier that is none of the chain's record is asked its algorithm."""
        info = await self.contract.call("epochInfo", epoch)
        active_from, expires_at, threshold, lattice, hashed, count = info
        revoked = await self.revoked(epoch)
        algorithms = {address.lower(): name for name, address in self.verifiers.items()}
        signers = []
        for index in range(count):
            weight, raw = await self.contract.call("signer", epoch, index)
            keys = []
            for verifier, held in raw:
                if verifier.lower() not in algorithms:
                    other = Contract.at(self.contract.client, "MlDsa87Verifier", verifier)
                    algorithms[verifier.lower()] = Algorithm(await other.call("algorithm"))
                keys.append(HeldKey(algorithms[verifier.lower()], held))
            signers.append(HeldSigner(weight, tuple(keys), index in revoked))
        return EpochState(
            epoch, active_from, expires_at, threshold, lattice, hashed, tuple(signers)
        )

    async def approved(self, rotation: Rotation) -> bool:
        """Whether a quorum of unrevoked signers stands behind ``rotation``."""
        bits = await self.contract.call("counted", rotation_digest(rotation))
        quorum: bool = await self.contract.call("isQuorum", rotation.epoch, bits)
        return quorum

    async def counted(self, rotation: Rotation) -> set[int]:
        """The indices of the signers that were counted for ``rotation``."""
        return indices_of(await self.contract.call("counted", rotation_digest(rotation)))

    async def approve(
        self, account: Account, rotation: Rotation, signatures: Mapping[int, bytes]
    ) -> None:
        """Bring signatures over ``rotation``, by the signers' indices."""
        gas = APPROVAL_BASE_GAS + APPROVAL_GAS_A_SIGNATURE * len(signatures)
        await self.contract.send(
            account,
            "approveRotation",
            rotation_tuple(rotation),
            list(signatures),
            list(signatures.values()),
            gas=min(gas, TRANSACTION_GAS_CAP),
        )

    async def schedule(
        self, account: Account, rotation: Rotation, signer_set: tuple[Any, ...]
    ) -> EpochState:
        """Store the set of an approved rotation, in the order of the contract's struct.

        The epoch that waits now comes back.
        """
        await self.contract.send(account, "scheduleRotation", rotation_tuple(rotation), signer_set)
        return await self.state(await self.pending_epoch())

    async def revoke(self, guardian: Account, key_hash: bytes) -> None:
        """Revoke a key in every epoch at once; ``guardian`` is the registry's."""
        await self.contract.send(guardian, "revoke", key_hash)

    async def cancel_rotation(self, guardian: Account) -> None:
        """Take back the rotation that waits; ``guardian`` is the registry's."""
        await self.contract.send(guardian, "cancelRotation")
