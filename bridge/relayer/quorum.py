"""The signers of a destination's current epoch, and which attestor signs for which of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import structlog

from bridge.chain.registry import EpochState, Registry
from bridge.crypto.digests import checkpoint_digest, statement_digest
from bridge.crypto.providers import select
from bridge.crypto.signatures import SignatureProvider
from bridge.domain.checkpoints import Checkpoint
from bridge.domain.contexts import CHECKPOINT_CONTEXT, REVOCATION_CONTEXT, VERDICT_CONTEXT
from bridge.domain.errors import AttestorLied, BlockNotFinal, BridgeError, CryptoError, NotFinalized
from bridge.domain.keys import PublicKeyRecord
from bridge.domain.quorums import Signer, SignerSet, packed_signatures
from bridge.domain.verdicts import Statement, VerdictStatement
from bridge.relayer.attestor_client import IDENTITY_TIMEOUT_S, UNKNOWN_KEY, AttestorClient
from bridge.relayer.route import Route
from bridge.relayer.signers import can_sign, signer_set_of
from bridge.verifier.recheck import Source

log = structlog.get_logger()

GRACE_S = 0.5
"""How long an attestor may take to say who it is where a quorum is known without it."""
ASK_AGAIN_S = 5.0
"""How often an attestor is asked who it is that gave no answer or signs for nobody."""
FINALITY_TIMEOUT_S = 5.0
FINALITY_POLL_S = 0.25
"""How long, and how often, one is asked that does not see the messages as final yet."""


class RemoteAttestor:
    """One signer at the other end of a client; ``index`` is its place in the registry."""

    def __init__(
        self, index: int, signer: Signer, client: AttestorClient, signatures: SignatureProvider
    ) -> None:
        self.index = index
        self.signer = signer
        self.client = client
        self._signatures = signatures

    async def sign(self, route: Route, checkpoint: Checkpoint) -> bytes:
        """The signature over ``checkpoint``, which was verified here.

        Raises ``AttestorLied`` where it does not verify, ``NotFinalized`` where the attestor is
        still behind after a while, ``AttestorRefused`` and ``AttestorUnreachable``.
        """
        with self.client.measured():
            signatures = await self._signed(checkpoint)
            digest = checkpoint_digest(checkpoint)
            await asyncio.to_thread(self._verify, digest, CHECKPOINT_CONTEXT, signatures)
        return packed_signatures(signatures)

    async def sign_statement(self, statement: Statement, source: Source | None = None) -> bytes:
        """The signature over a verdict or revocation, which was verified here.

        Raises ``AttestorLied``, ``BlockNotFinal`` where the attestor is still behind after a
        while, ``AttestorRefused`` and ``AttestorUnreachable``.
        """
        is_verdict = isinstance(statement, VerdictStatement)
        ctx = VERDICT_CONTEXT if is_verdict else REVOCATION_CONTEXT
        key_ids = [key.key_id for key in self.signer.keys]
        deadline = time.monotonic() + FINALITY_TIMEOUT_S
        with self.client.measured():
            while True:
                try:
                    signatures = await self.client.sign_statement(statement, key_ids, source)
                    break
                except BlockNotFinal:
                    if time.monotonic() + FINALITY_POLL_S > deadline:
                        raise
                    await asyncio.sleep(FINALITY_POLL_S)
            await asyncio.to_thread(self._verify, statement_digest(statement), ctx, signatures)
        return packed_signatures(signatures)

    async def _signed(self, checkpoint: Checkpoint) -> list[bytes]:
        deadline = time.monotonic() + FINALITY_TIMEOUT_S
        while True:
            try:
                return await self.client.sign(checkpoint, [key.key_id for key in self.signer.keys])
            except NotFinalized:
                if time.monotonic() + FINALITY_POLL_S > deadline:
                    raise
                await asyncio.sleep(FINALITY_POLL_S)

    def _verify(self, digest: bytes, ctx: bytes, signatures: Sequence[bytes]) -> None:
        for key, signature in zip(self.signer.keys, signatures, strict=True):
            try:
                self._signatures.verify(key.algorithm, key.public_key, digest, signature, ctx)
            except CryptoError as error:
                raise AttestorLied(self.client.url, digest, str(error)) from error


class Quorum:
    """The signers of a destination's current epoch, read anew when another epoch begins.

    What waited to be attested under the epoch before is attested under the new one: a checkpoint
    names its epoch, and the root is the same. Who an attestor is it says itself; it is believed
    since a signature counts only under a key that the registry holds.
    """

    def __init__(self, clients: Sequence[AttestorClient]) -> None:
        self._clients = tuple(clients)
        self._signatures = select().signatures
        self._set: SignerSet | None = None
        self._attestors: list[RemoteAttestor] = []
        self._known: dict[AttestorClient, list[PublicKeyRecord]] = {}
        self._asked_at = -ASK_AGAIN_S

    async def of(self, route: Route) -> tuple[SignerSet, list[RemoteAttestor]]:
        """The set that attests now at the end of ``route``, and the attestors that sign in it."""
        return await self.at(route.destination.registry, str(route))

    async def at(self, registry: Registry, where: str) -> tuple[SignerSet, list[RemoteAttestor]]:
        """The same at a registry, which logs call ``where``."""
        epoch = await registry.current_epoch()
        begins = self._set is None or self._set.epoch != epoch
        used = {
            one.client
            for one in self._attestors
            if one.client.dealings.last_outcome != UNKNOWN_KEY  # it has other keys now
        }
        idle = [client for client in self._clients if begins or client not in used]
        if begins or (idle and time.monotonic() - self._asked_at > ASK_AGAIN_S):
            state = await registry.state(epoch)
            await self._identify(idle, state)
            self._asked_at = time.monotonic()
            records = [record for known in self._known.values() for record in known]
            self._set = signer_set_of(state, records)
            before = len(self._attestors)
            self._attestors = self._matched(state)
            if begins or len(self._attestors) != before:
                signers = [one.index for one in self._attestors]
                log.info("signers", route=where, epoch=epoch, signers=signers)
        assert self._set is not None
        return self._set, self._attestors

    def _matched(self, state: EpochState) -> list[RemoteAttestor]:
        """Each signer with each client that has all of its keys.

        What one client says of a key's id counts for itself alone.
        """
        return [
            RemoteAttestor(index, signer, client, self._signatures)
            for client, records in self._known.items()
            for index, signer in enumerate(signer_set_of(state, records).signers)
            if can_sign(signer)
        ]

    async def _identify(self, clients: Sequence[AttestorClient], state: EpochState) -> None:
        """Ask who they are. Where a quorum is known, the others are not waited for long."""

        def quorum_known() -> bool:
            signers = {one.index for one in self._matched(state)}
            return signer_set_of(state, ()).is_quorum(signers)

        tasks = {asyncio.create_task(self._identify_one(one)): one for one in clients}
        pending = set(tasks)
        try:
            while pending:
                done, pending = await asyncio.wait(
                    pending,
                    timeout=GRACE_S if quorum_known() else IDENTITY_TIMEOUT_S,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                for task in done:
                    task.result()
                if not done:
                    break
        finally:
            for task in pending:
                task.cancel()
                log.warning("attestor_unknown", url=tasks[task].url, reason="no answer in time")
            await asyncio.gather(*pending, return_exceptions=True)

    async def _identify_one(self, client: AttestorClient) -> None:
        try:
            self._known[client] = await client.keys()
        except BridgeError as error:
            log.warning("attestor_unknown", url=client.url, reason=str(error))
