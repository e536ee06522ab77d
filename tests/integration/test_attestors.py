"""Attestors as real processes: over endpoints that fail and lie, killed, slow, lying."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import pytest

from bridge.apps.devnet.layout import read_deployment
from bridge.apps.devnet.world import ChainKind
from bridge.apps.operators import relayer_account
from bridge.chain.anvil import find_anvil
from bridge.crypto.digests import checkpoint_digest
from bridge.crypto.keys import SigningKeyPair
from bridge.crypto.providers import select
from bridge.domain.checkpoints import Checkpoint
from bridge.domain.contexts import CHECKPOINT_CONTEXT
from bridge.domain.errors import AttestorRefused
from bridge.domain.keys import Algorithm, PublicKeyRecord
from bridge.keyservice.wire import KeyBody, to_hex
from bridge.relayer.route import Side
from tests import rpc_proxy
from tests.integration.attest_process import AttestProcess, final_checkpoint
from tests.integration.conftest import Network, astralink, processes_with, until
from tests.liar import LyingAttestor
from tests.rpc_proxy import RpcProxy

pytestmark = pytest.mark.skipif(find_anvil() is None, reason="no Anvil")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """A network of this file's own, with one confirmed message: its chain is turned back here."""
    one = Network(tmp_path_factory.mktemp("attestors-anvil") / "state", ChainKind.ANVIL)
    one.up()
    (identifier,) = one.send("the first")
    one.reaches(identifier)
    yield one
    one.end()
    assert processes_with(str(one.folder)) == []


@pytest.fixture
def proxies(own: Network) -> Iterator[list[RpcProxy]]:
    with ExitStack() as stack:
        url = own.world.config().chain("A").rpc_url
        yield [stack.enter_context(RpcProxy(url)) for _ in range(3)]


@pytest.fixture
def attest(own: Network, tmp_path: Path) -> Iterator[Callable[..., AttestProcess]]:
    started: list[AttestProcess] = []

    def start(proxies: list[RpcProxy], signer: str = "signer-1") -> AttestProcess:
        one = AttestProcess(own, tmp_path / "attestor", [proxy.url for proxy in proxies], signer)
        started.append(one)
        return one.start()

    yield start
    for one in started:
        one.stop()
        assert "Traceback" not in one.log.read_text()


def verified(record: PublicKeyRecord, checkpoint: Checkpoint, signature: bytes) -> bytes:
    """``signature``, which is one."""
    select().signatures.verify(
        record.algorithm,
        record.public_key,
        checkpoint_digest(checkpoint),
        signature,
        CHECKPOINT_CONTEXT,
    )
    return signature


def signed(process: AttestProcess, checkpoint: Checkpoint) -> Callable[[], bytes]:
    """Ask until it signs."""

    def ask() -> bytes:
        try:
            return process.sign(checkpoint)
        except AttestorRefused as error:
            if error.code not in ("no_agreement", "chain_unread"):
                raise
            return b""

    return ask


# Endpoints that fail and lie

LIES = {
    "no logs": rpc_proxy.no_logs,
    "other logs": rpc_proxy.other_logs,
    "other hashes": rpc_proxy.other_hashes,
    "other roots": rpc_proxy.other_roots,
}


@pytest.mark.parametrize("lie", LIES)
def test_one_endpoint_of_three_lies_and_is_outvoted(own, proxies, attest, lie) -> None:
    proxies[1].lie = LIES[lie]
    process = attest(proxies)
    until(process.is_ready, "it is ready")
    checkpoint = final_checkpoint(own)
    verified(process.record(), checkpoint, process.sign(checkpoint))
    left = process.lines("rpc_endpoint_left")
    assert {(line["endpoint"], line["url"]) for line in left} == {(2, proxies[1].url)}
    assert "others say" in left[0]["reason"]
    assert process.stop() == 0


