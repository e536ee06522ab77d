"""Two relayers on one PostgreSQL journal share the work, and one takes over from the other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from bridge.apps.devnet.layout import ANY_PORTS
from bridge.apps.devnet.world import ChainKind
from bridge.apps.operators import relayer_account
from bridge.chain.anvil import find_anvil
from bridge.chain.development import development_accounts
from bridge.relayer.journal import Entry, Journal, Purpose, State
from bridge.relayer.route import Side
from tests.integration.conftest import ROOT, Network, environment, processes_with, until
from tests.integration.test_observability import ready, relayer_url, scrape, total, value
from tests.postgres import Server

TAKEN_OVER_S = 10.0
SECOND = 6
"""The development account of the second relayer."""

pytestmark = pytest.mark.skipif(find_anvil() is None, reason="no Anvil: run make tools")


class Shared(Network):
    """A network whose journal is in PostgreSQL."""

    url: str

    def entries(self) -> list[Entry]:
        journal = Journal(self.url)
        try:
            return journal.all_entries()
        finally:
            journal.close()


@pytest.fixture
def shared(tmp_path: Path, postgres: Server) -> Iterator[Shared]:
    network = Shared(tmp_path / "state", ChainKind.ANVIL)
    network.url = postgres.create(f"relay_{uuid4().hex}")
    network.world.configure(ANY_PORTS)
    config = network.world.layout.config
    text = config.read_text()
    assert 'journal = "journal.sqlite"' in text
    config.write_text(text.replace('journal = "journal.sqlite"', f'journal = "{network.url}"'))
    network.up()
    assert not network.world.layout.journal.exists()
    assert "relayer" in network.running(), network.world.processes.log_tail("relayer")
    yield network
    network.end()
    assert processes_with(str(network.folder)) == []


@pytest.fixture
def second(shared: Shared, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another relayer on the same journal, with an account of its own."""
    key = tmp_path / "second.key"
    key.touch(mode=0o600)
    key.write_text(bytes(development_accounts()[SECOND].key).hex() + "\n")
    log = (tmp_path / "second.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "bridge.apps.cli", "relay", "--state", str(shared.folder)],
        cwd=ROOT,
        env=environment(
            ASTRALINK_RELAYER__REPLICA="second",
            ASTRALINK_RELAYER__ACCOUNT_KEY_FILE=str(key),
            ASTRALINK_RELAYER__LISTEN_URL="",
        ),
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    until(lambda: b"relayer_started" in (tmp_path / "second.log").read_bytes(), "it started")
    yield process
    process.send_signal(signal.SIGCONT)  # a test that failed may have left it stopped
    process.terminate()
    process.wait(20)
    log.close()


def test_one_dies_and_the_other_takes_over(shared: Shared, second: subprocess.Popen[bytes]) -> None:
    began = time.monotonic()
    first = shared.send(*(f"both are there: {number}" for number in range(6)))
    for identifier in first:
        shared.reaches(identifier)
    ordinary_s = time.monotonic() - began
    assert "relayer" in shared.running(), shared.world.processes.log_tail("relayer")
    os.kill(shared.pid("relayer"), signal.SIGKILL)
    died = time.monotonic()
    later = shared.send(*(f"one is left: {number}" for number in range(6)))
    for identifier in later:
        shared.reaches(identifier, "attested", "delivered", "confirmed")
    assert time.monotonic() - died < TAKEN_OVER_S + 2 * ordinary_s
    for identifier in later:
        shared.reaches(identifier)
    for identifier in first + later:
        assert shared.deliveries(identifier) == 1
    assert second.poll() is None


@pytest.mark.parametrize("purpose", [Purpose.ATTEST, Purpose.DELIVER])
def test_what_the_dead_one_had_under_way_is_taken_over(
    shared: Shared, second: subprocess.Popen[bytes], purpose: Purpose
) -> None:
    """It dies with a transaction sent that no block ever has."""
    account = relayer_account().address

    def under_way(wanted: Purpose) -> bool:
        journal = Journal(shared.url)
        try:
            found = journal.open_transactions(chain_id, account)
        finally:
            journal.close()
        return any(one.state is State.SENT and one.draft.purpose is wanted for one in found)

    async def ask(sides: dict[str, Side], *requests: tuple[object, ...]) -> int:
        client = sides["B"].client
        for method, *params in requests:
            await client.request(str(method), *params)
        return client.settings.chain_id

    def on_b(*requests: tuple[object, ...]) -> int:
        return shared.on_chain(lambda sides: ask(sides, *requests))

    second.send_signal(signal.SIGSTOP)  # the first does all
    chain_id = on_b(("evm_setAutomine", False), ("evm_setIntervalMining", 0))
    (identifier,) = shared.send("on its way when it died")
    until(lambda: under_way(Purpose.ATTEST), "an attestation is sent")
    if purpose is Purpose.DELIVER:
        on_b(("evm_mine",))
        until(lambda: under_way(Purpose.DELIVER), "a delivery is sent")
    os.kill(shared.pid("relayer"), signal.SIGKILL)
    on_b(("anvil_dropAllTransactions",), ("evm_setAutomine", True), ("evm_setIntervalMining", 1))
    second.send_signal(signal.SIGCONT)
    shared.reaches(identifier)
    assert shared.deliveries(identifier) == 1


def test_the_one_that_was_started_first_takes_over_as_well(
    shared: Shared, second: subprocess.Popen[bytes]
) -> None:
    before = shared.send("both are there")
    shared.reaches(before[0])
    second.kill()
    second.wait(20)
    (after,) = shared.send("the second is gone")
    shared.reaches(after)
    assert shared.deliveries(after) == 1


def test_who_cannot_pay_leaves_the_work_to_who_can(
    shared: Shared, second: subprocess.Popen[bytes]
) -> None:
    """The first holds the leases, and its account is empty on the destination."""
    address = relayer_account().address

    async def drain(sides: dict[str, Side]) -> None:
        await sides["B"].client.request("anvil_setBalance", address, "0x0")

    shared.on_chain(drain)
    identifiers = shared.send(*(f"somebody pays: {number}" for number in range(3)))
    for identifier in identifiers:
        shared.reaches(identifier)
        assert shared.deliveries(identifier) == 1
    assert b"AccountEmpty" in shared.world.processes.log_file("relayer").read_bytes()
    assert second.poll() is None


def journal_up(network: Network) -> bool:
    return value(scrape(relayer_url(network)), "astralink_journal_up") == 1


def test_the_journals_server_is_restarted_under_load(shared: Shared, postgres: Server) -> None:
    identifiers = shared.send(*(f"before: {number}" for number in range(3)))
    before = scrape(relayer_url(shared))
    postgres.stop("immediate")
    try:
        until(lambda: not journal_up(shared), "its absence is told")
        status, reasons = ready(shared)
        assert status == 503
        assert any("journal" in one for one in reasons)
        # What was known stays, and what needs no journal goes on.
        during = scrape(relayer_url(shared))
        name = "astralink_journal_size_bytes"
        assert value(during, name) == value(before, name)
        assert total(during, "astralink_loop_failures_total", error="JournalUnavailable") > 0
    finally:
        postgres.start()
    until(lambda: journal_up(shared), "its return is told")
    identifiers += shared.send("after")
    for identifier in identifiers:
        shared.reaches(identifier)
        assert shared.deliveries(identifier) == 1
    assert "relayer" in shared.running()
