"""One fault at a time, each survived: what was sent before, during and after it arrives once.

`make test` does a sample of the table that has each family; FAULTS=all does all of it.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.chain.anvil import find_anvil
from tests.faults.clock import set_clock
from tests.faults.single import Ground
from tests.postgres import find_binaries
from tests.soak.faults import FAULTS
from tests.soak.network import RelayerPlan
from tests.soak.traffic import DELIVERED, Kind

ALL = os.environ.get("FAULTS") == "all"
RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(time.time_ns()))
"""The same in each worker of a run: all of them must find the same cases."""
SEED = int(os.environ.get("FAULT_SEED") or zlib.crc32(RUN.encode()) % 1_000_000)
HOURS_S = 3 * 3_600
STRUCK_S = 120.0
DISK = "1m"

FAMILIES = {
    "rpc": [name for name in FAULTS if name.startswith("endpoint")],
    "chain": ["no blocks", "chain restarted with its state", "chain stopped for a while"],
    "journal": ["PostgreSQL crashes"],
    "account": ["account drained", "base fee jumps"],
    "process": [
        "relayer stopped for a while",
        "attestor stopped for a while",
        "key service stopped for a while",
    ],
}
CASES = [(kind, name) for kind, names in FAMILIES.items() for name in names]
JOURNALS = ["one journal", "two journals"]
if not ALL:
    CASES = [(kind, random.Random(SEED).choice(names)) for kind, names in FAMILIES.items()]

pytestmark = [
    pytest.mark.skipif(find_anvil() is None, reason="no Anvil: run make tools"),
    pytest.mark.skipif(
        find_binaries() is None, reason="no PostgreSQL: install Debian's package postgresql"
    ),
    pytest.mark.timeout(900),
    # What a server that is ended in the middle of a request leaves behind.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with Ground(tmp_path_factory.mktemp("single") / "state", seed=SEED) as ground:
        yield ground


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_a_fault_of_the_table(
    ground: Ground, kind: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    print(f"FAULT_SEED={SEED}")
    # The endpoint that is preferred: the relayers trust it first.
    monkeypatch.setattr(ground.faults, "place", lambda: (ground.faults.chain(), 0))
    found = ground.survives(kind, name)
    assert found.delivered[Kind.ORDINARY] == found.dispatched[Kind.ORDINARY]
    assert found.delivered[Kind.REVERTS] == 0 < found.waiting[Kind.REVERTS]


POISON = {
    "recipient that always reverts": [Kind.REVERTS],
    "recipient that burns all gas": [Kind.BURNS],
    "several poisoned messages in the middle of a batch": [
        Kind.BURNS,
        Kind.LARGE,
        Kind.REVERT_BOMB,
        Kind.RETURN_BOMB,
        Kind.SPINS,
        Kind.REVERTS,
        Kind.SHORT_OF_GAS,
    ],
}


@pytest.mark.parametrize("name", POISON)
def test_a_poisoned_message_holds_up_nobody(ground: Ground, name: str) -> None:
    before = ground.count()
    healthy = [Kind.ORDINARY] * 6
    began = time.monotonic()
    ground.send([*healthy, *POISON[name], *healthy])
    found = ground.well("recipient", name, "in the middle of a batch", began, before)
    for kind in found.dispatched:
        arrived = found.dispatched[kind] if kind in DELIVERED else 0
        assert found.delivered[kind] == arrived
    for kind in POISON[name]:
        if kind not in DELIVERED:
            assert found.waiting[kind] + found.dead[kind] == found.dispatched[kind]
            assert found.reasons[kind]


@pytest.mark.parametrize("journals", JOURNALS if ALL else [random.Random(SEED).choice(JOURNALS)])
def test_two_relayers_with_one_account_by_mistake(tmp_path: Path, journals: str) -> None:
    own = tmp_path / "second.sqlite" if journals == "two journals" else None
    plans = (RelayerPlan("relayer-1", 1), RelayerPlan("relayer-2", 1, own))
    with Ground(tmp_path / "state", plans) as ground:
        ground.count()
        began = time.monotonic()
        for _ in range(4):
            ground.send()
            time.sleep(3)
        found = ground.well("account", "two relayers with the same account", journals, began)
        assert found.waiting[Kind.REVERTS] == found.dispatched[Kind.REVERTS]


def test_a_full_disk_under_the_journal(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(disk)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("a small file system for the journal needs root and the right to mount")
    try:
        with Ground(
            tmp_path / "state", [RelayerPlan("relayer-1", 1, disk / "journal.sqlite")]
        ) as ground:
            ground.count()
            ground.send()
            log = ground.network.processes["relayer-1"].log
            _says(log, '"event": "finalized"')
            ballast = disk / "ballast"
            with contextlib.suppress(OSError), ballast.open("wb") as file:
                while True:
                    file.write(bytes(4_096))
                    file.flush()
            ground.send([Kind.LARGE] * 20)
            _says(log, "database or disk is full")
            time.sleep(5)
            # Room for what it has already, and for the large messages.
            ballast.unlink()
            subprocess.run([*mount[:3], "-o", "remount,size=64m", str(disk)], check=True)
            began = time.monotonic()
            ground.send()
            found = ground.well("journal", "disk full", "SQLite", began)
            assert found.delivered[Kind.LARGE] == found.dispatched[Kind.LARGE] >= 20
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def _says(log: Path, words: str, after: int = 0) -> None:
    """Return when a process has logged ``words`` behind byte ``after``."""
    deadline = time.monotonic() + STRUCK_S
    while words.encode() not in log.read_bytes()[after:]:
        assert time.monotonic() < deadline, f"{words}: not in {log.read_text()[-2_000:]}"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def clocks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("clocks") / "state"
    with Ground(folder, program="tests.faults.clock") as ground:
        yield ground


DAEMONS = ("relayer-1", "relayer-2", "attestor-signer-1", "keyservice")


@pytest.mark.parametrize("ahead_s", [HOURS_S, -HOURS_S])
@pytest.mark.parametrize("name", DAEMONS if ALL else DAEMONS[:1])
def test_a_clock_that_is_set(clocks: Ground, name: str, ahead_s: int) -> None:
    before = clocks.count()
    clocks.send()
    set_clock(clocks.network.layout.folder, name, ahead_s)
    time.sleep(2)
    clocks.send()
    time.sleep(8)
    set_clock(clocks.network.layout.folder, name, 0)
    began = time.monotonic()
    clocks.send()
    step = f"clock {'+' if ahead_s > 0 else '-'}{HOURS_S // 3_600} h and back"
    clocks.well("clock", step, name, began, before)


def test_one_whose_clock_is_ahead_is_not_taken_for_alive_when_it_died(clocks: Ground) -> None:
    folder, process = clocks.network.layout.folder, clocks.network.processes["relayer-1"]
    before = clocks.count()
    set_clock(folder, "relayer-1", HOURS_S)
    clocks.send()
    time.sleep(4)
    process.end(signal.SIGKILL)
    died = time.monotonic()
    log = clocks.network.processes["relayer-2"].log
    said = log.stat().st_size
    clocks.send()
    try:
        _says(log, '"event": "attested"', said)
    finally:
        set_clock(folder, "relayer-1", 0)
        process.start()
    clocks.well("clock", "clock +3 h, then kill -9", "relayer-1", died, before)
