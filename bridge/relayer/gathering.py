"""A quorum's signatures: all signers are asked at once, and the first that suffice are taken."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from bridge.crypto.digests import checkpoint_digest
from bridge.domain.checkpoints import Checkpoint
from bridge.domain.errors import BridgeError, QuorumMissed
from bridge.domain.quorums import SignerSet
from bridge.relayer.quorum import RemoteAttestor
from bridge.relayer.route import Route

log = structlog.get_logger()

COLLECT_TIMEOUT_S = 60.0


async def collect(
    route: Route,
    checkpoint: Checkpoint,
    attestors: Sequence[RemoteAttestor],
    signer_set: SignerSet,
    counted: set[int],
) -> dict[int, bytes]:
    """The signatures over a checkpoint that make a quorum with those ``counted``: `gather`."""

    async def sign(attestor: RemoteAttestor) -> bytes:
        return await attestor.sign(route, checkpoint)

    digest = "0x" + checkpoint_digest(checkpoint).hex()
    what = {"route": str(route), "digest": digest}
    return await gather(sign, attestors, signer_set, counted, what, COLLECT_TIMEOUT_S)


async def gather(
    sign: Callable[[RemoteAttestor], Awaitable[bytes]],
    attestors: Sequence[RemoteAttestor],
    signer_set: SignerSet,
    counted: set[int],
    what: Mapping[str, str],
    timeout_s: float,
) -> dict[int, bytes]:
    """The signatures that make a quorum of those ``counted`` already, by the signers' indices.

    All are asked at once and the first are taken; the indices ascend. ``what`` says in the log
    what is signed. Raises ``QuorumMissed``, which names each signer that failed, when there are
    not enough.
    """
    signatures: dict[int, bytes] = {}

    def enough() -> bool:
        return signer_set.is_quorum(counted | signatures.keys())

    failures: list[str] = []

    async def ask(attestor: RemoteAttestor) -> None:
        try:
            signature = await sign(attestor)
        except BridgeError as error:
            log.warning(
                "signature_refused",
                **what,
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
        async with asyncio.timeout(timeout_s):
            while pending and not enough():
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
    except TimeoutError:
        late = sorted(tasks[task].index for task in pending)
        failures += [f"signer {index}: no answer in {timeout_s:g} s" for index in late]
    finally:
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
    if not enough():
        raise QuorumMissed(len(counted | signatures.keys()), signer_set.threshold, failures)
    return dict(sorted(signatures.items()))
