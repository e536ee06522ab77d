"""``astralink send``: a postcard from one chain to another."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.console import Console

from bridge.apps.cli.root import JsonOption, StateOption, print_json
from bridge.apps.config import Config, load_config, state_folder
from bridge.apps.devnet.layout import SENDER, Layout, read_deployment
from bridge.apps.devnet.world import chain_client
from bridge.apps.postcards import SentPostcard, send_postcard
from bridge.chain.deployment import DeploymentRecord
from bridge.chain.development import development_accounts
from bridge.chain.transactions import Account
from bridge.domain.errors import UnknownDomain


def send(
    origin: Annotated[str, typer.Option("--from", help="The chain it is sent on, as A.")],
    destination: Annotated[str, typer.Option("--to", help="The chain it is sent to, as B.")],
    text: Annotated[str, typer.Option(help="What it says.")],
    recipient: Annotated[
        str | None,
        typer.Option(
            help="A contract there that receives it; default: the Postcard of that chain."
        ),
    ] = None,
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Send a postcard; the Postcard on the other chain answers it."""
    layout = Layout(state_folder(state))
    config = load_config(layout.config)
    config.chain(origin)
    config.chain(destination)
    deployment = read_deployment(config.relayer.deployment)
    for name in (origin, destination):
        if name not in deployment.sides:
            raise UnknownDomain(name, sorted(deployment.sides))
    sent = asyncio.run(_send(config, deployment, origin, destination, text, recipient))
    data = {
        "id": "0x" + sent.id.hex(),
        "from": origin,
        "to": destination,
        "nonce": sent.message.nonce,
        "block": sent.block,
        "transaction": "0x" + sent.transaction.hex(),
        "gas": sent.gas,
    }
    if json:
        print_json(data)
        return
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"message {data['id']}")
    console.print(
        f"dispatched on {origin} in block {sent.block}, {sent.gas:,} gas; "
        f"follow it: astralink message {data['id']}"
    )


async def _send(
    config: Config,
    deployment: DeploymentRecord,
    origin: str,
    destination: str,
    text: str,
    recipient: str | None,
) -> SentPostcard:
    account = Account.from_key(bytes(development_accounts()[SENDER].key))
    async with chain_client(config, origin) as here, chain_client(config, destination) as there:
        return await send_postcard(here, there, deployment, account, text, recipient)