@pytest.mark.parametrize("lie", LIES)
def test_one_endpoint_of_two_lies_and_nothing_is_signed(own, proxies, attest, lie) -> None:
    proxies = proxies[:2]
    proxies[0].lie = LIES[lie]
    process = attest(proxies)
    checkpoint = final_checkpoint(own)
    with pytest.raises(AttestorRefused, match=r"503 no_agreement.*2 endpoints must agree") as no:
        process.sign(checkpoint)
    for proxy in proxies:
        assert proxy.url in str(no.value)
    ready = process.get("/v1/ready")
    assert ready.status_code == 503
    assert "2 endpoints must agree" in ready.json()["origins"][0]["problem"]
    assert process.get("/v1/health").json() == {"status": "ok"}
    quarrel = process.lines("rpc_endpoints_disagree")[0]
    assert [proxy.url in str(quarrel["said"]) for proxy in proxies] == [True, True]
    # Nor the root that the liar would have.
    with pytest.raises(AttestorRefused, match="503 no_agreement"):
        process.sign(dataclasses.replace(checkpoint, root=b"\x66" * 32))

    proxies[0].heal()
    verified(process.record(), checkpoint, until(signed(process, checkpoint), "it signs"))
    with pytest.raises(AttestorRefused, match="409 root_mismatch"):
        process.sign(dataclasses.replace(checkpoint, root=b"\x66" * 32))


FAULTS = {
    "hangs": rpc_proxy.hangs,
    "hangs up": rpc_proxy.hangs_up,
    "429": rpc_proxy.too_many_requests,
    "500": rpc_proxy.server_error,
    "truncated JSON": rpc_proxy.truncated_json,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_one_endpoint_of_two_fails_and_nothing_is_signed_until_it_is_back(
    own, proxies, attest, fault
) -> None:
    proxies = proxies[:2]
    proxies[1].fault = FAULTS[fault]
    process = attest(proxies)
    checkpoint = final_checkpoint(own)
    with pytest.raises(
        AttestorRefused, match=rf"503 no_agreement.*2 must agree: {proxies[1].url} \(endpoint 2\)"
    ):
        process.sign(checkpoint)
    until(lambda: process.lines("chain_unread"), "it says so")
    assert [line["url"] for line in process.lines("rpc_endpoint_left")] == [proxies[1].url]
    proxies[1].heal()
    verified(process.record(), checkpoint, until(signed(process, checkpoint), "it signs again"))
    assert len(process.lines("rpc_endpoint_back")) == 1


# One attestor


def test_what_it_answers_to_whom(own, proxies, attest) -> None:
    process = attest(proxies)
    until(process.is_ready, "it is ready")
    checkpoint = final_checkpoint(own)
    assert process.get("/v1/ready").json()["origins"][0]["size"] >= checkpoint.size
    for path in ("/v1/signer", "/v1/signatures"):
        assert process.get(path).status_code == 401
        answer = process.get(path, Authorization="Bearer " + "00" * 32)
        assert answer.json()["error"]["code"] == "unauthorized"
    keys = process.get("/v1/signer", Authorization=f"Bearer {process.token}").json()["keys"]
    assert [key["label"] for key in keys] == ["signer-1"]
    assert "secret" not in str(keys)
    for changed in (
        {"outbox": b"\x11" * 20},
        {"inbox": b"\x11" * 20},
        {"origin_chain_id": 1},
        {"origin_domain": 9},
        {"destination_domain": checkpoint.origin_domain},
    ):
        with pytest.raises(AttestorRefused, match="422 bad_input"):
            process.sign(dataclasses.replace(checkpoint, **changed))


def test_many_that_ask_at_once_cost_one_signing(own, proxies, attest) -> None:
    process = attest(proxies, "signer-3")  # SLH-DSA takes a third of a second
    until(process.is_ready, "it is ready")
    checkpoint = dataclasses.replace(final_checkpoint(own), epoch=77)
    label = "keyservice.checkpoint_signed"

    def signings() -> int:
        text = own.world.processes.log_file("keyservice").read_text()
        key = process.record().key_id
        return sum(label in line and key in line for line in text.splitlines())

    before = signings()
    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(process.sign, [checkpoint] * 8))
    assert len(answers) == 1
    verified(process.record(), checkpoint, answers.pop())
    assert process.sign(checkpoint)
    assert signings() == before + 1


