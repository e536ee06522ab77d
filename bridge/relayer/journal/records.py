"""What the journal tells: messages, their past, checkpoints and transactions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from bridge.domain.delivery import Stage
from bridge.domain.messages import Message


class Entry(NamedTuple):
    """A message as the journal has it; ``since`` is when it reached its stage, in Unix seconds.

    ``transaction`` is the number of the one that is under way with it, None where none is. A tuple,
    and ``message`` decoded when asked for: a batch has thousands.
    """

    id: bytes
    origin: int
    nonce: int
    destination: int
    encoded: bytes
    stage: Stage
    since: float
    block_number: int
    block_hash: bytes
    root: bytes | None
    size: int | None
    delivery_block: int | None
    attempts: int
    next_attempt_at: float
    error: str | None
    transaction: int | None

    @property
    def message(self) -> Message:
        """The message itself."""
        return Message.decode(self.encoded)


@dataclass(frozen=True, slots=True)
class Transition:
    """One stage that a message reached, when, and what is known of it.

    ``number`` is that of the act; several messages may share one, and numbers only grow.
    """

    number: int
    message_id: bytes
    stage: Stage
    at: float
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """A checkpoint of a route: the tree of ``origin`` with ``size`` leaves, for ``destination``.

    ``transaction`` is the number of the one that brings its signatures, None where none does.
    """

    origin: int
    destination: int
    size: int
    root: bytes
    attested: bool
    transaction: int | None = None


class Purpose(StrEnum):
    """What a transaction is for. Persisted."""

    ATTEST = "attest"
    DELIVER = "deliver"


class State(StrEnum):
    """Where a transaction stands. Persisted.

    ``LOST``: its nonce went to another transaction of the same account.
    """

    PREPARED = "prepared"
    SENT = "sent"
    MINED = "mined"
    REVERTED = "reverted"
    LOST = "lost"


OPEN = (State.PREPARED, State.SENT)


@dataclass(frozen=True, slots=True)
class Draft:
    """A transaction that is to be made: ``subject`` says of what, for whoever settles it."""

    purpose: Purpose
    subject: dict[str, Any]
    to: str
    data: bytes
    gas: int


@dataclass(frozen=True, slots=True)
class Submission:
    """A transaction as the journal has it. ``hashes`` are those of all its tries, the last last.

    Fees are of the last try, None before the first; times are Unix seconds.
    """

    number: int
    chain_id: int
    account: str
    nonce: int
    draft: Draft
    state: State
    hashes: tuple[bytes, ...]
    max_fee_wei: int | None
    max_priority_fee_wei: int | None
    prepared_at: float
    sent_at: float | None


_STAGES = {stage.value: stage for stage in Stage}


def entry_of(row: Any) -> Entry:
    """The message of a row of ``messages``."""
    return Entry(
        row.id,
        row.origin,
        row.nonce,
        row.destination,
        row.message,
        _STAGES[row.stage],
        row.since,
        row.block_number,
        row.block_hash,
        row.root,
        row.size,
        row.delivery_block,
        row.attempts,
        row.next_attempt_at,
        row.error,
        row.transaction,
    )


def batch_of(row: Any) -> Batch:
    """The checkpoint of a row of ``checkpoints``."""
    return Batch(
        row.origin, row.destination, row.size, row.root, bool(row.attested), row.transaction
    )


def submission_of(row: Any) -> Submission:
    """The transaction of a row of ``transactions``."""
    draft = Draft(Purpose(row.purpose), row.subject, row.to, row.data, row.gas)
    return Submission(
        number=row.number,
        chain_id=row.chain_id,
        account=row.account,
        nonce=row.nonce,
        draft=draft,
        state=State(row.state),
        hashes=tuple(bytes.fromhex(one) for one in row.hashes),
        max_fee_wei=None if row.max_fee_wei is None else int(row.max_fee_wei),
        max_priority_fee_wei=(
            None if row.max_priority_fee_wei is None else int(row.max_priority_fee_wei)
        ),
        prepared_at=row.prepared_at,
        sent_at=row.sent_at,
    )
