"""Put the bridge on a devnet through ape: ``ape run deploy``.

    astralink devnet up --bare    # chains and keys, no contracts
    ape run deploy                # the contracts, and the record of where they are
    astralink devnet up           # finds the record and starts the relayer on it

The contracts, the signer set and the record are those of ``astralink devnet up``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import click
from ape import project
from ape.api import AccountAPI
from ape.contracts import ContractContainer, ContractInstance
from ethpm_types import ContractType

from bridge.apps.config import Config, load_config, state_folder
from bridge.apps.devnet.layout import DEPLOYER, GUARDIAN, Layout, write_deployment
from bridge.apps.devnet.world import SIGNERS, THRESHOLD, key_service_client
from bridge.chain.artifact import load
from bridge.chain.client import ChainClient, ChainSettings
from bridge.chain.deployment import (
    KERNELS,
    VERIFIERS,
    DeploymentRecord,
    Governors,
    SideRecord,
    algorithms_of,
    applications,
    register_keys,
)
from bridge.chain.development import development_accounts
from bridge.chain.statements import signer_set_tuple
from bridge.chain.transactions import Account
from bridge.domain.errors import InputError, UnknownKey
from bridge.domain.keys import Algorithm, PublicKeyRecord
from bridge.domain.messages import address_to_bytes32
from bridge.domain.quorums import Signer, SignerSet
from scripts._devnet import account, connected, require_chains, state_option, with_exit_codes

EPOCH = 1
CONTRACTS = (
    *("registry", "outbox", "inbox", "receipts", "postcard", "tokens", "nfts", "verdicts"),
)


@click.command()
@state_option
@with_exit_codes
def cli(state: Path | None) -> None:
    """Deploy the bridge on a devnet that `astralink devnet up --bare` started."""
    layout = Layout(state_folder(state))
    config = load_config(layout.config)
    if layout.deployment.exists():
        raise InputError(
            f"{layout.deployment}: expected none, the bridge of this devnet is deployed; "
            "`astralink devnet down --wipe` makes room for another"
        )
    require_chains(config, config.chains)
    members = tuple(Signer.of(record) for record in asyncio.run(signers_of(config)))
    signer_set = SignerSet(EPOCH, THRESHOLD, members)
    owner = account(DEPLOYER)
    governors = Governors(owner.address, account(GUARDIAN).address)

    sides = {}
    for name in config.chains:
        with connected(config, name) as provider:
            start_block = provider.get_block("latest").number or 0
            sides[name] = deploy_side(config.chain(name), start_block, owner, signer_set, governors)
    for name, own in sides.items():
        with connected(config, name):
            for other in sides.values():
                if other is not own:
                    introduce(own, other, owner)

    write_deployment(layout.deployment, DeploymentRecord.of(signer_set, sides))
    for name, side in sides.items():
        for algorithm, address in side.verifiers.items():
            click.echo(f"chain {name}: verifier of {algorithm} {address}")
        for contract in CONTRACTS:
            click.echo(f"chain {name}: {contract} {getattr(side, contract)}")
    click.echo(f"written: {layout.deployment}")


async def signers_of(config: Config) -> list[PublicKeyRecord]:
    """The public keys of the devnet's signers; ``UnknownKey`` when one is missing."""
    async with key_service_client(config) as keys:
        known = {record.label: record for record in await keys.keys()}
    for label in SIGNERS:
        if label not in known:
            raise UnknownKey(label)
    return [known[label] for label in SIGNERS]


def deploy_side(
    settings: ChainSettings,
    start_block: int,
    owner: AccountAPI,
    signer_set: SignerSet,
    governors: Governors,
) -> SideRecord:
    """The contracts of the chain that is connected, its registry holding ``signer_set``."""
    domain, governance = settings.domain, governors.governance()
    periods = (governors.rotation_delay_s, governors.maximum_age_s)
    registry = project.SignerRegistry.deploy(governance, *periods, sender=owner)
    outbox = project.Outbox.deploy(domain, governance, sender=owner)
    inbox = project.Inbox.deploy(domain, registry, governance, sender=owner)
    receipts = project.Receipts.deploy(outbox, inbox, owner, sender=owner)
    postcard = project.Postcard.deploy(outbox, inbox, owner, sender=owner)
    tokens = project.TokenBridge.deploy(outbox, inbox, receipts, governance, sender=owner)
    nfts = project.NftBridge.deploy(outbox, inbox, receipts, governance, sender=owner)
    verdicts = project.VerdictRegistry.deploy(
        *(registry, governance, governors.maximum_validity_s, int(governors.least_match)),
        sender=owner,
    )
    verifiers: dict[Algorithm, str] = {}
    for algorithm in algorithms_of(signer_set.signers):
        kernels = [assembled(name).deploy(sender=owner) for name in KERNELS.get(algorithm, ())]
        verifier = project.get_contract(VERIFIERS[algorithm])
        verifiers[algorithm] = verifier.deploy(*kernels, sender=owner).address
    # Not through ape, which fetches and parses the trace of every call: these have millions of
    # steps.
    asyncio.run(_register(settings, verifiers, signer_set.signers))
    registry.initialise(signer_set_tuple(signer_set, verifiers), sender=owner)
    return SideRecord(
        domain=domain,
        chain_id=settings.chain_id,
        start_block=start_block,
        verifiers=verifiers,
        registry=registry.address,
        outbox=outbox.address,
        inbox=inbox.address,
        receipts=receipts.address,
        postcard=postcard.address,
        tokens=tokens.address,
        nfts=nfts.address,
        verdicts=verdicts.address,
    )


def assembled(name: str) -> ContractContainer:
    """A kernel that has no Solidity source, from the artifact that the package carries."""
    code = "0x" + load(name).creation_code.hex()
    return ContractContainer(
        ContractType(contractName=name, abi=[], deploymentBytecode={"bytecode": code})
    )


async def _register(
    settings: ChainSettings, verifiers: dict[Algorithm, str], signers: Sequence[Signer]
) -> None:
    key = bytes(development_accounts()[DEPLOYER].key)
    async with ChainClient(settings) as chain:
        await register_keys(chain, Account.from_key(key), verifiers, signers)


def introduce(own: SideRecord, other: SideRecord, owner: AccountAPI) -> None:
    """Tell the contracts of the connected chain of those on the other one."""
    outbox: ContractInstance = project.Outbox.at(own.outbox)
    inbox: ContractInstance = project.Inbox.at(own.inbox)
    outbox.enrolDestination(other.domain, sender=owner)
    inbox.enrolOrigin(other.domain, other.chain_id, other.outbox, sender=owner)
    for name, address, peer in applications(own, other):
        application: ContractInstance = project.get_contract(name).at(address)
        application.enrolPeer(other.domain, address_to_bytes32(peer), sender=owner)
