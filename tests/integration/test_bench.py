"""``astralink bench gas`` as a process: its names, its sums, the same figures again, --check."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest

from bridge.apps.bench.keys import CODE_BYTE_GAS, EIP_8037_CODE_BYTE_GAS, holdings
from bridge.apps.bench.peers import DELIVERY_PEERS, PEERS
from bridge.apps.bench.snapshot import flat, worse
from bridge.apps.bench.vectors import vectors
from bridge.chain.anvil import find_anvil
from bridge.chain.artifact import load

ROOT = Path(__file__).resolve().parents[2]
SNAPSHOT = ROOT / "gas-snapshot.json"
COMMAND = (sys.executable, "-m", "bridge.apps.cli", "bench", "gas")
COLD_ACCESS = 2600
BASE = 21_000
TIMEOUT_S = 120

needs_anvil = pytest.mark.skipif(find_anvil() is None, reason="no Anvil: run make tools")

WAYS = ("registered_key", "committed_key", "raw_key")
COSTS = (
    *(f"verifiers.ml_dsa_87.{way}" for way in WAYS),
    "verifiers.slh_dsa_sha2_128s",
    "verifiers.slh_dsa_sha2_256s",
)


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | environment,
        timeout=TIMEOUT_S,
        check=False,
    )


@cache
def measured() -> dict[str, Any]:
    done = run("--json")
    assert done.returncode == 0, done.stderr
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def written(path: Path, changed: dict[str, Any]) -> Path:
    path.write_text(json.dumps(changed))
    return path


def committed() -> dict[str, Any]:
    figures: dict[str, Any] = json.loads(SNAPSHOT.read_text())
    return figures


@needs_anvil
def test_every_figure_has_its_name() -> None:
    names = flat(measured())
    for cost in COSTS:
        for figure in ("gas", "calldata_bytes", "calldata_gas", "transaction_gas"):
            assert names[f"{cost}.{figure}"] > 0
    for figure in ("gas", "transactions", "bytes"):
        assert names[f"registration.ml_dsa_87.{figure}"] > 0
    assert names["registration.ml_dsa_87.transactions"] == 2
    # Four parts with their STOP; behind the first tr and three addresses of 32 bytes.
    assert names["registration.ml_dsa_87.bytes"] == 4 * (1 + 16_384) + 64 + 96
    for figure in ("gas_per_message", "messages", "attest_gas", "deliver_gas", "transactions"):
        assert names[f"delivery.1024.{figure}"] > 0
    peers = measured()["peers"]
    assert len(peers) == len(PEERS)
    for peer in (*peers, *measured()["delivery_peers"]):
        assert peer.keys() == {"project", "scheme", "gas", "source"}
        assert peer["source"].startswith(("measured, https://", "published, https://"))


@needs_anvil
def test_the_parts_add_up_to_the_whole() -> None:
    registered = measured()["verifiers"]["ml_dsa_87"]["registered_key"]
    parts = registered["parts"]
    assert set(parts) == {"decode", "shake", "transform", "matrix", "hints", "hash", "rest"}
    assert sum(parts.values()) == registered["gas"]
    assert all(gas > 0 for gas in parts.values())
    # What is around the kernel is small: a position mapped to no part would end up here.
    assert parts["rest"] < registered["gas"] // 20


@needs_anvil
@pytest.mark.parametrize("cost", COSTS)
def test_the_receipt_agrees_with_the_meter(cost: str) -> None:
    """A transaction has 21,000 and calldata more, and the verifier's address is warm in it."""
    names = flat(measured())
    gas, calldata, floor, whole = (
        names[f"{cost}.{figure}"]
        for figure in ("gas", "calldata_gas", "calldata_floor_gas", "transaction_gas")
    )
    assert whole == BASE + max(gas - COLD_ACCESS + calldata, floor)


