"""``astralink signers``: who attests, on each chain, and how that is changed."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from bridge.apps.cli.root import JsonOption, StateOption, print_json
from bridge.apps.config import load_config, state_folder
from bridge.apps.devnet.layout import Layout, read_deployment
from bridge.apps.devnet.world import chain_client, key_service_client
from bridge.apps.operators import (
    Rotated,
    SetFile,
    guardian_account,
    relayer_account,
    revocation_hash,
    rotate,
)
from bridge.chain.registry import EpochState, HeldKey
from bridge.chain.statements import registry_key
from bridge.chain.transactions import Account
from bridge.domain.errors import UnknownDomain
from bridge.domain.keys import PublicKeyRecord
from bridge.domain.quorums import Signer
from bridge.keyservice.client import KeyServiceClient
from bridge.keyservice.secretfile import read_secret
from bridge.relayer.route import Side

app = typer.Typer(help="The signers of each chain's registry.", no_args_is_help=True)

ChainsOption = Annotated[
    list[str] | None, typer.Option("--chain", help="A chain, as A; may be repeated; default: all.")
]
KeyFileOption = Annotated[
    Path | None,
    typer.Option(
        "--account-key-file",
        help="The private key of who sends it; default: the development network's.",
        dir_okay=False,
    ),
]


@dataclass(frozen=True, slots=True)
class OpenBridge:
    """The bridge that a state folder configures, with its chains and key service reached."""

    sides: dict[str, Side]
    keys: KeyServiceClient


async def open_bridge(
    stack: AsyncExitStack, state: Path | None, chains: list[str] | None
) -> OpenBridge:
    """The bridge with these chains, or all; ``UnknownDomain`` for one that is not deployed."""
    config = load_config(Layout(state_folder(state)).config)
    deployment = read_deployment(config.relayer.deployment)
    for name in chains or ():
        if name not in deployment.sides:
            raise UnknownDomain(name, sorted(deployment.sides))
    sides = {
        name: Side.of(await stack.enter_async_context(chain_client(config, name)), record)
        for name, record in deployment.sides.items()
        if not chains or name in chains
    }
    return OpenBridge(sides, await stack.enter_async_context(key_service_client(config)))


@app.callback()
def _signers() -> None:
    """Who attests, on each chain, and how that is changed."""


@app.command("list")
def list_signers(
    chain: ChainsOption = None, state: StateOption = None, json: JsonOption = False
) -> None:
    """The current epoch of each chain, and the one that waits."""
    data = asyncio.run(_list(state, chain))
    if json:
        print_json(data)
        return
    console = Console(highlight=False)
    for name, epochs in data.items():
        for one in epochs:
            _show(console, name, one)


async def _list(state: Path | None, chains: list[str] | None) -> dict[str, list[dict[str, Any]]]:
    async with AsyncExitStack() as stack:
        bridge = await open_bridge(stack, state, chains)
        labels = _labels(await bridge.keys.keys())
        found = {}
        for name, side in bridge.sides.items():
            current, pending = (
                await side.registry.current_epoch(),
                await side.registry.pending_epoch(),
            )
            epochs = [current] + ([pending] if pending else [])
            found[name] = [_data(await side.registry.state(epoch), labels) for epoch in epochs]
    return found


@app.command("rotate")
def rotate_signers(
    set_file: Annotated[
        Path,
        typer.Option(
            "--set", help="TOML: threshold and [[signers]] with keys.", dir_okay=False, exists=True
        ),
    ],
    salt: Annotated[
        int, typer.Option(min=0, help="Another number where the same epoch was rotated before.")
    ] = 0,
    chain: ChainsOption = None,
    account_key_file: KeyFileOption = None,
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Have the current quorum sign the set that follows it, on each chain; may be repeated.

    The new set attests after the registry's rotation delay, and the old one for its maximum age
    more.
    """
    wanted = SetFile.read(set_file)
    account = _payer(account_key_file)
    progress = Console(stderr=True, highlight=False)

    async def run() -> tuple[list[Rotated], dict[HeldKey, str]]:
        async with AsyncExitStack() as stack:
            bridge = await open_bridge(stack, state, chain)
            with progress.status("rotating") as status:
                done = [
                    await rotate(side, bridge.keys, account, wanted, salt, status.update)
                    for side in bridge.sides.values()
                ]
            return done, _labels(await bridge.keys.keys())

    done, labels = asyncio.run(run())
    if json:
        print_json({one.chain: _data(one.state, labels) for one in done})
        return
    console = Console(highlight=False)
    for one in done:
        _show(console, one.chain, _data(one.state, labels))


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(help="Label or id in the key service, public key or hash.")],
    chain: ChainsOption = None,
    account_key_file: KeyFileOption = None,
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Revoke a key at once, as the guardian, in every epoch of each chain. Never taken back."""
    account = guardian_account(account_key_file)

    async def run() -> dict[str, Any]:
        async with AsyncExitStack() as stack:
            bridge = await open_bridge(stack, state, chain)
            hash_ = revocation_hash(key, await bridge.keys.keys())
            operable = {}
            for name, side in bridge.sides.items():
                if not await side.registry.contract.call("revokedKey", hash_):
                    await side.registry.revoke(account, hash_)
                epoch = await side.registry.current_epoch()
                operable[name] = await side.registry.contract.call("isOperable", epoch)
            return {"key_hash": "0x" + hash_.hex(), "operable": operable}

    data = asyncio.run(run())
    if json:
        print_json(data)
        return
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"revoked {data['key_hash']}")
    for name, operable in data["operable"].items():
        rest = "can still form a quorum" if operable else "can form no quorum any more: recover"
        console.print(f"{name}: the signers that are left {rest}")


def _payer(key_file: Path | None) -> Account:
    return relayer_account() if key_file is None else Account.from_key(read_secret(key_file))


def _labels(records: list[PublicKeyRecord]) -> dict[HeldKey, str]:
    held = {}
    for record in records:
        (key,) = Signer.of(record).keys
        held[HeldKey(record.algorithm, registry_key(key))] = record.label
    return held


def _data(state: EpochState, labels: dict[HeldKey, str]) -> dict[str, Any]:
    return {
        "epoch": state.epoch,
        "active_from": state.active_from,
        "expires_at": state.expires_at,
        "threshold": state.threshold,
        "lattice_threshold": state.lattice_threshold,
        "hash_threshold": state.hash_threshold,
        "signers": [
            {
                "index": index,
                "weight": signer.weight,
                "revoked": signer.revoked,
                "keys": [
                    {
                        "algorithm": key.algorithm.value,
                        "held": "0x" + key.held.hex(),
                        "label": labels.get(key),
                    }
                    for key in signer.keys
                ],
            }
            for index, signer in enumerate(state.signers)
        ],
    }


def _show(console: Console, name: str, data: dict[str, Any]) -> None:
    ends = _time(data["expires_at"]) if data["expires_at"] else "no end"
    table = Table(
        title=f"{name}: epoch {data['epoch']}, from {_time(data['active_from'])} to {ends}, "
        f"threshold {data['threshold']}",
        title_justify="left",
    )
    for column in ("signer", "weight", "keys", ""):
        table.add_column(column)
    for signer in data["signers"]:
        keys = ", ".join(
            f"{key['algorithm']} {key['label'] or key['held'][:14] + '…'}" for key in signer["keys"]
        )
        state = "revoked" if signer["revoked"] else ""
        table.add_row(str(signer["index"]), str(signer["weight"]), keys, state)
    console.print(table)


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
