"""Putting the contracts on a chain, and the record of where they are."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bridge.chain.artifact import load
from bridge.chain.client import ChainClient
from bridge.chain.contracts import Contract
from bridge.chain.statements import signer_set_tuple
from bridge.chain.transactions import Account, deploy
from bridge.domain.errors import InputError
from bridge.domain.keys import Algorithm
from bridge.domain.messages import address_to_bytes32
from bridge.domain.quorums import Signer, SignerKey, SignerSet
from bridge.domain.verdicts import MatchKind

Address = Annotated[str, Field(pattern=r"^0x[0-9a-fA-F]{40}$")]

VERIFIERS = {
    Algorithm.ML_DSA_87: "MlDsa87Verifier",
    Algorithm.SLH_DSA_SHA2_128S: "SlhDsaSha2128sVerifier",
}
KERNELS = {Algorithm.ML_DSA_87: ("MlDsa87Kernel", "MlDsa87Expander")}
"""Contracts that a verifier's constructor takes, which are deployed before it."""
REGISTRATION_GAS = 12_000_000
"""One half of an ML-DSA-87 key, measured 9.9 million; estimating it would run it once more."""


DELAY_S = 3_600
"""The least that the contracts take for a delay, an hour."""
MAXIMUM_AGE_S = 7 * 24 * 3_600
MAXIMUM_VALIDITY_S = 90 * 24 * 3_600


@dataclass(frozen=True, slots=True)
class Governors:
    """Who governs the contracts, and their periods in seconds.

    ``owner`` and ``guardian`` are two addresses. ``delay_s`` is the wait before what weakens a
    contract is executed, ``rotation_delay_s`` that before the next signer set attests, and
    ``maximum_age_s`` how long the set before it goes on. No verdict counts for longer than
    ``maximum_validity_s``, and none below ``least_match`` where a caller does not say.
    """

    owner: str
    guardian: str
    delay_s: int = DELAY_S
    rotation_delay_s: int = DELAY_S
    maximum_age_s: int = MAXIMUM_AGE_S
    maximum_validity_s: int = MAXIMUM_VALIDITY_S
    least_match: MatchKind = MatchKind.MATCH

    def governance(self) -> tuple[str, str, int]:
        """``Governance`` of the contracts: owner, guardian, delay."""
        return (self.owner, self.guardian, self.delay_s)


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SideRecord(_Model):
    """The contracts of one chain. ``start_block`` is the one before the first of them.

    ``tokens`` and ``nfts`` are the bridges of ERC-20 and ERC-721, ``verdicts`` is the
    VerdictRegistry; None where there are none.
    """

    domain: int
    chain_id: int
    start_block: int
    verifiers: dict[Algorithm, Address]
    registry: Address
    outbox: Address
    inbox: Address
    receipts: Address
    postcard: Address
    tokens: Address | None = None
    nfts: Address | None = None
    verdicts: Address | None = None


class KeyRecord(_Model):
    """One key of a signer by the key service's id, with its public key in hex."""

    key_id: str
    algorithm: Algorithm
    public_key: Annotated[str, Field(pattern=r"^0x([0-9a-f]{2})+$")]


class SignerRecord(_Model):
    """One signer: its weight and its one or two keys."""

    weight: int = 1
    keys: tuple[KeyRecord, ...]

    @classmethod
    def of(cls, signer: Signer) -> SignerRecord:
        """The record of ``signer``."""
        return cls(
            weight=signer.weight,
            keys=tuple(
                KeyRecord(
                    key_id=key.key_id,
                    algorithm=key.algorithm,
                    public_key="0x" + key.public_key.hex(),
                )
                for key in signer.keys
            ),
        )

    def signer(self) -> Signer:
        """The signer; ``InputError`` where it is none that a registry takes."""
        keys = tuple(
            SignerKey(key.key_id, key.algorithm, bytes.fromhex(key.public_key[2:]))
            for key in self.keys
        )
        return Signer(keys, self.weight)


class DeploymentRecord(_Model):
    """A bridge between chains: the contracts of each by its name, and the signer set."""

    epoch: int
    threshold: int
    lattice_threshold: int = 0
    hash_threshold: int = 0
    signers: tuple[SignerRecord, ...]
    sides: dict[str, SideRecord]

    @classmethod
    def of(cls, signer_set: SignerSet, sides: Mapping[str, SideRecord]) -> DeploymentRecord:
        """The record of contracts that hold ``signer_set``."""
        return cls(
            epoch=signer_set.epoch,
            threshold=signer_set.threshold,
            lattice_threshold=signer_set.lattice_threshold,
            hash_threshold=signer_set.hash_threshold,
            signers=tuple(SignerRecord.of(signer) for signer in signer_set.signers),
            sides=dict(sides),
        )

    def signer_set(self) -> SignerSet:
        """The signers as the registries hold them, in their order."""
        return SignerSet(
            self.epoch,
            self.threshold,
            tuple(record.signer() for record in self.signers),
            self.lattice_threshold,
            self.hash_threshold,
        )


