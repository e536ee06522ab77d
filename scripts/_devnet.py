"""The devnet as the ape scripts see it: its configuration, its chains through ape, its accounts.

ape lists no file whose name begins with an underscore as a command.
"""

from __future__ import annotations

import asyncio
import functools
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec

import click
from ape import accounts, networks
from ape.api import AccountAPI, ProviderAPI
from ape.exceptions import ContractLogicError, NetworkError, ProviderError

from bridge.apps.config import Config
from bridge.apps.devnet.world import chain_client
from bridge.chain.development import development_accounts
from bridge.domain.errors import BridgeError, ConfigError, TransactionReverted

P = ParamSpec("P")

state_option = click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="State folder; default: the variable ASTRALINK_STATE, else .astralink.",
)


def with_exit_codes(command: Callable[P, None]) -> Callable[P, None]:
    """``command``, with the exit codes of ``astralink`` and one line for an expected error."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            try:
                command(*args, **kwargs)
            except ContractLogicError as error:
                raise TransactionReverted("transaction", _reason(error)) from error
        except BridgeError as error:
            click.echo(f"error: {error}", err=True)
            sys.exit(error.exit_code)

    return run


def require_chains(config: Config, names: Iterable[str]) -> None:
    """Ask each chain for its id, before anything is sent to one of them.

    Raises ``UnknownDomain``, ``ChainUnreachable`` and ``WrongChainId``.
    """

    async def ask() -> None:
        for name in names:
            client = chain_client(config, name)
            try:
                await client.connect()
            finally:
                await client.close()

    asyncio.run(ask())


@contextmanager
def connected(config: Config, name: str) -> Iterator[ProviderAPI]:
    """ape's provider of the chain ``name`` at the address that astralink.toml has for it.

    Raises ``ConfigError`` when ape-config.yaml has no such network or one with another chain id.
    """
    choice = f"ethereum:chain-{name.lower()}:node"
    settings = {"uri": config.chain(name).rpc_url}
    context = networks.parse_network_choice(choice, provider_settings=settings)
    try:
        provider = context.__enter__()
    except (NetworkError, ProviderError) as error:
        raise ConfigError("ape-config.yaml", [f"network {choice}: {error}"]) from error
    try:
        yield provider
    finally:
        context.__exit__(None, None, None)


def account(index: int) -> AccountAPI:
    """The development account ``index``; ``ConfigError`` when ape's mnemonic is another."""
    expected = development_accounts()[index].address
    found = accounts.test_accounts[index]
    if found.address != expected:
        raise ConfigError(
            "ape-config.yaml",
            [f"test.mnemonic: expected account {index} to be {expected}, got {found.address}"],
        )
    return found


def _reason(error: ContractLogicError) -> str:
    inputs = getattr(error, "inputs", None)
    if not inputs:
        return error.revert_message or type(error).__name__
    return f"{type(error).__name__}({', '.join(f'{k}={v}' for k, v in inputs.items())})"
