"""Every process killed at every stage, chains reorged, and everything delivered once all the same.

`make test` runs a sample that has each stage and each target; `make faults` (FAULTS=all) runs all
cases and writes docs/faults.md. FAULT_SEED chooses the points and repeats a run.
"""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Iterator

import pytest

from bridge.chain.anvil import find_anvil
from bridge.relayer.audit import Audit
from tests.faults import page
from tests.faults.cases import Case, all_cases, sample
from tests.faults.network import FaultNetwork
from tests.faults.points import STAGES
from tests.integration.conftest import processes_with

RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(time.time_ns()))
"""The same in each worker of a run: all of them must find the same cases."""
SEED = int(os.environ.get("FAULT_SEED") or zlib.crc32(RUN.encode()) % 1_000_000)
ALL = os.environ.get("FAULTS") == "all"
ONLY = os.environ.get("FAULT_ONLY", "")
MESSAGES_EACH_WAY = 2
STRUCK_S = 120.0

pytestmark = [
    pytest.mark.skipif(find_anvil() is None, reason="no Anvil: run make tools"),
    pytest.mark.timeout(600),
]


def _cases() -> list[Case]:
    everything = all_cases(SEED)
    chosen = everything if ALL or ONLY else sample(everything, SEED)
    return [case for case in chosen if ONLY in str(case)]


@pytest.fixture(scope="module")
def faults(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FaultNetwork]:
    """The network of a group of cases; the last one is down before the next is up."""
    group: str = request.param
    network = FaultNetwork(tmp_path_factory.mktemp(f"faults-{group}") / "state", group)
    try:
        network.up()
        yield network
    finally:
        network.down()
    assert processes_with(str(network.folder)) == []


@pytest.mark.parametrize(
    ("faults", "case"),
    [pytest.param(case.group, case, id=str(case)) for case in _cases()],
    indirect=["faults"],
    scope="module",
)
def test_all_is_delivered_once(faults: FaultNetwork, case: Case) -> None:
    print(f"FAULT_SEED={SEED}")
    before = faults.settle()
    faults.mark_logs()
    urls = {name: chain.urls[0] for name, chain in faults.world.config().chains.items()}
    point = case.point
    faults.arm(point.process, point.function, point.when, point.wants, *case.actions(urls))
    faults.dispatch(MESSAGES_EACH_WAY)
    struck_at = faults.until_struck(STRUCK_S)
    found = before
    try:
        found = faults.settle()
        seconds = time.time() - struck_at
        assert "error" not in faults.struck()  # a chain that was told to reorg did
        assert faults.errors() == []
    except Exception:  # who interrupts the tests is no failure of the bridge
        _record(case, before, found, time.time() - struck_at, "failed")
        raise
    _record(case, before, found, seconds, "well")
    # No recipient here refuses anything.
    assert _counts(found) == _counts(found, "delivered")
    assert all(one.failed_attempts == 0 for one in found.routes)


def _record(case: Case, before: Audit, found: Audit, seconds: float, result: str) -> None:
    page.record(
        case.kind,
        case.fault,
        str(case.point),
        _counts(found) - _counts(before),
        _counts(found, "delivered") - _counts(before, "delivered"),
        found.journal.stages.get("dead_letter", 0) if found.journal else 0,
        seconds,
        result,
        stage=case.stage,
        process=case.point.process,
        target=case.target,
        depth=case.depth,
        seed=SEED,
    )


def _counts(found: Audit, what: str = "dispatched") -> int:
    return sum(getattr(one, what) for one in found.routes)


def test_the_sample_has_every_stage_and_every_target() -> None:
    for seed in range(20):
        everything = all_cases(seed)
        chosen = sample(everything, seed)
        assert {case.stage for case in chosen} >= set(STAGES)
        assert {case.stage for case in chosen} == {case.stage for case in everything}
        assert {(c.kind, c.target) for c in chosen} == {(c.kind, c.target) for c in everything}
        assert len(chosen) <= len(STAGES) + 5
    assert sample(all_cases(1), 1) == sample(all_cases(1), 1)
    assert len({str(case) for case in all_cases(1)}) == len(all_cases(1))
