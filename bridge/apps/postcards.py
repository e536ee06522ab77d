"""Sending a postcard: all that can be wrong is asked before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.chain.client import ChainClient
from bridge.chain.contracts import Contract, dispatched
from bridge.chain.deployment import DeploymentRecord
from bridge.chain.transactions import Account
from bridge.crypto.digests import message_id
from bridge.domain.errors import BodyTooLong, InputError, RecipientHasNoCode
from bridge.domain.messages import Message, address_to_bytes32


@dataclass(frozen=True, slots=True)
class SentPostcard:
    """A postcard on its way: its message, id, and the transaction that dispatched it."""

    id: bytes
    message: Message
    block: int
    transaction: bytes
    gas: int


async def send_postcard(
    origin: ChainClient,
    destination: ChainClient,
    deployment: DeploymentRecord,
    account: Account,
    text: str,
    recipient: str | None = None,
) -> SentPostcard:
    """The postcard with ``text``, dispatched on ``origin``; without ``recipient`` to the peer.

    Raises ``BodyTooLong``, ``RecipientHasNoCode``, ``InputError`` for a recipient that is no
    address, and what chains raise. When it raises, nothing was sent.
    """
    here = deployment.sides[origin.settings.name]
    there = deployment.sides[destination.settings.name]
    if here.domain == there.domain:
        raise InputError(f"from and to: expected two chains, got {origin.settings.name} twice")
    to = recipient or there.postcard
    padded = address_to_bytes32(to)
    postcard = Contract.at(origin, "Postcard", here.postcard)
    limit = await postcard.call("MAX_TEXT_BYTES")
    length = len(text.encode())
    if length > limit:
        raise BodyTooLong(length, limit)
    if not await destination.code(to):
        raise RecipientHasNoCode(to, destination.settings.name)
    receipt = await postcard.send(account, "send", there.domain, padded, text)
    outbox = Contract.at(origin, "Outbox", here.outbox)
    topic = outbox.artifact.topic("Dispatch")
    log = next(log for log in receipt.logs if log.topics and log.topics[0] == topic)
    message = dispatched(log).message
    return SentPostcard(
        message_id(message),
        message,
        receipt.block_number,
        receipt.transaction_hash,
        receipt.gas_used,
    )
