"""Having verdicts attested by a quorum over HTTP, and bringing them to a registry.

A statement with its signatures is a file, so that it may be made by one and brought by another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bridge.apps.devnet.layout import replace_text
from bridge.apps.verdicts_config import VerdictsConfig
from bridge.chain.client import ChainClient
from bridge.chain.contracts import Contract
from bridge.chain.records import Receipt
from bridge.chain.transactions import TRANSACTION_GAS_CAP, Account
from bridge.chain.verdicts import BASE_GAS, GAS_A_SIGNATURE, Verdicts
from bridge.crypto.digests import statement_digest
from bridge.domain.errors import AttestorRefused, BridgeError, InputError, QuorumMissed
from bridge.domain.jsontext import parsed_json
from bridge.domain.verdicts import (
    NO_DIGEST,
    Place,
    RevocationStatement,
    Statement,
    Verdict,
    VerdictStatement,
)
from bridge.keyservice.wire import Hex, RevocationBody, VerdictBody, from_hex, to_hex
from bridge.relayer.attestor_client import VERDICT_TIMEOUT_S
from bridge.relayer.gathering import gather
from bridge.relayer.quorum import Quorum, RemoteAttestor
from bridge.relayer.route import Side
from bridge.verifier.compilers.choice import Compilers
from bridge.verifier.compilers.confined import Limits
from bridge.verifier.recheck import Recheck, Source
from bridge.verifier.source_verifier import SourceVerifier

SEQUENCES_TRIED = 8
"""A number that a signer used for another statement is passed over, so often at the most."""
CONFLICT = "verdict_conflict"
SIGNATURES_A_TRANSACTION = (TRANSACTION_GAS_CAP - BASE_GAS) // GAS_A_SIGNATURE

Announcer = Callable[[str], None]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StatementFile(_File):
    """A verdict or a revocation, and signatures over it by the signers' indices."""

    verdict: VerdictBody | None = None
    revocation: RevocationBody | None = None
    signatures: dict[int, Hex] = Field(default_factory=dict)

    @classmethod
    def of(cls, signed: SignedStatement) -> StatementFile:
        """The file of a signed statement."""
        signatures = {index: to_hex(one) for index, one in signed.signatures.items()}
        if isinstance(signed.statement, VerdictStatement):
            body = VerdictBody.of(signed.statement)
            return cls(verdict=body, signatures=signatures)
        return cls(revocation=RevocationBody.of(signed.statement), signatures=signatures)


@dataclass(frozen=True, slots=True)
class SignedStatement:
    """A statement with signatures by the signers' indices in its epoch."""

    statement: Statement
    signatures: dict[int, bytes]

    def write(self, path: Path) -> None:
        """Keep it, whole or not at all."""
        replace_text(path, StatementFile.of(self).model_dump_json(indent=1, exclude_none=True))

    @classmethod
    def read(cls, path: Path) -> SignedStatement:
        """The statement that ``path`` has; ``InputError`` for anything else."""
        try:
            raw = StatementFile.model_validate(parsed_json(path.read_bytes()))
        except (OSError, ValueError, ValidationError) as error:
            raise InputError(f"{path}: expected a signed statement: {error}") from error
        body = raw.verdict or raw.revocation
        if body is None or (raw.verdict and raw.revocation):
            raise InputError(f"{path}: expected one of verdict and revocation")
        signatures = {index: from_hex(text) for index, text in raw.signatures.items()}
        return cls(body.statement(), signatures)


def recheck_of(config: VerdictsConfig, clients: Sequence[ChainClient]) -> Recheck:
    """What makes verdicts of contracts on the chains of ``clients``, as configured."""
    verifier = SourceVerifier(Compilers(config.compilers, Limits(time_s=config.compile_s)))
    return Recheck(
        {client.settings.chain_id: client for client in clients},
        verifier.match,
        verifier.scan if config.scan else None,
        config.tool,
        config.timeout_s,
    )


def verdicts_of(side: Side) -> Verdicts:
    """The registry of verdicts of a chain; ``InputError`` where it has none."""
    if side.record.verdicts is None:
        raise InputError(
            f"chain {side.name}: expected a VerdictRegistry in the deployment record, got none"
        )
    return Verdicts(Contract.at(side.client, "VerdictRegistry", side.record.verdicts))


