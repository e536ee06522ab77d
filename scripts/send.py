"""Send a postcard through ape and wait for its answer: ``ape run send --from A --to B --text Hi``.

Needs a devnet with its relayer running: ``astralink devnet up``.
"""

from __future__ import annotations

import time
from pathlib import Path

import click
from ape import project
from ape.api import ProviderAPI, ReceiptAPI
from eth_abi import decode
from rich.console import Console

from bridge.apps.config import load_config, state_folder
from bridge.apps.devnet.layout import SENDER, Layout, read_deployment
from bridge.chain.deployment import SideRecord
from bridge.crypto.digests import message_id
from bridge.domain.errors import BodyTooLong, ConfigError, InputError, ProcessError
from bridge.domain.messages import Message
from scripts._devnet import account, connected, require_chains, state_option, with_exit_codes

POLL_S = 0.25
TO_THE_PEER = bytes(32)


@click.command()
@click.option("--from", "origin", required=True, help="The chain it is sent on, as A.")
@click.option("--to", "destination", required=True, help="The chain it is sent to, as B.")
@click.option("--text", required=True, help="What it says.")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=1),
    default=60.0,
    show_default=True,
    help="Seconds to wait for the postcard, and again for its answer.",
)
@state_option
@with_exit_codes
def cli(origin: str, destination: str, text: str, timeout_s: float, state: Path | None) -> None:
    """Send a postcard, wait until it is delivered, and for the answer."""
    config = load_config(Layout(state_folder(state)).config)
    require_chains(config, (origin, destination))
    if origin == destination:
        raise InputError(f"from and to: expected two chains, got {origin} twice")
    sides = read_deployment(config.relayer.deployment).sides
    for name in (origin, destination):
        if name not in sides:
            raise ConfigError(
                str(config.relayer.deployment), [f"sides: expected chain {name}, got none"]
            )
    here, there = sides[origin], sides[destination]

    with connected(config, origin):
        postcard = dispatch(here, there, text)
    click.echo(f"message 0x{message_id(postcard).hex()}")
    with connected(config, destination) as provider:
        wait_until_delivered(destination, there, postcard, timeout_s)
        click.echo(f"delivered on {destination}: nonce {postcard.nonce} of {origin}")
        answer = answer_to(provider, there, postcard)
    click.echo(f"answer 0x{message_id(answer).hex()}")
    with connected(config, origin):
        wait_until_delivered(origin, here, answer, timeout_s)
    _, said = decode(["uint8", "string"], answer.body)
    click.echo(f"delivered on {origin}: {said}")


def dispatch(here: SideRecord, there: SideRecord, text: str) -> Message:
    """The postcard with ``text``, dispatched on the connected chain to its peer.

    Raises ``BodyTooLong``, in which case nothing was sent.
    """
    postcard = project.Postcard.at(here.postcard)
    length, limit = len(text.encode()), postcard.MAX_TEXT_BYTES()
    if length > limit:
        raise BodyTooLong(length, limit)
    receipt = postcard.send(there.domain, TO_THE_PEER, text, sender=account(SENDER))
    return dispatched(receipt, here)


def dispatched(receipt: ReceiptAPI, side: SideRecord) -> Message:
    """The message that the Outbox took in one transaction."""
    outbox = project.Outbox.at(side.outbox)
    log = next(iter(receipt.decode_logs(outbox.Dispatch)), None)
    if log is None:
        raise ProcessError(f"transaction {receipt.txn_hash}: expected a Dispatch event, got none")
    return Message.decode(bytes(log.message))


def wait_until_delivered(name: str, side: SideRecord, message: Message, timeout_s: float) -> None:
    """Return when the Inbox of the connected chain says that it delivered ``message``.

    Raises ``ProcessError`` after ``timeout_s``.
    """
    inbox = project.Inbox.at(side.inbox)
    deadline = time.monotonic() + timeout_s
    with Console(stderr=True).status(f"waiting for the delivery on {name}"):
        while not inbox.delivered(message.origin, message.nonce):
            if time.monotonic() > deadline:
                raise ProcessError(
                    f"relayer: message 0x{message_id(message).hex()} is not delivered on {name} "
                    f"after {timeout_s:g} s; `astralink devnet status` says what runs"
                )
            time.sleep(POLL_S)


def answer_to(provider: ProviderAPI, side: SideRecord, postcard: Message) -> Message:
    """The answer that the Postcard dispatched while it was handed ``postcard``."""
    inbox = project.Inbox.at(side.inbox)
    wanted = message_id(postcard)
    for log in inbox.ProcessId.range(side.start_block, provider.get_block("latest").number + 1):
        if bytes(log.messageId) == wanted:
            return dispatched(provider.get_receipt(log.transaction_hash), side)
    raise ProcessError(f"message 0x{wanted.hex()}: expected its ProcessId event, got none")
