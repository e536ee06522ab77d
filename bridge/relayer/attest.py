"""attest: collect the first quorum of signatures and bring it to the destination's Inbox."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from bridge.chain.statements import checkpoint_tuple
from bridge.chain.transactions import TRANSACTION_GAS_CAP, Account
from bridge.crypto.digests import checkpoint_digest
from bridge.domain.checkpoints import Checkpoint
from bridge.domain.errors import BridgeError, QuorumMissed
from bridge.domain.quorums import SignerSet, indices_of
from bridge.relayer.journal import Batch, Entry, Journal
from bridge.relayer.quorum import Quorum, RemoteAttestor
from bridge.relayer.route import Route

log = structlog.get_logger()

BASE_GAS = 250_000
"""A transaction's own cost, an Outbox's share of storage, and a third to spare."""
GAS_A_SIGNATURE = 1_500_000
"""Verification with its calldata, 1.2 million for ML-DSA-87 and 0.8 for SLH-DSA, and to spare."""
COLLECT_TIMEOUT_S = 60.0


async def attest(route: Route, journal: Journal, quorum: Quorum, account: Account) -> list[Entry]:
    """Messages whose root a quorum stands behind now."""
    moved: list[Entry] = []
    for batch in journal.unattested(route.origin.domain, route.destination.domain):
        signer_set, attestors = await quorum.of(route)
        moved += await _attest_one(route, journal, attestors, signer_set, account, batch)
    return moved


async def _attest_one(
    route: Route,
    journal: Journal,
    attestors: Sequence[RemoteAttestor],
    signer_set: SignerSet,
    account: Account,
    batch: Batch,
) -> list[Entry]:
    inbox = route.destination.inbox
    checkpoint = route.checkpoint(batch.root, batch.size, signer_set.epoch)
    if await inbox.call("attestedSize", batch.origin, batch.root) == batch.size:
        return journal.attested(batch, {"already": True})
    revoked = await route.destination.registry.revoked(signer_set.epoch)
    bits = await inbox.call("counted", checkpoint_digest(checkpoint))
    # A revoked signer's signature counts no more, and no other of it is taken.
    counted = indices_of(bits) - revoked
    candidates = [one for one in attestors if one.index not in counted | revoked]
    signatures = await collect(route, checkpoint, candidates, signer_set, counted)
    gas = min(BASE_GAS + GAS_A_SIGNATURE * len(signatures), TRANSACTION_GAS_CAP)
    receipt = await inbox.send(
        account,
        "attest",
        checkpoint_tuple(checkpoint),
        list(signatures),
        list(signatures.values()),
        gas=gas,
    )
    return journal.attested(
        batch,
        {
            "block": receipt.block_number,
            "transaction": "0x" + receipt.transaction_hash.hex(),
            "gas": receipt.gas_used,
            "signers": list(signatures),
            "messages": batch.size,
            "root": "0x" + batch.root.hex(),
        },
    )


async def collect(
    route: Route,
    checkpoint: Checkpoint,
    attestors: Sequence[RemoteAttestor],
    signer_set: SignerSet,
    counted: set[int],
) -> dict[int, bytes]:
    """The signatures that make a quorum of those ``counted`` already, by the signers' indices.

    All are asked at once and the first are taken; the indices ascend. Raises ``QuorumMissed``,
    which names each signer that failed, when there are not enough.
    """
    signatures: dict[int, bytes] = {}

    def enough() -> bool:
        return signer_set.is_quorum(counted | signatures.keys())

    failures: list[str] = []

    async def ask(attestor: RemoteAttestor) -> None:
        try:
            signature = await attestor.sign(route, checkpoint)
        except BridgeError as error:
            log.warning(
                "signature_refused",
                signer=attestor.index,
                error=type(error).__name__,
                reason=str(error),
            )
            failures.append(f"signer {attestor.index}: {error}")
        else:
            if not enough():  # another may have come while this one signed
                signatures[attestor.index] = signature

    tasks = {asyncio.create_task(ask(one)): one for one in attestors}
    pending = set(tasks)
    try:
        async with asyncio.timeout(COLLECT_TIMEOUT_S):
            while pending and not enough():
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
    except TimeoutError:
        late = sorted(tasks[task].index for task in pending)
        failures += [f"signer {index}: no answer in {COLLECT_TIMEOUT_S:g} s" for index in late]
    finally:
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
    if not enough():
        raise QuorumMissed(len(counted | signatures.keys()), signer_set.threshold, failures)
    return dict(sorted(signatures.items()))