def test_one_that_is_killed_goes_on_from_its_file(own, proxies, attest) -> None:
    process = attest(proxies[:2])
    until(process.is_ready, "it is ready")
    origin = process.get("/v1/ready").json()["origins"][0]
    size, block = origin["size"], origin["block"]
    assert size >= 1
    side = read_deployment(own.world.layout.deployment).sides["A"]
    assert block > side.start_block
    process.stop(signal.SIGKILL)
    for proxy in proxies:
        proxy.calls.clear()
    process.start()
    until(process.is_ready, "it is ready again")
    assert process.lines("attestor_started")[-1]["known"]["A"] >= size
    checkpoint = final_checkpoint(own)
    verified(process.record(), checkpoint, process.sign(checkpoint))
    asked = [call["params"][0] for call in proxies[0].calls if call["method"] == "eth_getLogs"]
    ranges = [one for one in asked if one["address"] == side.outbox]
    assert ranges
    assert min(int(one["fromBlock"], 16) for one in ranges) > block

    # The file belongs to one process.
    second = astralink(*("attest", "--signer", "signer-1", "--state", process.folder, "--port", 0))
    assert second.code == 2
    assert "expected an attestor's own file: database is locked" in second.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly(proxies, attest, number) -> None:
    process = attest(proxies)
    assert process.stop(number) == 0
    assert process.lines("attestor_stopped")
    assert not list((process.folder / "attestors").glob("*-wal"))  # the file was closed


def test_one_that_cannot_start_says_why(own, tmp_path) -> None:
    ended = own.cli("attest", "--signer", "nobody", "--port", 0)
    assert ended.code == 2
    assert "key 'nobody': expected one of signer-1, signer-2, signer-3" in ended.err
    ended = own.cli("attest", "--signer", "signer-1")
    assert ended.code == 2
    assert "is in use by another process" in ended.err
    (tmp_path / "astralink.toml").write_text((own.folder / "astralink.toml").read_text())
    ended = astralink("attest", "--signer", "signer-1", "--state", tmp_path, "--port", 0)
    assert ended.code == 2
    assert "expected a deployment record" in ended.err


# The relayer and its attestors


@pytest.fixture(scope="module")
def impostor() -> SigningKeyPair:
    return select().signatures.key_pair(Algorithm.ML_DSA_87, b"\x77" * 32)


def command(network: Network, name: str) -> list[str]:
    return [sys.executable, "-m", "bridge.apps.cli", name, "--state", str(network.folder)]


def relayer_lines(network: Network) -> list[dict[str, Any]]:
    text = network.world.processes.log_file("relayer").read_text()
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_a_liar_and_a_slow_one_are_named_and_stop_nobody(own: Network, impostor) -> None:
    """The liar says that it is signer 1 and signs with a key of its own."""
    first, second, _ = own.world.config().attestors

    async def identity() -> PublicKeyRecord:
        async with own.attestor(1) as honest:
            (record,) = await honest.keys()
            return record

    slow = psutil.Process(own.pid("attestor-signer-2"))
    key = KeyBody.of(asyncio.run(identity())).model_dump(mode="json")

    def lie(digest: bytes) -> str:
        signatures = select().signatures
        args = (Algorithm.ML_DSA_87, impostor.secret, digest, CHECKPOINT_CONTEXT)
        return to_hex(signatures.sign(*args))

    with LyingAttestor(key, lie) as liar:
        before = (own.folder / "astralink.toml").read_text()
        entry = f'\n[[attestors]]\nurl = "{liar.url}"\ntoken_file = "{first.token_file}"\n'
        (own.folder / "astralink.toml").write_text(before + entry)
        own.world.processes.stop("relayer")
        own.world.processes.log_file("relayer").unlink()
        own.world.processes.start("relayer", command(own, "relay"), None)
        (identifier,) = own.send("so that it knows them all")
        own.reaches(identifier)
        known = [x["signers"] for x in relayer_lines(own) if x["event"] == "signers"]
        assert sorted(known[0]) == [0, 0, 1, 2]  # the first is there twice
        slow.suspend()
        try:
            (identifier,) = own.send("past a liar")
            began = time.monotonic()
            own.reaches(identifier)
            assert time.monotonic() - began < 60

            until(lambda: liar.asked, "the liar was asked")
            named = until(
                lambda: [x for x in relayer_lines(own) if x.get("error") == "AttestorLied"],
                "the liar is named",
            )
            assert {line["signer"] for line in named} == {0}
            assert all(liar.url in line["reason"] for line in named)
            assert own.deliveries(identifier) == 1

            # With the honest ones gone there is no quorum, whatever the liar says.
            os.kill(own.pid("attestor-signer-1"), signal.SIGKILL)
            asked = len(liar.asked)
            nonce = _nonce(own)
            (stuck,) = own.send("not by liars")
            own.reaches(stuck, "batched")
            until(lambda: len(liar.asked) > asked, "the liar was asked again")
            missed = until(
                lambda: [
                    x
                    for x in relayer_lines(own)
                    if (x.get("error"), x.get("what")) == ("QuorumMissed", "attest A->B")
                    and f"attestor {first.url}: no answer: " in x["reason"]  # it is gone
                ],
                "no quorum",
            )
            assert missed[-1]["retryable"] is True
            reasons = missed[-1]["reason"]
            assert f"attestor {liar.url}: expected its signature over" in reasons
            assert f"attestor {second.url}: no answer: ReadTimeout" in reasons
            assert own.entry(stuck).stage == "batched"
            assert _nonce(own) == nonce  # no transaction was spent on it
        finally:
            slow.resume()
        own.reaches(stuck)
        assert own.deliveries(stuck) == 1
    (own.folder / "astralink.toml").write_text(before)
    own.world.processes.stop("relayer")
    own.up()


