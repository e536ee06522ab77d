"""A relayer that polls twice a minute and is woken by its chains; its traces go to a collector."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bridge.apps.devnet.layout import ANY_PORTS
from bridge.apps.devnet.world import ChainKind
from bridge.chain.anvil import find_anvil
from bridge.relayer import finalize as stage
from bridge.relayer.backfill import Pace
from bridge.relayer.finalize import finalize
from bridge.relayer.journal import Journal
from bridge.relayer.route import Side
from bridge.relayer.watch import ChainSeen
from bridge.relayer.worker import Worker
from tests.integration.conftest import Network, processes_with, until
from tests.integration.test_observability import relayer_url, scrape, value
from tests.otlp import Collector

pytestmark = pytest.mark.skipif(find_anvil() is None, reason="no Anvil: run make tools")

POLL_S = 30


class Cable:
    """Forwards connections to a port, until it is cut."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._ends: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        for one in (self._listener, *self._ends):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                self._ends += [near, far]
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as one:
        yield one


@pytest.fixture(scope="module")
def woken(
    tmp_path_factory: pytest.TempPathFactory, collector: Collector
) -> Iterator[tuple[Network, list[Cable]]]:
    network = Network(tmp_path_factory.mktemp("woken") / "state", ChainKind.ANVIL)
    network.world.configure(ANY_PORTS)
    path = network.world.layout.config
    text = path.read_text().replace("poll_interval_s = 0.25", f"poll_interval_s = {POLL_S}")
    cables = []
    for chain in network.world.config().chains.values():
        (url,) = chain.urls
        cables.append(Cable(int(url.rpartition(":")[2])))
        ws_url = f"ws://127.0.0.1:{cables[-1].port}"
        text = text.replace(f'rpc_url = "{url}"', f'rpc_url = "{url}"\nws_url = "{ws_url}"')
    path.write_text(f'{text}\n[telemetry]\notlp_url = "{collector.url}"\n')
    network.up()
    yield network, cables
    for cable in cables:
        cable.cut()
    network.end()
    assert processes_with(str(network.folder)) == []


def connected(network: Network) -> float:
    samples = scrape(relayer_url(network))
    return sum(value(samples, "astralink_new_heads_connected", chain=name) for name in ("A", "B"))


def events(network: Network) -> list[dict[str, Any]]:
    text = network.world.processes.log_file("relayer").read_text()
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_a_message_waits_for_no_poll(
    woken: tuple[Network, list[Cable]], collector: Collector
) -> None:
    network, _ = woken
    until(lambda: connected(network) == 2, "both chains are listened to")
    began = time.monotonic()
    (identifier,) = network.send("woken")
    entry = network.reaches(identifier)
    assert time.monotonic() - began < POLL_S - 5
    assert network.deliveries(identifier) == 1
    stages = {"observed", "finalized", "batched", "attested", "delivered", "confirmed"}
    until(lambda: collector.linked_to(entry.id) == stages, "the spans of all stages came")
    assert entry.root is not None
    assert {"batched", "attested", "delivered"} <= collector.linked_to(entry.root)


def test_an_old_chain_is_read_in_ranges_and_the_progress_told(
    woken: tuple[Network, list[Cable]],
) -> None:
    network, _ = woken
    (before,) = network.send("long ago")
    network.reaches(before)

    async def age(sides: dict[str, Side]) -> None:
        for _ in range(24):
            await sides["A"].client.request("anvil_mine", hex(50))

    network.on_chain(age)
    network.world.processes.stop("relayer")
    for file in network.folder.glob("journal.sqlite*"):
        file.unlink()
    network.up()
    network.reaches(before)  # found delivered
    assert network.deliveries(before) == 1

    def done() -> list[dict[str, Any]]:
        return [line for line in events(network) if line["event"] == "backfill_done"]

    (last,) = until(done, "it caught up")
    assert last["chain"] == "A"
    assert last["blocks"] > 1_000


def test_a_range_with_many_messages_is_written_in_parts(
    woken: tuple[Network, list[Cable]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, _ = woken
    identifiers = network.send(*(f"part {number}" for number in range(5)))
    for identifier in identifiers:
        network.reaches(identifier)
    monkeypatch.setattr(stage, "MESSAGES_A_WRITE", 2)
    journal, worker, pace = Journal(tmp_path / "other.sqlite"), Worker("journal"), Pace()
    written: list[int] = []
    write = journal.finalize

    def counted(origin: int, found: Any, cursor: Any) -> Any:
        written.append(len(found))
        if len(written) == 3 and found:
            raise RuntimeError  # the process dies before the third part
        return write(origin, found, cursor)

    monkeypatch.setattr(journal, "finalize", counted)
    pace.blocks = 5_000

    async def read(sides: dict[str, Side]) -> list[bytes]:
        with pytest.raises(RuntimeError):
            await finalize(sides["A"], journal, worker, ChainSeen(), pace)
        assert journal.cursor(1, 0).next_block == sides["A"].record.start_block
        found = await finalize(sides["A"], journal, worker, ChainSeen(), pace)
        return [entry.id for entry in found]

    later = network.on_chain(read)
    assert max(written) == 2
    kept = [entry.id for entry in journal.all_entries()]
    assert len(kept) == len(set(kept)) == journal.all_entries()[-1].message.nonce + 1
    assert {bytes.fromhex(one[2:]) for one in identifiers} <= set(kept)
    assert len(later) == len(kept) - 4  # two parts were there
    assert journal.cursor(1, 0).next_block > journal.all_entries()[-1].block_number
    worker.close()
    journal.close()


def test_with_the_sockets_cut_it_polls(woken: tuple[Network, list[Cable]]) -> None:
    network, cables = woken
    until(lambda: connected(network) == 2, "both chains are listened to")
    for cable in cables:
        cable.cut()
    until(lambda: connected(network) == 0, "the loss was noticed")
    (identifier,) = network.send("polled")
    network.reaches(identifier, "delivered", "confirmed")
    assert network.deliveries(identifier) == 1
    lost = [line["chain"] for line in events(network) if line["event"] == "new_heads_lost"]
    assert sorted(lost) == ["A", "B"]  # each once, however often it tried again
