"""An attestor of verdicts: signs only what it finds itself when it verifies the contract anew.

It has no key. The key service signs, after its record against a second verdict is on disk.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TypeVar

import structlog

from bridge.chain.registry import Registry
from bridge.chain.verdicts import Verdicts
from bridge.crypto.digests import statement_digest
from bridge.domain.errors import BridgeError, UnknownKey, VerdictMismatch, VerdictRefused
from bridge.domain.keys import PublicKeyRecord
from bridge.domain.verdicts import RevocationStatement, Statement, Verdict, VerdictStatement
from bridge.keyservice.client import KeyServiceClient
from bridge.verifier.recheck import Recheck, Source

log = structlog.get_logger()

OLDEST_S = 3_600
"""A statement that was issued longer ago is not signed: what was found may hold no more."""
WIDEST_STEP = 1_000
"""How far a sequence may go ahead of what stands, so that nobody uses up the numbers."""
SIGNED = "signed"
S = TypeVar("S", VerdictStatement, RevocationStatement)
AT_ONCE = 2
"""Contracts that are verified at the same time; the others wait."""


@dataclass(frozen=True, slots=True)
class RegistrySide:
    """A VerdictRegistry with the SignerRegistry that it asks."""

    verdicts: Verdicts
    signers: Registry


class VerdictAttestor:
    """Signs with the keys ``records`` what ``recheck`` finds too, said to one of ``registries``.

    Those are by chain id and have the one VerdictRegistry of that chain. ``outcomes`` counts
    signatures made, and refusals by their error, for whoever measures.
    """

    def __init__(
        self,
        records: Sequence[PublicKeyRecord],
        service: KeyServiceClient,
        registries: Mapping[int, RegistrySide],
        recheck: Recheck,
    ) -> None:
        self.records = tuple(records)
        self._service = service
        self._registries = dict(registries)
        self._recheck = recheck
        self._room = asyncio.Semaphore(AT_ONCE)
        self.outcomes: Counter[str] = Counter()

    async def sign_verdict(
        self, statement: VerdictStatement, key_ids: Sequence[str], source: Source | None = None
    ) -> dict[str, bytes]:
        """The signatures of these keys over a verdict.

        Raises ``UnknownKey`` for a key that is not this attestor's, ``VerdictRefused`` for what
        the registry does not take, ``VerdictMismatch`` where the contract verified here gives
        something else, and what `Recheck.verdict`, chain and key service raise.
        """

        async def check(label: str) -> None:
            await self._require_takes(statement, statement.expires_at)
            asked = statement.verdict
            async with self._room:
                own = await self._recheck.verdict(
                    asked.chain_id, asked.address, asked.block_number, source
                )
            _require_same(label, own, asked)

        return await self._signed(statement, key_ids, check, self._service.sign_verdict)

    async def sign_revocation(
        self, statement: RevocationStatement, key_ids: Sequence[str]
    ) -> dict[str, bytes]:
        """The signatures of these keys over a revocation.

        It takes trust away and gives none, so whoever may ask may have it: nothing is verified but
        that the registry takes it. Raises as ``sign_verdict``.
        """

        async def check(label: str) -> None:
            await self._require_takes(statement, None)

        return await self._signed(statement, key_ids, check, self._service.sign_revocation)

    async def _signed(
        self,
        statement: S,
        key_ids: Sequence[str],
        check: Callable[[str], Awaitable[None]],
        sign: Callable[[str, S], Awaitable[bytes]],
    ) -> dict[str, bytes]:
        labels = {record.key_id: record.label for record in self.records}
        try:
            for key_id in key_ids:
                if key_id not in labels:
                    raise UnknownKey(key_id)
            # Once for all keys: what is found does not depend on who signs it.
            await check("+".join(labels[key_id] for key_id in key_ids))
            found = {key_id: await sign(key_id, statement) for key_id in key_ids}
        except BridgeError as error:
            self.outcomes[type(error).__name__] += 1
            raise
        self.outcomes[SIGNED] += len(found)
        place = statement.place
        log.info(
            "statement_signed",
            kind=type(statement).__name__,
            signers=[labels[key_id] for key_id in key_ids],
            chain_id=statement.chain_id,
            address="0x" + statement.address.hex(),
            registry_chain_id=place.registry_chain_id,
            sequence=place.sequence,
            epoch=place.epoch,
            digest="0x" + statement_digest(statement).hex(),
        )
        return found

    async def _require_takes(self, statement: Statement, expires_at: int | None) -> None:
        """Pass where the registry that is named would take the statement now."""
        place = statement.place
        side = self._registries.get(place.registry_chain_id)
        if side is None:
            known = ", ".join(map(str, sorted(self._registries))) or "none"
            raise VerdictRefused("registry_chain_id", f"one of {known}", place.registry_chain_id)
        if side.verdicts.raw_address != place.registry:
            raise VerdictRefused("registry", side.verdicts.raw_address, place.registry)
        epoch = await side.signers.current_epoch()
        if place.epoch != epoch:
            raise VerdictRefused("epoch", epoch, place.epoch)
        stands = await side.verdicts.sequence(statement.chain_id, statement.address)
        if not stands < place.sequence <= stands + WIDEST_STEP:
            wanted = f"{stands + 1} to {stands + WIDEST_STEP}"
            raise VerdictRefused("sequence", wanted, place.sequence)
        now = (await side.verdicts.contract.client.block("latest")).timestamp
        if not now - OLDEST_S <= statement.issued_at <= now:
            raise VerdictRefused("issued_at", f"{now - OLDEST_S} to {now}", statement.issued_at)
        if expires_at is None:
            return
        longest = await side.verdicts.contract.call("maximumValidity")
        if expires_at - statement.issued_at > longest:
            latest = f"{statement.issued_at + longest} at the latest"
            raise VerdictRefused("expires_at", latest, expires_at)


def _require_same(label: str, own: Verdict, asked: Verdict) -> None:
    for field in fields(Verdict):
        found, wanted = getattr(own, field.name), getattr(asked, field.name)
        if found != wanted:
            raise VerdictMismatch(label, field.name, found, wanted)