@needs_anvil
def test_a_second_run_finds_the_same_and_what_is_committed_holds() -> None:
    done = run("--json", "--check", str(SNAPSHOT))
    assert done.returncode == 0, done.stderr
    again, first = json.loads(done.stdout), dict(measured())
    for name in ("is_verified", "is_code_verified", "revoke_by_guardian"):
        assert again["verdicts"][name] == first["verdicts"][name], name
    # Checkpoints and verdicts are signed anew each time, and a signature's bytes decide some gas.
    signed = [
        [*flat_gas(one.pop("delivery")), *one.pop("verdicts").values()] for one in (again, first)
    ]
    assert again == first
    for one, other in zip(*signed, strict=True):
        assert one == pytest.approx(other, rel=0.01)


def flat_gas(delivery: dict[str, dict[str, int]]) -> list[int]:
    return [gas for batch in delivery.values() for gas in batch.values()]


@needs_anvil
def test_a_delivered_message_costs_less_than_the_peers_from_a_batch_of_64_on() -> None:
    delivery = measured()["delivery"]
    assert list(delivery) == ["1", "64", "256", "1024"]
    for batch, one in delivery.items():
        assert one["messages"] == int(batch)
        whole = one["attest_gas"] + one["deliver_gas"]
        assert one["gas_per_message"] == -(-whole // one["messages"])
        # Three verifications, and for each message at least a new word for its recipient.
        assert one["attest_gas"] > 3 * 990_000
        assert one["deliver_gas"] > one["transactions"] * BASE + one["messages"] * 22_100
        assert one["deliver_gas"] / one["transactions"] < 1 << 24
    for batch, limit in (("64", 125_000), ("256", 70_000), ("1024", 55_000)):
        assert delivery[batch]["gas_per_message"] <= limit
    peers = measured()["delivery_peers"]
    assert len(peers) == len(DELIVERY_PEERS)
    assert delivery["64"]["gas_per_message"] < min(peer["gas"] for peer in peers)


@needs_anvil
def test_a_figure_that_grew_fails_the_check(tmp_path: Path) -> None:
    lowered = committed()
    cost = lowered["verifiers"]["slh_dsa_sha2_128s"]
    cost["gas"] = cost["gas"] * 98 // 100
    done = run("--check", str(written(tmp_path / "lowered.json", lowered)))
    assert done.returncode == 1
    assert "verifiers.slh_dsa_sha2_128s.gas" in done.stderr
    assert "verifiers.slh_dsa_sha2_256s.gas" not in done.stderr
    assert "SLH-DSA-SHA2-128s" in done.stdout  # the tables are there all the same


@needs_anvil
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_measurement_that_is_interrupted_leaves_no_anvil(number: signal.Signals) -> None:
    process = subprocess.Popen(
        [*COMMAND], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    children: list[psutil.Process] = []
    deadline = time.monotonic() + TIMEOUT_S
    while not children and process.poll() is None and time.monotonic() < deadline:
        children = psutil.Process(process.pid).children()
        time.sleep(0.02)
    assert len(children) == 1, "no Anvil was started"
    process.send_signal(number)
    _, stderr = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 130, stderr
    assert not children[0].is_running()


def test_without_anvil_the_error_says_what_to_do(tmp_path: Path) -> None:
    missing = tmp_path / "anvil"
    done = run("--json", ASTRALINK_ANVIL=str(missing))
    assert done.returncode == 2
    assert str(missing) in done.stderr
    assert done.stdout == ""
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho no luck\nexit 3\n")
    broken.chmod(0o755)
    done = run("--json", ASTRALINK_ANVIL=str(broken))
    assert done.returncode == 7
    assert "Anvil ended with 3: no luck" in done.stderr


async def test_no_anvil_at_all_names_make_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    from bridge.apps.bench import node
    from bridge.domain.errors import ProcessError

    monkeypatch.setattr(node, "find_anvil", lambda: None)
    with pytest.raises(ProcessError, match="make tools"):
        async with node.anvil():
            pass


def test_a_snapshot_that_is_none_is_bad_input(tmp_path: Path) -> None:
    for text in ("", "[]", "{}", '{"verifiers": {"gas": "many"}}'):
        path = tmp_path / "snapshot.json"
        path.write_text(text)
        done = run("--check", str(path))
        assert done.returncode == 2, done.stderr
        assert str(path) in done.stderr.replace("\n", "")


def test_one_percent_passes_and_more_does_not() -> None:
    assert worse({"a": 101}, {"a": 100}) == []
    assert worse({"a": 10_101}, {"a": 10_000}) != []
    assert worse({"a": 1}, {"a": 100}) == []
    assert worse({"a": 1, "b": 1}, {"a": 1}) == ["b: 1 measured, missing in the snapshot"]
    assert worse({"a": 1}, {"a": 1, "b": 1}) == ["b: in the snapshot, not measured"]


def test_what_a_key_costs_is_computed_from_the_figures() -> None:
    figures = committed()
    code, commitment, raw = holdings(figures)
    assert (code.way, commitment.way, raw.way) == ("contract code", "commitment", "raw")
    registered = figures["verifiers"]["ml_dsa_87"]["registered_key"]
    registration = figures["registration"]["ml_dsa_87"]
    each = registered["gas"] + registered["calldata_gas"]
    assert code.total(100) == registration["gas"] + 100 * each
    more = code.total(100, eip_8037=True) - code.total(100)
    assert more == registration["bytes"] * (EIP_8037_CODE_BYTE_GAS - CODE_BYTE_GAS)
    # A committed key's calldata is so much that EIP-7623's floor counts.
    brought = figures["verifiers"]["ml_dsa_87"]["committed_key"]
    assert commitment.each == brought["calldata_floor_gas"]
    assert brought["gas"] + brought["calldata_gas"] < commitment.each
    assert raw.total(0) == 0


def test_the_parts_cover_the_kernel_and_do_not_overlap() -> None:
    kernel = load("MlDsa87Kernel")
    ranges = sorted((begin, end) for spans in kernel.parts.values() for begin, end in spans)
    assert ranges[0][0] == 0
    assert ranges[-1][1] == len(kernel.deployed_code)
    assert all(end == begin for (_, end), (begin, _) in pairwise(ranges))


def test_the_vectors_have_the_standards_lengths() -> None:
    lengths = {
        name: (len(vector.public_key), len(vector.signature)) for name, vector in vectors().items()
    }
    assert lengths == {
        "ml_dsa_87": (2592, 4627),
        "slh_dsa_sha2_128s": (32, 7856),
        "slh_dsa_sha2_256s": (64, 29_792),
    }


@needs_anvil
def test_the_relayer_is_measured_by_names_that_stay() -> None:
    command = [*COMMAND[:-1], "relay", "--json", "--seconds", "3", "--samples", "10"]
    done = subprocess.run(
        [*command, "--backlog", "100", "--backlog", "300"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=2 * TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert list(figures["backlog"]) == ["100", "300"]
    for count, one in figures["backlog"].items():
        assert one["messages_per_s"] == pytest.approx(int(count) / one["seconds"], rel=0.02)
        assert one["cpu_s_per_1000"]["relayer"] > 0
    loads = [figures["sustained"], *figures["backlog"].values()]
    assert figures["rss_mib"] == max(one["rss_mib"] for one in loads) > 30
    assert figures["messages_per_s"] == figures["sustained"]["messages_per_s"] > 1
    for latency in (figures["added_latency_s"], figures["added_latency_slh_dsa_s"]):
        assert 0 < latency["median"] <= latency["p99"] <= latency["largest"]


@pytest.mark.parametrize(
    ("option", "value"), [("--backlog", "1"), ("--seconds", "0"), ("--samples", "9")]
)
def test_a_bench_of_nothing_is_refused(option: str, value: str) -> None:
    done = subprocess.run(
        [*COMMAND[:-1], "relay", option, value],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 2
    assert option in done.stderr
