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
from bridge.domain.keys import PublicKeyRecord
from bridge.domain.quorums import SignerSet, indices_of
from bridge.keyservice.client import KeyServiceClient
from bridge.relayer.attestor import Attestor
from bridge.relayer.journal import Batch, Entry, Journal
from bridge.relayer.route import Route
from bridge.relayer.signers import can_sign, signer_set_of
from bridge.relayer.supply import SupplyGuard

log = structlog.get_logger()

BASE_GAS = 250_000
"""A transaction's own cost, an Outbox's share of storage, and a third to spare."""
GAS_A_SIGNATURE = 1_500_000
"""Verification with its calldata, 1.2 million for ML-DSA-87 and 0.8 for SLH-DSA, and to spare."""
COLLECT_TIMEOUT_S = 60.0


class Quorum:
    """The signers of a destination's current epoch, read anew when another epoch begins.

    What waited to be attested under the epoch before is attested under the new one: a checkpoint
    names its epoch, and the root is the same.
    """

    def __init__(self, keys: KeyServiceClient) -> None:
        self._keys = keys
        self._set: SignerSet | None = None
        self._attestors: list[Attestor] = []

    async def of(self, route: Route) -> tuple[SignerSet, list[Attestor]]:
        """The set that attests now at the end of ``route``, and those of it that sign here."""
        registry = route.destination.registry
        epoch = await registry.current_epoch()
        if self._set is None or self._set.epoch != epoch:
            state = await registry.state(epoch)
            records: list[PublicKeyRecord] = await self._keys.keys()
            self._set = signer_set_of(state, records)
            self._attestors = [
                Attestor(index, signer, self._keys, SupplyGuard())
                for index, signer in enumerate(self._set.signers)
                if can_sign(signer)
            ]
            log.info("signers", route=str(route), epoch=epoch, here=len(self._attestors))
        return self._set, self._attestors


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
    attestors: Sequence[Attestor],
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
    attestors: Sequence[Attestor],
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

    async def ask(attestor: Attestor) -> None:
        try:
            signature = await attestor.sign(route, checkpoint)
        except BridgeError as error:
            log.warning("signature_refused", signer=attestor.index, reason=str(error))
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
