"""collect: the first quorum is taken, and whoever gave no signature is named."""

import asyncio
import time

import pytest

from bridge.domain.checkpoints import Checkpoint
from bridge.domain.errors import KeyServiceUnreachable, QuorumMissed
from bridge.domain.keys import Algorithm
from bridge.domain.quorums import Signer as Member
from bridge.domain.quorums import SignerKey, SignerSet
from bridge.relayer import gathering
from bridge.relayer.gathering import collect

CHECKPOINT = Checkpoint(1, 31001, b"\x11" * 20, b"\x22" * 32, 7, 2, 31002, b"\x33" * 20, 1)


class Signer:
    """An attestor that signs after ``delay_s``, or fails with ``error``."""

    def __init__(self, index, delay_s=0.0, error=None):
        self.index, self.delay_s, self.error = index, delay_s, error
        self.asked = self.ended = 0

    async def sign(self, route, checkpoint):
        assert checkpoint is CHECKPOINT
        self.asked += 1
        try:
            await asyncio.sleep(self.delay_s)
        finally:
            self.ended += 1
        if self.error is not None:
            raise self.error
        return bytes([self.index])


def members(*weights):
    """A signer of each weight."""
    return tuple(
        Member((SignerKey(str(n), Algorithm.SLH_DSA_SHA2_128S, bytes([n + 1]) * 32),), weight)
        for n, weight in enumerate(weights)
    )


THREE = SignerSet(1, 2, members(1, 1, 1))


async def gather(signers, signer_set=THREE, counted=frozenset()):
    tasks = asyncio.all_tasks()
    try:
        return await collect(None, CHECKPOINT, signers, signer_set, set(counted))
    finally:
        assert asyncio.all_tasks() == tasks
        assert all(signer.asked == signer.ended for signer in signers)


async def test_the_first_quorum_is_taken_in_the_order_of_indices():
    signers = [Signer(2), Signer(1, delay_s=60), Signer(0, delay_s=0.05)]
    began = time.monotonic()
    signatures = await gather(signers)
    assert list(signatures.items()) == [(0, b"\0"), (2, b"\2")]
    assert time.monotonic() - began < 30
    assert all(signer.asked == 1 for signer in signers)


async def test_no_more_than_a_quorum_is_taken():
    five = SignerSet(1, 3, members(1, 1, 1, 1, 1))
    signatures = await gather([Signer(n) for n in (4, 3, 2, 1, 0)], five)
    assert len(signatures) == 3
    assert list(signatures) == sorted(signatures)


async def test_weights_count_and_not_heads():
    heavy = SignerSet(1, 5, members(4, 2, 2, 1))
    assert list(await gather([Signer(3), Signer(1, 0.02), Signer(2, 0.04)], heavy)) == [1, 2, 3]
    assert list(await gather([Signer(0), Signer(1, 0.02)], heavy)) == [0, 1]


async def test_what_was_counted_on_chain_is_not_asked_for_again():
    assert list(await gather([Signer(0), Signer(1, 60)], counted={2})) == [0]
    assert await gather([], counted={0, 1}) == {}


async def test_a_failing_signer_is_made_up_for():
    refused = KeyServiceUnreachable("http://keys", "refused")
    assert list(await gather([Signer(0, error=refused), Signer(1), Signer(2, 0.02)])) == [1, 2]


async def test_failing_signers_are_named():
    refused = KeyServiceUnreachable("http://keys", "refused")
    signers = [Signer(0, error=refused), Signer(1), Signer(2, 0.02, error=refused)]
    with pytest.raises(QuorumMissed, match=r"^1 signatures, expected a weight of 2: ") as caught:
        await gather(signers)
    assert sorted(caught.value.failures) == [
        "signer 0: key service: no answer from http://keys: refused",
        "signer 2: key service: no answer from http://keys: refused",
    ]
    assert caught.value.retryable


async def test_slow_signers_are_named(monkeypatch):
    monkeypatch.setattr(gathering, "COLLECT_TIMEOUT_S", 0.2)
    signers = [Signer(0, 60), Signer(1), Signer(2, 60)]
    with pytest.raises(QuorumMissed) as caught:
        await gather(signers)
    assert caught.value.failures == (
        "signer 0: no answer in 0.2 s",
        "signer 2: no answer in 0.2 s",
    )


async def test_slow_and_failing_signers_are_named_together(monkeypatch):
    monkeypatch.setattr(gathering, "COLLECT_TIMEOUT_S", 0.2)
    refused = KeyServiceUnreachable("http://keys", "refused")
    with pytest.raises(QuorumMissed) as caught:
        await gather([Signer(0, error=refused), Signer(1), Signer(2, 60)])
    assert [failure[:9] for failure in caught.value.failures] == ["signer 0:", "signer 2:"]


async def test_nobody_to_ask():
    with pytest.raises(QuorumMissed, match="0 signatures, expected a weight of 2"):
        await gather([])


async def test_a_defect_in_a_signer_is_no_missing_signature():
    with pytest.raises(ZeroDivisionError):
        await gather([Signer(0, error=ZeroDivisionError()), Signer(1, 60), Signer(2, 60)])


async def test_cancelled_from_outside_it_cancels_its_own():
    signers = [Signer(0, 60), Signer(1, 60)]
    task = asyncio.create_task(gather(signers))
    await asyncio.wait([task], timeout=0.05)
    assert all(signer.asked for signer in signers)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert all(signer.ended for signer in signers)
