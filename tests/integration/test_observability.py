"""What relayer, attestors and key service tell of themselves, against what happened."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bridge import __version__
from bridge.apps.devnet.layout import SIGNERS
from bridge.chain.client import ChainClient
from bridge.crypto.digests import checkpoint_digest
from bridge.relayer.heads import Heads
from bridge.relayer.journal import Entry
from bridge.relayer.route import Route, Side
from tests.integration.conftest import ON_ONE_KIND, Network, until
from tests.integration.test_chains import Node, kind, start

__all__ = ["kind", "start"]

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def relayer_url(network: Network) -> str:
    url = network.world.config().relayer.listen_url
    assert url is not None
    return url


def scrape(url: str) -> Samples:
    answer = httpx.get(f"{url}/metrics", timeout=10).raise_for_status()
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


def total(samples: Samples, name: str, **labels: str) -> float:
    return sum(
        value
        for (what, where), value in samples.items()
        if what == name and labels.items() <= where
    )


def ready(network: Network) -> tuple[int, list[str]]:
    answer = httpx.get(f"{relayer_url(network)}/v1/ready", timeout=10)
    return answer.status_code, answer.json()["reasons"]


def is_ready(network: Network) -> bool:
    return ready(network)[0] == 200


def logged(network: Network, process: str) -> list[dict[str, Any]]:
    lines = network.world.processes.log_file(process).read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


@pytest.fixture
def idle(network: Network) -> Network:
    """The network without what other tests left to be refused again and again."""
    assert network.cli("messages", "drop", "--stage", "attested").code == 0
    name = "astralink_oldest_undelivered_seconds"
    until(lambda: total(scrape(relayer_url(network)), name) == 0, "nothing waits")
    return network


@ON_ONE_KIND
def test_the_figures_are_what_happened(idle: Network) -> None:
    network = idle
    before = scrape(relayer_url(network))
    identifiers = network.send(*(f"counted {number}" for number in range(3)))
    entries = [network.reaches(one) for one in identifiers]
    route = {"origin": "A", "destination": "B"}

    def all_counted() -> Samples | None:
        after = scrape(relayer_url(network))
        done = delta(after, "astralink_messages_total", **route, stage="confirmed") >= 3
        return after if done else None

    def delta(after: Samples, name: str, **labels: str) -> float:
        return total(after, name, **labels) - total(before, name, **labels)

    after = until(all_counted, "three messages were counted as confirmed")
    for stage in ("finalized", "batched", "attested", "delivered"):
        assert delta(after, "astralink_messages_total", **route, stage=stage) == 3
    assert delta(after, "astralink_delivery_latency_seconds_count", **route) == 3
    assert 0 < delta(after, "astralink_delivery_latency_seconds_sum", **route) < 180
    assert value(after, "astralink_queue_messages", **route, stage="attested") == 0
    assert value(after, "astralink_oldest_undelivered_seconds", **route) == 0
    assert value(after, "astralink_journal_up") == 1
    assert value(after, "astralink_chain_finalized_block", chain="B") >= max(
        entry.delivery_block or 0 for entry in entries
    )
    for purpose in ("attest", "deliver"):
        assert delta(after, "astralink_gas_used_total", chain="B", purpose=purpose) > 21_000
        assert delta(after, "astralink_spent_ether_total", chain="B", purpose=purpose) > 0
    assert delta(after, "astralink_transactions", chain="B", state="mined") >= 2
    assert delta(after, "astralink_attestor_requests_total", outcome="signed") >= 2
    assert delta(after, "astralink_attestor_disagreements_total") == 0

    def all_can_sign() -> bool:
        samples = scrape(relayer_url(network))
        return value(samples, "astralink_quorum_ready_weight", chain="B") == len(SIGNERS)

    until(all_can_sign, "all attestors are ready")
    assert value(after, "process_resident_memory_bytes") > 10 << 20
    assert value(after, "astralink_account_balance_ether", chain="B") > 0


@ON_ONE_KIND
def test_a_message_that_is_refused_is_seen_to_wait(idle: Network) -> None:
    network = idle
    before = scrape(relayer_url(network))
    registry = network.on_chain(_registry_of_b)
    (identifier,) = network.send("nobody takes it", recipient=registry)
    route = {"origin": "A", "destination": "B"}

    def waits() -> Samples | None:
        after = scrape(relayer_url(network))
        name = "astralink_deliveries_refused_total"
        waiting = value(after, "astralink_retrying_messages", **route) >= 1
        return after if waiting and total(after, name) > total(before, name) else None

    first = until(waits, "it was refused")
    assert value(first, "astralink_queue_messages", **route, stage="attested") >= 1
    time.sleep(2.5)
    later = scrape(relayer_url(network))
    age = "astralink_oldest_undelivered_seconds"
    assert 2 < value(later, age, **route) - value(first, age, **route) < 30
    assert network.cli("messages", "drop", identifier).code == 0

    def gone() -> bool:
        return value(scrape(relayer_url(network)), age, **route) == 0

    until(gone, "what was dropped is not waited for")
    assert value(scrape(relayer_url(network)), "astralink_queue_messages", **route, stage="dropped")


async def _registry_of_b(sides: dict[str, Side]) -> str:
    return sides["B"].record.registry  # a contract that has no handle()


@ON_ONE_KIND
def test_health_says_which_relayer_it_is(network: Network) -> None:
    body = httpx.get(f"{relayer_url(network)}/v1/health").raise_for_status().json()
    assert body.keys() == {"status", "version", "replica", "uptime_s"}
    assert (body["status"], body["version"], body["replica"]) == ("ok", __version__, "relayer")
    assert body["uptime_s"] > 0
    assert httpx.get(f"{relayer_url(network)}/v1/other").status_code == 404


@ON_ONE_KIND
@pytest.mark.parametrize(
    ("process", "reason"), [("keyservice", "expected a quorum of 2"), ("chain-B", "chain B: ")]
)
def test_it_is_not_ready_while_something_is_missing(
    network: Network, process: str, reason: str
) -> None:
    until(lambda: is_ready(network), "it is ready before")
    network.world.processes.stop(process)

    def named() -> bool:
        status, reasons = ready(network)
        return status == 503 and any(reason in one for one in reasons)

    until(named, f"it says why it is not ready without {process}")
    assert httpx.get(f"{relayer_url(network)}/v1/health").status_code == 200
    network.up()
    until(lambda: is_ready(network), "it is ready again")
    (identifier,) = network.send(f"after {process}")
    network.reaches(identifier)


@ON_ONE_KIND
def test_attestors_and_key_service_count_what_they_sign(network: Network) -> None:
    (identifier,) = network.send("signed")
    network.reaches(identifier)
    for attestor in network.world.config().attestors:
        samples = scrape(attestor.url)
        assert value(samples, "astralink_attestor_halted", chain="A") == 0
        assert value(samples, "astralink_attestor_messages", chain="A") >= 1
        assert value(samples, "astralink_attestor_final_block", chain="A") > 0
        assert value(samples, "astralink_attestor_keyservice_up") == 1
        # Who reads metrics needs no token; who wants a signature does.
        assert httpx.post(f"{attestor.url}/v1/signatures").status_code == 401
    url = network.world.config().key_service.url
    before = scrape(url)
    assert total(before, "astralink_keyservice_signatures_total", outcome="signed") >= 2

    async def ask_for_two_roots(sides: dict[str, Side]) -> None:
        from bridge.apps.devnet.world import key_service_client
        from bridge.domain.errors import Equivocation

        route = Route(sides["A"], sides["B"])
        async with key_service_client(network.world.config()) as service:
            record = (await service.keys())[0]
            size = 1_000_000  # of a tree that there is not
            await service.sign_checkpoint(record.key_id, route.checkpoint(b"\1" * 32, size, 9))
            with pytest.raises(Equivocation):
                await service.sign_checkpoint(record.key_id, route.checkpoint(b"\2" * 32, size, 9))

    refused = "astralink_keyservice_equivocations_refused_total"
    network.on_chain(ask_for_two_roots)
    first = total(scrape(url), refused)
    network.on_chain(ask_for_two_roots)  # the first root is signed again, the second never
    assert first >= 1
    assert total(scrape(url), refused) == first + 1


@ON_ONE_KIND
def test_a_message_is_followed_through_the_logs_of_all_processes(network: Network) -> None:
    (identifier,) = network.send("followed")
    entry = network.reaches(identifier)
    lines = logged(network, "relayer")
    own = {line["event"]: line for line in lines if line.get("message") == identifier}
    stages = {"observed", "finalized", "batched", "attested", "delivered", "confirmed"}
    assert stages <= own.keys()
    assert {own[stage]["route"] for stage in stages} == {"A->B"}
    for stage in ("attested", "delivered"):
        transaction = own[stage]["transaction"]
        assert transaction in [
            line["transaction"] for line in lines if line["event"] == "transaction_sending"
        ]
    digest = digest_of(network, entry)
    assert digest in [line["digest"] for line in lines if line["event"] == "signatures_asked"]
    signed = [
        (process, line)
        for process in ("attestor-signer-1", "attestor-signer-2", "attestor-signer-3", "keyservice")
        for line in logged(network, process)
        if line.get("digest") == digest and line["event"].endswith("checkpoint_signed")
    ]
    assert len({process for process, _ in signed}) >= 3
    assert {line["root"] for _, line in signed} == {own["batched"]["root"]}


def digest_of(network: Network, entry: Entry) -> str:
    async def compute(sides: dict[str, Side]) -> str:
        route = Route(sides["A"], sides["B"])
        assert entry.root is not None
        assert entry.size is not None
        epoch = await route.destination.registry.current_epoch()
        checkpoint = route.checkpoint(entry.root, entry.size, epoch)
        return "0x" + checkpoint_digest(checkpoint).hex()

    return network.on_chain(compute)


async def test_a_reorg_is_noticed_by_its_depth(kind: str, start: Callable[..., Node]) -> None:
    node = start(kind, block_time_s=60.0)
    async with ChainClient(node.settings()) as client:
        heads = Heads()
        for _ in range(6):
            await client.request("evm_mine")
            assert await heads.gone(client, await client.block("latest")) == 0
        assert await heads.gone(client, await client.block("latest")) == 0
        for _ in range(3):  # heads that were never looked at
            await client.request("evm_mine")
        assert await heads.gone(client, await client.block("latest")) == 0
        before = await client.block("latest")
        await client.request("anvil_reorg", 2, [])
        assert (await client.block("latest")).number >= before.number
        # The two blocks below the head were not seen: it counts from the last that was.
        assert await heads.gone(client, await client.block("latest")) == 3
        assert await heads.gone(client, await client.block("latest")) == 0
        await client.request("evm_mine")
        assert await heads.gone(client, await client.block("latest")) == 0
        await client.request("anvil_reorg", 1, [])
        assert await heads.gone(client, await client.block("latest")) == 1


@ON_ONE_KIND
def test_a_reorg_is_counted(network: Network) -> None:
    before = scrape(relayer_url(network))

    async def reorg(sides: dict[str, Side]) -> None:
        await sides["A"].client.request("anvil_reorg", 2, [])  # all that is not final

    def counted() -> bool:
        network.on_chain(reorg)
        time.sleep(1)  # a block may go before anybody looked at it
        name = "astralink_reorgs_total"
        after = scrape(relayer_url(network))
        return value(after, name, chain="A") > value(before, name, chain="A")

    until(counted, "a reorg was counted")
    assert value(scrape(relayer_url(network)), "astralink_reorg_depth_blocks", chain="A") >= 1
    (identifier,) = network.send("after a reorg")
    network.reaches(identifier)
