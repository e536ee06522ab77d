"""attest: collect the first quorum of signatures and bring it to the destination's Inbox."""

from __future__ import annotations

import time

import structlog

from bridge.chain.records import Receipt
from bridge.chain.statements import checkpoint_tuple
from bridge.chain.transactions import TRANSACTION_GAS_CAP
from bridge.crypto.digests import checkpoint_digest
from bridge.domain.quorums import indices_of
from bridge.relayer.gathering import collect
from bridge.relayer.journal import Batch, Draft, Entry, Journal, Purpose, Submission
from bridge.relayer.quorum import Quorum
from bridge.relayer.route import Route
from bridge.relayer.submit import Submitter
from bridge.relayer.worker import Worker

log = structlog.get_logger()

BASE_GAS = 250_000
"""A transaction's own cost, an Outbox's share of storage, and a third to spare."""
GAS_A_SIGNATURE = 1_500_000
"""Verification with its calldata, 1.2 million for ML-DSA-87 and 0.8 for SLH-DSA, and to spare."""
LEFT_BEHIND_S = 2.0
"""How long a transaction of a replica that attests no more is waited for."""


class Attester:
    """Brings the signatures of one route's checkpoints to the destination."""

    def __init__(
        self,
        route: Route,
        journal: Journal,
        quorum: Quorum,
        submitter: Submitter,
        worker: Worker,
    ) -> None:
        self._route = route
        self._journal = journal
        self._quorum = quorum
        self._submitter = submitter
        self._worker = worker
        self._others: tuple[int, float] | None = None
        """Another replica's transaction that a checkpoint waits for, and since when."""

    async def attest(self) -> list[Entry]:
        """Have the largest checkpoint attested that is not; messages that are attested already."""
        origin, destination = self._route.origin.domain, self._route.destination.domain
        waiting = await self._worker.do(self._journal.unattested, origin, destination)
        if not waiting:
            return []
        batch = waiting[0]
        if batch.transaction is not None and not await self._is_left_behind(batch.transaction):
            return []
        inbox = self._route.destination.inbox
        if await inbox.call("attestedSize", batch.origin, batch.root) == batch.size:
            return await self._worker.do(self._journal.attested, batch, {"already": True})
        if batch.transaction is not None:
            log.warning("attestation_taken_over", route=str(self._route), size=batch.size)
            await self._worker.do(self._journal.free, batch.transaction)
        signer_set, attestors = await self._quorum.of(self._route)
        checkpoint = self._route.checkpoint(batch.root, batch.size, signer_set.epoch)
        revoked = await self._route.destination.registry.revoked(signer_set.epoch)
        bits = await inbox.call("counted", checkpoint_digest(checkpoint))
        # A revoked signer's signature counts no more, and no other of it is taken.
        counted = indices_of(bits) - revoked
        candidates = [one for one in attestors if one.index not in counted | revoked]
        log.info(
            "signatures_asked",
            route=str(self._route),
            size=batch.size,
            root="0x" + batch.root.hex(),
            digest="0x" + checkpoint_digest(checkpoint).hex(),
            signers=[candidate.index for candidate in candidates],
        )
        signatures = await collect(self._route, checkpoint, candidates, signer_set, counted)
        data = inbox.artifact.call_data(
            "attest", checkpoint_tuple(checkpoint), list(signatures), list(signatures.values())
        )
        gas = min(BASE_GAS + GAS_A_SIGNATURE * len(signatures), TRANSACTION_GAS_CAP)
        subject = {
            "origin": origin,
            "destination": destination,
            "size": batch.size,
            "root": batch.root.hex(),
            "signers": list(signatures),
        }
        # Without a transaction first: a signature that is none costs nothing then.
        await inbox.client.call(
            inbox.address, data, sender=self._submitter.account.address, gas=gas
        )
        draft = Draft(Purpose.ATTEST, subject, inbox.address, data, gas)
        await self._submitter.submit(draft, batch=batch)
        return []

    async def _is_left_behind(self, transaction: int) -> bool:
        """Whether nobody looks after a transaction any more.

        This replica attests, so that one from another account is of a replica that died or could
        not pay. It gets a moment to be mined.
        """
        account = await self._worker.do(self._journal.account_of, transaction)
        if account == self._submitter.account.address:
            return False
        now = time.monotonic()
        if self._others is None or self._others[0] != transaction:
            self._others = transaction, now
        return now - self._others[1] > LEFT_BEHIND_S

    async def settle(self, submission: Submission, receipt: Receipt) -> list[Entry]:
        """Write down what a mined attestation did; the messages under it where it is a quorum."""
        subject = submission.draft.subject
        batch = Batch(
            subject["origin"],
            subject["destination"],
            subject["size"],
            bytes.fromhex(subject["root"]),
            attested=True,
        )
        for event in self._route.destination.inbox.events(receipt.logs):
            if event.name == "Attested" and event.arguments["root"] == batch.root:
                detail = {
                    "block": receipt.block_number,
                    "transaction": "0x" + receipt.transaction_hash.hex(),
                    "gas": receipt.gas_used,
                    "signers": subject["signers"],
                    "messages": batch.size,
                    "root": "0x" + batch.root.hex(),
                }
                return await self._worker.do(self._journal.attested, batch, detail)
        if not receipt.status:
            log.warning("attestation_reverted", route=str(self._route), size=batch.size)
        return []