async def deploy_bridge(
    chains: Mapping[str, ChainClient], account: Account, signer_set: SignerSet, governors: Governors
) -> DeploymentRecord:
    """The record of a bridge between all ``chains``, deployed by ``account``, the owner's.

    Each chain gets registry, Outbox, Inbox, Receipts, the bridges of tokens, Postcard, a registry
    of verdicts and a verifier for each family of signatures; ML-DSA-87 keys are registered with
    theirs. Then each chain learns the contracts of all others. Raises what ``send`` raises;
    ``InputError`` for an algorithm that no contract verifies, and where ``account`` is not the
    owner, who introduces the contracts to each other.
    """
    if account.address != governors.owner:
        raise InputError(f"owner: expected the account {account.address}, got {governors.owner}")
    for key in (key for signer in signer_set.signers for key in signer.keys):
        if key.algorithm not in VERIFIERS:
            known = ", ".join(VERIFIERS)
            raise InputError(f"key {key.key_id}: expected {known}, got {key.algorithm}")
    async with asyncio.TaskGroup() as group:
        tasks = {
            name: group.create_task(_deploy_side(chain, account, signer_set, governors))
            for name, chain in chains.items()
        }
    sides = {name: task.result() for name, task in tasks.items()}
    async with asyncio.TaskGroup() as group:
        for name, chain in chains.items():
            others = [side for other, side in sides.items() if other != name]
            group.create_task(_introduce(chain, account, sides[name], others))
    return DeploymentRecord.of(signer_set, sides)


def applications(own: SideRecord, other: SideRecord) -> list[tuple[str, str, str]]:
    """The applications that both sides have: contract, its address at ``own`` and at ``other``."""
    pairs = (
        ("Receipts", own.receipts, other.receipts),
        ("Postcard", own.postcard, other.postcard),
        ("TokenBridge", own.tokens, other.tokens),
        ("NftBridge", own.nfts, other.nfts),
    )
    return [(name, one, peer) for name, one, peer in pairs if one is not None and peer is not None]


def algorithms_of(signers: Sequence[Signer]) -> list[Algorithm]:
    """The algorithms of all keys of ``signers``, each once, in a fixed order."""
    return sorted({key.algorithm for signer in signers for key in signer.keys})


async def register_keys(
    chain: ChainClient,
    account: Account,
    verifiers: Mapping[Algorithm, str],
    signers: Sequence[Signer],
) -> None:
    """Have each ML-DSA-87 key expanded and kept by its verifier, in two transactions a key."""
    for key in (key for signer in signers for key in signer.keys):
        if key.algorithm is Algorithm.ML_DSA_87:
            name = VERIFIERS[key.algorithm]
            verifier = Contract.at(chain, name, verifiers[key.algorithm])
            for half in (1, 0):
                await verifier.send(account, "register", key.public_key, half, gas=REGISTRATION_GAS)


async def _deploy_side(
    chain: ChainClient, account: Account, signer_set: SignerSet, governors: Governors
) -> SideRecord:
    start = await chain.block("latest")
    domain, governance = chain.settings.domain, governors.governance()

    async def create(name: str, *arguments: object) -> str:
        return await deploy(chain, account, load(name).deployment(*arguments))

    periods = (governors.rotation_delay_s, governors.maximum_age_s)
    registry = await create("SignerRegistry", governance, *periods)
    outbox = await create("Outbox", domain, governance)
    inbox = await create("Inbox", domain, registry, governance)
    receipts = await create("Receipts", outbox, inbox, governors.owner)
    postcard = await create("Postcard", outbox, inbox, governors.owner)
    tokens = await create("TokenBridge", outbox, inbox, receipts, governance)
    nfts = await create("NftBridge", outbox, inbox, receipts, governance)
    verdicts = await create(
        *("VerdictRegistry", registry, governance),
        *(governors.maximum_validity_s, int(governors.least_match)),
    )
    verifiers = {}
    for algorithm in algorithms_of(signer_set.signers):
        kernels = [await create(name) for name in KERNELS.get(algorithm, ())]
        verifiers[algorithm] = await create(VERIFIERS[algorithm], *kernels)
    await register_keys(chain, account, verifiers, signer_set.signers)
    contract = Contract.at(chain, "SignerRegistry", registry)
    await contract.send(account, "initialise", signer_set_tuple(signer_set, verifiers))
    return SideRecord(
        domain=domain,
        chain_id=chain.settings.chain_id,
        start_block=start.number,
        verifiers=verifiers,
        registry=registry,
        outbox=outbox,
        inbox=inbox,
        receipts=receipts,
        postcard=postcard,
        tokens=tokens,
        nfts=nfts,
        verdicts=verdicts,
    )


async def _introduce(
    chain: ChainClient, account: Account, own: SideRecord, others: list[SideRecord]
) -> None:
    outbox = Contract.at(chain, "Outbox", own.outbox)
    inbox = Contract.at(chain, "Inbox", own.inbox)
    for other in others:
        await outbox.send(account, "enrolDestination", other.domain)
        await inbox.send(account, "enrolOrigin", other.domain, other.chain_id, other.outbox)
        for name, address, peer in applications(own, other):
            application = Contract.at(chain, name, address)
            await application.send(account, "enrolPeer", other.domain, address_to_bytes32(peer))
