"""Putting the contracts on a chain, and the record of where they are."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bridge.chain.artifact import load
from bridge.chain.client import ChainClient
from bridge.chain.contracts import Contract
from bridge.chain.transactions import Account, deploy
from bridge.crypto.hashing import keccak256
from bridge.domain.errors import InputError
from bridge.domain.keys import Algorithm
from bridge.domain.messages import address_to_bytes32
from bridge.domain.quorums import Signer, SignerSet

Address = Annotated[str, Field(pattern=r"^0x[0-9a-fA-F]{40}$")]

VERIFIERS = {
    Algorithm.ML_DSA_87: "MlDsa87Verifier",
    Algorithm.SLH_DSA_SHA2_128S: "SlhDsaSha2128sVerifier",
}
KERNELS = {Algorithm.ML_DSA_87: ("MlDsa87Kernel", "MlDsa87Expander")}
"""Contracts that a verifier's constructor takes, which are deployed before it."""
REGISTRATION_GAS = 12_000_000
"""One half of an ML-DSA-87 key, measured 9.9 million; estimating it would run it once more."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SideRecord(_Model):
    """The contracts of one chain. ``start_block`` is the one before the first of them."""

    domain: int
    chain_id: int
    start_block: int
    verifiers: dict[Algorithm, Address]
    registry: Address
    outbox: Address
    inbox: Address
    postcard: Address


class SignerRecord(_Model):
    """One signer by the key service's id, with its public key in hex."""

    key_id: str
    algorithm: Algorithm
    public_key: Annotated[str, Field(pattern=r"^0x([0-9a-f]{2})+$")]


class DeploymentRecord(_Model):
    """A bridge between chains: the contracts of each by its name, and the signer set."""

    epoch: int
    threshold: int
    signers: tuple[SignerRecord, ...]
    sides: dict[str, SideRecord]

    def signer_set(self) -> SignerSet:
        """The signers as the registries hold them, in their order."""
        members = tuple(
            Signer(s.key_id, s.algorithm, bytes.fromhex(s.public_key[2:])) for s in self.signers
        )
        return SignerSet(self.epoch, self.threshold, members)


async def deploy_bridge(
    chains: Mapping[str, ChainClient], account: Account, signer_set: SignerSet
) -> DeploymentRecord:
    """The record of a bridge between all ``chains``, deployed by ``account`` as its owner.

    Each chain gets registry, Outbox, Inbox, Postcard and a verifier for each family of signatures;
    ML-DSA-87 keys are registered with theirs. Then each chain learns the Outboxes and Postcards of
    all others. Raises what ``send`` raises; ``InputError`` for an
    algorithm that no contract verifies.
    """
    for signer in signer_set.signers:
        if signer.algorithm not in VERIFIERS:
            known = ", ".join(VERIFIERS)
            raise InputError(f"signer {signer.key_id}: expected {known}, got {signer.algorithm}")
    async with asyncio.TaskGroup() as group:
        tasks = {
            name: group.create_task(_deploy_side(chain, account, signer_set))
            for name, chain in chains.items()
        }
    sides = {name: task.result() for name, task in tasks.items()}
    async with asyncio.TaskGroup() as group:
        for name, chain in chains.items():
            others = [side for other, side in sides.items() if other != name]
            group.create_task(_introduce(chain, account, sides[name], others))
    return DeploymentRecord(
        epoch=signer_set.epoch,
        threshold=signer_set.threshold,
        signers=tuple(
            SignerRecord(
                key_id=s.key_id, algorithm=s.algorithm, public_key="0x" + s.public_key.hex()
            )
            for s in signer_set.signers
        ),
        sides=sides,
    )


async def register_keys(
    chain: ChainClient,
    account: Account,
    verifiers: Mapping[Algorithm, str],
    signers: Sequence[Signer],
) -> None:
    """Have each ML-DSA-87 key expanded and kept by its verifier, in two transactions a key."""
    for signer in signers:
        if signer.algorithm is Algorithm.ML_DSA_87:
            name = VERIFIERS[signer.algorithm]
            verifier = Contract.at(chain, name, verifiers[signer.algorithm])
            for half in (1, 0):
                await verifier.send(
                    account, "register", signer.public_key, half, gas=REGISTRATION_GAS
                )


def registry_key(signer: Signer) -> bytes:
    """What stands for a signer's key in the registry: an ML-DSA-87 key is known by its hash."""
    if signer.algorithm is Algorithm.ML_DSA_87:
        return keccak256(signer.public_key)
    return signer.public_key


async def _deploy_side(chain: ChainClient, account: Account, signer_set: SignerSet) -> SideRecord:
    start = await chain.block("latest")
    owner, domain = account.address, chain.settings.domain

    async def create(name: str, *arguments: object) -> str:
        return await deploy(chain, account, load(name).deployment(*arguments))

    registry = await create("SignerRegistry", owner)
    outbox = await create("Outbox", domain, owner)
    inbox = await create("Inbox", domain, registry, owner)
    postcard = await create("Postcard", outbox, inbox, owner)
    verifiers = {}
    for algorithm in sorted({signer.algorithm for signer in signer_set.signers}):
        kernels = [await create(name) for name in KERNELS.get(algorithm, ())]
        verifiers[algorithm] = await create(VERIFIERS[algorithm], *kernels)
    await register_keys(chain, account, verifiers, signer_set.signers)
    members = [(verifiers[signer.algorithm], registry_key(signer)) for signer in signer_set.signers]
    contract = Contract.at(chain, "SignerRegistry", registry)
    await contract.send(account, "initialise", members, signer_set.threshold)
    return SideRecord(
        domain=domain,
        chain_id=chain.settings.chain_id,
        start_block=start.number,
        verifiers=verifiers,
        registry=registry,
        outbox=outbox,
        inbox=inbox,
        postcard=postcard,
    )


async def _introduce(
    chain: ChainClient, account: Account, own: SideRecord, others: list[SideRecord]
) -> None:
    outbox = Contract.at(chain, "Outbox", own.outbox)
    inbox = Contract.at(chain, "Inbox", own.inbox)
    postcard = Contract.at(chain, "Postcard", own.postcard)
    for other in others:
        await outbox.send(account, "enrolDestination", other.domain)
        await inbox.send(account, "enrolOrigin", other.domain, other.chain_id, other.outbox)
        peer = address_to_bytes32(other.postcard)
        await postcard.send(account, "enrolPeer", other.domain, peer)
