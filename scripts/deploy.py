"""Put the bridge on a devnet through ape: ``ape run deploy``.

    astralink devnet up --bare    # chains and keys, no contracts
    ape run deploy                # the contracts, and the record of where they are
    astralink devnet up           # finds the record and starts the relayer on it

The contracts, the signer set and the record are those of ``astralink devnet up``.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
from ape import project
from ape.api import AccountAPI
from ape.contracts import ContractInstance

from bridge.apps.config import Config, load_config, state_folder
from bridge.apps.devnet.layout import DEPLOYER, Layout, write_deployment
from bridge.apps.devnet.world import SIGNERS, THRESHOLD, key_service_client
from bridge.chain.client import ChainSettings
from bridge.chain.deployment import VERIFIERS, DeploymentRecord, SideRecord, SignerRecord
from bridge.domain.errors import InputError, UnknownKey
from bridge.domain.keys import Algorithm, PublicKeyRecord
from bridge.domain.messages import address_to_bytes32
from scripts._devnet import account, connected, require_chains, state_option, with_exit_codes

EPOCH = 1


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
    signers = asyncio.run(signers_of(config))
    owner = account(DEPLOYER)

    sides = {}
    for name in config.chains:
        with connected(config, name) as provider:
            start_block = provider.get_block("latest").number or 0
            sides[name] = deploy_side(config.chain(name), start_block, owner, signers)
    for name, own in sides.items():
        with connected(config, name):
            for other in sides.values():
                if other is not own:
                    introduce(own, other, owner)

    record = DeploymentRecord(
        epoch=EPOCH,
        threshold=THRESHOLD,
        signers=tuple(
            SignerRecord(
                key_id=s.key_id, algorithm=s.algorithm, public_key="0x" + s.public_key.hex()
            )
            for s in signers
        ),
        sides=sides,
    )
    write_deployment(layout.deployment, record)
    for name, side in sides.items():
        for contract in ("verifier", "registry", "outbox", "inbox", "postcard"):
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
    settings: ChainSettings, start_block: int, owner: AccountAPI, signers: list[PublicKeyRecord]
) -> SideRecord:
    """The contracts of the chain that is connected, its registry holding ``signers``."""
    domain = settings.domain
    verifier = owner.deploy(project.get_contract(VERIFIERS[Algorithm.SLH_DSA_SHA2_128S]))
    registry = project.SignerRegistry.deploy(owner, sender=owner)
    outbox = project.Outbox.deploy(domain, owner, sender=owner)
    inbox = project.Inbox.deploy(domain, registry, owner, sender=owner)
    postcard = project.Postcard.deploy(outbox, inbox, owner, sender=owner)
    members = [(verifier.address, signer.public_key) for signer in signers]
    registry.initialise(members, THRESHOLD, sender=owner)
    return SideRecord(
        domain=domain,
        chain_id=settings.chain_id,
        start_block=start_block,
        verifier=verifier.address,
        registry=registry.address,
        outbox=outbox.address,
        inbox=inbox.address,
        postcard=postcard.address,
    )


def introduce(own: SideRecord, other: SideRecord, owner: AccountAPI) -> None:
    """Tell the contracts of the connected chain of those on the other one."""
    outbox: ContractInstance = project.Outbox.at(own.outbox)
    inbox: ContractInstance = project.Inbox.at(own.inbox)
    postcard: ContractInstance = project.Postcard.at(own.postcard)
    outbox.enrolDestination(other.domain, sender=owner)
    inbox.enrolOrigin(other.domain, other.chain_id, other.outbox, sender=owner)
    postcard.enrolPeer(other.domain, address_to_bytes32(other.postcard), sender=owner)