class Requester:
    """Has statements signed that are said to the registry of ``side``."""

    def __init__(self, side: Side, quorum: Quorum, announce: Announcer = lambda what: None) -> None:
        self._side = side
        self._verdicts = verdicts_of(side)
        self._quorum = quorum
        self._announce = announce

    async def verdict(
        self, verdict: Verdict, valid_for_s: int, source: Source | None = None
    ) -> SignedStatement:
        """A verdict that a quorum signed after each verified the contract itself.

        It is issued now, at the registry's final block. Raises ``QuorumMissed``, which names each
        signer with what it expected and got, and what the chain raises.
        """

        def made(place: Place, now: int) -> Statement:
            return VerdictStatement(place, now, now + valid_for_s, verdict)

        return await self._signed(verdict.chain_id, verdict.address, made, source)

    async def revocation(
        self, chain_id: int, address: bytes, code_hash: bytes = NO_DIGEST, reason: str = ""
    ) -> SignedStatement:
        """A revocation that a quorum signed; raises as ``verdict``."""

        def made(place: Place, now: int) -> Statement:
            return RevocationStatement(place, now, chain_id, address, code_hash, reason)

        return await self._signed(chain_id, address, made, None)

    async def _signed(
        self,
        chain_id: int,
        address: bytes,
        made: Callable[[Place, int], Statement],
        source: Source | None,
    ) -> SignedStatement:
        stands = await self._verdicts.sequence(chain_id, address)
        now = (await self._side.client.finalized()).timestamp
        for step in range(1, SEQUENCES_TRIED + 1):
            signer_set, attestors = await self._quorum.at(self._side.registry, self._side.name)
            place = Place(
                self._side.record.chain_id,
                self._verdicts.raw_address,
                signer_set.epoch,
                stands + step,
            )
            statement = made(place, now)
            revoked = await self._side.registry.revoked(signer_set.epoch)
            candidates = [one for one in attestors if one.index not in revoked]
            self._announce(f"asking {len(candidates)} signers, sequence {place.sequence}")
            asking = _Asking(statement, source)
            try:
                signatures = await gather(
                    asking.sign,
                    candidates,
                    signer_set,
                    set(),
                    {"digest": "0x" + statement_digest(statement).hex()},
                    VERDICT_TIMEOUT_S,
                )
            except QuorumMissed:
                if asking.conflicts and step < SEQUENCES_TRIED:
                    continue
                raise
            return SignedStatement(statement, signatures)
        raise AssertionError("the last try returns or raises")


class _Asking:
    """Asks signers for one statement; notes whether one said another under its number."""

    def __init__(self, statement: Statement, source: Source | None) -> None:
        self._statement = statement
        self._source = source
        self.conflicts = False

    async def sign(self, attestor: RemoteAttestor) -> bytes:
        try:
            return await attestor.sign_statement(self._statement, self._source)
        except AttestorRefused as error:
            self.conflicts |= error.code == CONFLICT
            raise


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of a statement: the receipts of its transactions, and whether it stands."""

    receipts: tuple[Receipt, ...]
    accepted: bool

    @property
    def gas(self) -> int:
        """What they used together."""
        return sum(receipt.gas_used for receipt in self.receipts)


async def submit(
    side: Side, account: Account, signed: SignedStatement, tries: int = 3, pause_s: float = 2.0
) -> Submitted:
    """Bring a statement's signatures to its registry, in as many transactions as they need.

    What was counted before is left out, so that it may be called again after anything. What may be
    retried is, ``tries`` times in all, with a pause that doubles. Raises ``InputError`` for a
    statement to another registry, ``TransactionReverted`` with the registry's own error, and
    ``QuorumMissed`` where the signatures are no quorum.
    """
    verdicts = verdicts_of(side)
    place = signed.statement.place
    expected = side.record.chain_id, verdicts.raw_address
    if (place.registry_chain_id, place.registry) != expected:
        raise InputError(
            f"statement: expected one to {to_hex(expected[1])} on chain id {expected[0]}, "
            f"got one to {to_hex(place.registry)} on chain id {place.registry_chain_id}"
        )

    async def once() -> Submitted:
        return await _submit(side, verdicts, account, signed)

    return await _retried(once, tries, pause_s)


async def _submit(
    side: Side, verdicts: Verdicts, account: Account, signed: SignedStatement
) -> Submitted:
    statement = signed.statement
    stands = await verdicts.sequence(statement.chain_id, statement.address)
    counted = await verdicts.counted(statement)
    left = [index for index in sorted(signed.signatures) if index not in counted]
    receipts: list[Receipt] = []
    accepted = False
    if stands == statement.place.sequence:
        # It stands, or another one under its number: the registry's error says that.
        left = left or sorted(signed.signatures)
    while left and not accepted:
        part, left = left[:SIGNATURES_A_TRANSACTION], left[SIGNATURES_A_TRANSACTION:]
        signatures = {index: signed.signatures[index] for index in part}
        receipt, accepted = await verdicts.submit(account, statement, signatures)
        receipts.append(receipt)
    if not accepted:
        state = await side.registry.state(statement.place.epoch)
        have = len(counted | signed.signatures.keys())
        raise QuorumMissed(have, state.threshold, ["the registry counted them and waits for more"])
    return Submitted(tuple(receipts), accepted)


async def _retried(
    once: Callable[[], Awaitable[Submitted]], tries: int, pause_s: float
) -> Submitted:
    for attempt in range(1, tries + 1):
        try:
            return await once()
        except BridgeError as error:
            if not error.retryable or isinstance(error, QuorumMissed) or attempt == tries:
                raise
        await asyncio.sleep(pause_s * 2 ** (attempt - 1))
    raise AssertionError("the last try returns or raises")
