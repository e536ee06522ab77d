"""The store of verified contracts and jobs, and what is read back of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.domain.errors import AlreadyRunning, ConfigError, SourceRefused
from bridge.verifier.match.proxies import Implementation, Proxy, ProxyKind
from bridge.verifier.match.record import proxy_from, proxy_json, standing_from
from bridge.verifier.match.store import Store

ADDRESS = "0x" + "aB" * 20
CODE = ("0x" + "11" * 32, 5)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    one = Store(tmp_path / "verified.sqlite")
    yield one
    one.close()


def put(store: Store, runtime: int, creation: int, code: tuple[str, int] = CODE) -> str:
    summary = {"match": "match", "chainId": "1", "address": ADDRESS}
    return str(store.put(1, ADDRESS, (runtime, creation), code, summary, {"abi": []})["matchId"])


def test_a_better_match_takes_the_place_of_another(store: Store) -> None:
    first = put(store, 1, 0)
    for worse in ((1, 0), (0, 0)):
        with pytest.raises(SourceRefused, match="already verified") as caught:
            put(store, *worse)
        assert caught.value.code == "already_verified"
    second = put(store, 1, 1)
    assert int(second) > int(first)
    found = store.contract(1, ADDRESS)
    assert found is not None
    assert (found.match_id, found.runtime, found.creation) == (int(second), 1, 1)
    assert store.contract(2, ADDRESS) is None
    assert [one["matchId"] for one in store.on_all_chains(ADDRESS)] == [second]


def test_code_that_changed_is_verified_anew(store: Store) -> None:
    put(store, 2, 2)
    put(store, 1, 0, ("0x" + "22" * 32, 5))
    found = store.contract(1, ADDRESS)
    assert found is not None
    assert (found.runtime, found.code_hash) == (1, "0x" + "22" * 32)
    assert [one.match_id for one in store.of_size(5, 9)] == [found.match_id]
    assert store.of_size(6, 9) == []


def test_one_job_for_a_contract_at_a_time(store: Store) -> None:
    store.begin("one", 1, ADDRESS)
    with pytest.raises(AlreadyRunning):
        store.begin("two", 1, ADDRESS)
    store.begin("other chain", 2, ADDRESS)
    assert store.unfinished() == ["one", "other chain"]
    store.finish("one", 7, {"match": "match"})
    store.begin("two", 1, ADDRESS)
    job = store.job("one")
    assert job is not None
    assert (job["isJobCompleted"], job["compilationTime"]) == (True, "7")
    assert (job["contract"], "error" in job) == ({"match": "match"}, False)
    store.finish("two", 1, {}, {"customCode": "no_match", "message": "m", "errorId": "i"})
    failed = store.job("two")
    assert failed is not None
    assert failed["error"]["customCode"] == "no_match"
    assert (failed["contract"]["match"], failed["contract"]["chainId"]) == (None, "1")
    assert store.job("three") is None


def test_it_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "verified.sqlite"
    first = Store(path)
    number = put(first, 2, 2)
    first.close()
    second = Store(path)
    found = second.contract(1, ADDRESS)
    assert found is not None
    assert str(found.match_id) == number
    second.close()


def test_a_file_that_is_something_else(tmp_path: Path) -> None:
    path = tmp_path / "verified.sqlite"
    path.write_text("no database, and longer than the header of one is: " + "x" * 100)
    with pytest.raises(ConfigError, match="expected a store of verified contracts"):
        Store(path)
    newer = tmp_path / "newer.sqlite"
    with sqlite3.connect(newer) as db:
        db.execute("PRAGMA user_version = 9")
    db.close()
    with pytest.raises(ConfigError, match="expected a store of revision 1, got 9"):
        Store(newer)


@pytest.mark.parametrize(
    "proxy",
    [
        None,
        Proxy(ProxyKind.EIP1167, (Implementation(ADDRESS, b"\x01" * 32),), None, b"arguments"),
        Proxy(ProxyKind.EIP1967_BEACON, (), Implementation(ADDRESS, b"\x02" * 32)),
    ],
)
def test_what_is_checked_again_is_read_of_a_record(proxy: Proxy | None) -> None:
    assert proxy_from(proxy_json(proxy)) == proxy
    record = {
        "chainId": "5",
        "address": ADDRESS,
        "runtimeBytecode": {"onchainBytecode": "0x6001"},
        "astralink": {
            "blockNumber": "7",
            "blockHash": "0x" + "33" * 32,
            "proxy": proxy_json(proxy),
        },
    }
    standing = standing_from(record)
    assert (standing.chain_id, standing.code, standing.proxy) == (5, b"\x60\x01", proxy)
    assert (standing.block.number, standing.block.hash) == (7, b"\x33" * 32)