def _nonce(network: Network) -> int:
    """How many transactions the relayer has sent to B."""

    async def ask(sides: dict[str, Side]) -> int:
        return await sides["B"].client.nonce(relayer_account().address)

    return network.on_chain(ask)


# Last, since the chain is turned back under everybody's feet


def test_a_chain_that_is_turned_back_gets_no_second_root(own: Network, proxies, attest) -> None:
    own.world.processes.stop("relayer")
    for label in (1, 2, 3):
        own.world.processes.stop(f"attestor-signer-{label}")

    async def snapshot(sides: dict[str, Side]) -> str:
        return await sides["A"].client.request("evm_snapshot")

    async def turn_back(sides: dict[str, Side]) -> None:
        assert await sides["A"].client.request("evm_revert", before)

    def dispatched(text: str) -> Checkpoint:
        size = final_checkpoint(own).size
        own.send(text)

        def final() -> Checkpoint | None:
            found = final_checkpoint(own)
            return found if found.size > size else None

        return until(final, "it is final")

    before = own.on_chain(snapshot)
    process = attest(proxies[:2])
    once = dispatched("on one branch")
    signature = until(signed(process, once), "it signs")
    verified(process.record(), once, signature)

    own.on_chain(turn_back)
    other = dispatched("on another branch")
    assert (other.size, other.root != once.root) == (once.size, True)
    until(lambda: process.lines("attestor_halted"), "it notices")
    (line,) = process.lines("attestor_halted")
    assert line["level"] == "critical"
    assert "were final and read" in line["reason"]
    assert process.get("/v1/health").json() == {"status": "stopped"}
    assert not process.is_ready()
    with pytest.raises(AttestorRefused, match="503 stopped"):
        process.sign(other)

    # A restart does not make it forget.
    process.stop(signal.SIGKILL)
    process.start()
    until(lambda: len(process.lines("attestor_halted")) == 2, "it notices again")
    with pytest.raises(AttestorRefused, match="503 stopped"):
        process.sign(other)

    # Nor does it help to delete its file and to restart the key service: that one remembers too.
    process.stop()
    for path in (process.folder / "attestors").glob("*.sqlite*"):
        path.unlink()
    own.world.processes.stop("keyservice")
    own.world.processes.start("keyservice", command(own, "keyservice"), None)
    process.start()
    until(process.is_ready, "it has read the other branch")
    with pytest.raises(AttestorRefused, match="409 equivocation") as refused:
        process.sign(other)
    assert once.root.hex() in str(refused.value)
    assert verified(process.record(), once, signature)
