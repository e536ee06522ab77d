"""What a KME tells its operator: metrics, health, readiness. Two KMEs in one process."""

import dataclasses
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bridge.domain.errors import InputError, KmeUnreachable, SourceUnhealthy
from bridge.keyservice.database import open_database
from bridge.keyservice.kme.app import create_app
from bridge.keyservice.kme.entity import KeyManagementEntity
from bridge.keyservice.kme.link import LinkFeeder
from bridge.keyservice.kme.operatorapp import create_operator_app
from bridge.keyservice.kme.peerwire import PromiseBody
from bridge.keyservice.kme.settings import KmeSettings
from bridge.keyservice.kme.wire import BAD_FORMAT, KeyRequest
from bridge.keyservice.linkblock import LinkBlock, SimulatedLink
from bridge.keyservice.pool import PoolLimits
from bridge.keyservice.tlsfiles import TlsFiles
from bridge.quantum.distillation.pipeline import BlockParameters
from bridge.quantum.entropy.source import CheckedSource
from bridge.quantum.link.randomness import Randomness

NAMES = ("kme-a", "kme-b")
SAES = {"alice": "kme-a", "bob": "kme-b"}


class Beside:
    """The other KME, asked without a wire; ``away`` while it does not answer."""

    def __init__(self, name: str, both: dict[str, KeyManagementEntity]) -> None:
        self._name = name
        self._both = both
        self.away = False

    def reserve(self, promises: Sequence[PromiseBody]) -> None:
        if self.away:
            raise KmeUnreachable(f"https://{self._name}", "gone")
        (owner,) = set(NAMES) - {self._name}
        self._both[self._name].keep(owner, promises)


@dataclasses.dataclass
class Pair:
    both: dict[str, KeyManagementEntity]
    peers: dict[str, Beside]

    def deposit(self, block: LinkBlock, link_id: str = "link-1", age_s: float = 0.0) -> None:
        history = dataclasses.replace(
            block.history,
            block_id=str(uuid4()),
            link_id=link_id,
            owner="kme-a",
            created_at=time.time() - age_s,
        )
        for name in ("kme-b", "kme-a"):
            self.both[name].deposit(link_id, dataclasses.replace(block, history=history))

    def app(self, name: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(create_operator_app(self.both[name]))
        return httpx.AsyncClient(transport=transport, base_url="http://kme")

    async def samples(self, name: str) -> dict[tuple[str, ...], float]:
        async with self.app(name) as http:
            answer = await http.get("/metrics")
        assert answer.status_code == 200
        return {
            (one.name, *one.labels.values()): one.value
            for family in text_string_to_metric_families(answer.text)
            for one in family.samples
        }


def settings(folder: Path, name: str, **more: object) -> KmeSettings:
    (peer,) = set(NAMES) - {name}
    nothing = folder / "none"
    values = {
        "kme_id": name,
        "peer_id": peer,
        "peer_url": f"https://{peer}",
        "database": folder / f"{name}.sqlite",
        "sealing": folder / name,
        "tls": TlsFiles(nothing, nothing, nothing),
        "saes": SAES,
        "links": ("link-1", "link-2"),
        "limits": PoolLimits(high_bits=1 << 20, low_bits=1 << 19, reserve_bits=512),
    }
    return KmeSettings(**(values | more))  # type: ignore[arg-type]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    both: dict[str, KeyManagementEntity] = {}
    peers = {name: Beside(name, both) for name in NAMES}
    for name, peer in zip(NAMES, reversed(NAMES), strict=True):
        one = settings(tmp_path, name)
        both[name] = KeyManagementEntity(one, open_database(one.database, one.sealing), peers[peer])
    yield Pair(both, peers)
    for entity in both.values():
        entity.database.close()


async def test_keys_are_told_by_link_with_the_age_of_the_oldest(
    pair: Pair, blocks: tuple[LinkBlock, LinkBlock]
) -> None:
    assert ("astralink_kme_stored_keys", "link-1") not in await pair.samples("kme-a")
    pair.deposit(blocks[0], "link-1", age_s=100.0)
    pair.deposit(blocks[1], "link-1", age_s=10.0)
    pair.deposit(blocks[0], "link-2", age_s=30.0)
    told = await pair.samples("kme-a")
    of_both = 8 * (len(blocks[0].key) + len(blocks[1].key)) // 256
    assert told["astralink_kme_stored_keys", "link-1"] == of_both
    assert told["astralink_kme_stored_keys", "link-2"] == 8 * len(blocks[0].key) // 256
    assert 100 <= told["astralink_kme_oldest_key_age_seconds", "link-1"] < 160
    assert 30 <= told["astralink_kme_oldest_key_age_seconds", "link-2"] < 90
    assert told["astralink_kme_capacity_keys",] == (1 << 33) // 256
    assert told["astralink_kme_database_up",] == told["astralink_kme_peer_up",] == 1
    other = await pair.samples("kme-b")
    assert not [key for key in other if key[0] == "astralink_kme_stored_keys"], "it owns none"


async def test_delivered_keys_and_requests_are_counted_by_method_and_status(
    pair: Pair, blocks: tuple[LinkBlock, LinkBlock]
) -> None:
    pair.deposit(blocks[0])
    first, second = pair.both["kme-a"], pair.both["kme-b"]
    keys = first.get_key("alice", "bob", KeyRequest(number=3, size=256))
    assert (await pair.samples("kme-b"))["astralink_kme_waiting_keys",] == 3
    second.get_key_with_ids("bob", "alice", [keys[0].key_id, keys[1].key_id])
    assert (await pair.samples("kme-b"))["astralink_kme_waiting_keys",] == 1
    for entity, method, count in ((first, "enc_keys", 3), (second, "dec_keys", 2)):
        told = await pair.samples(entity.settings.kme_id)
        assert told["astralink_kme_keys_delivered_total", method] == count
    transport = httpx.ASGITransport(create_app(first))
    async with httpx.AsyncClient(transport=transport, base_url="http://kme") as http:
        for path in ("bob/status", "bob/status", "bob/enc_keys", "a/b/dec_keys"):
            answer = await http.get(f"/api/v1/keys/{path}")
            assert answer.status_code == (400 if "dec" in path else 401)
        assert (await http.get("/elsewhere")).status_code == 404
    told = await pair.samples("kme-a")
    counted = {key[1:]: value for key, value in told.items() if key[0].endswith("requests_total")}
    assert counted == {
        ("401", "status"): 2,
        ("401", "enc_keys"): 1,
        ("400", "dec_keys"): 1,
        ("404", "other"): 1,
    }


@pytest.mark.parametrize("method", ["status", "enc_keys", "dec_keys"])
async def test_an_id_with_a_line_break_is_a_bad_format_and_no_404(pair: Pair, method: str) -> None:
    transport = httpx.ASGITransport(create_app(pair.both["kme-a"]))
    async with httpx.AsyncClient(transport=transport, base_url="http://kme") as http:
        answer = await http.get(f"/api/v1/keys/a%0Ab/{method}")
        assert answer.status_code == 400
        assert answer.json()["message"] == BAD_FORMAT
        assert (await http.get("/api/v1/keys/a%0Ab/other")).status_code == 404


async def test_no_sae_and_no_key_is_told(pair: Pair, blocks: tuple[LinkBlock, LinkBlock]) -> None:
    pair.deposit(blocks[0])
    (key,) = pair.both["kme-a"].get_key("alice", "bob", KeyRequest())
    async with pair.app("kme-a") as http:
        text = (await http.get("/metrics")).text
    assert key.key_id not in text
    assert not re.search("alice|bob", text)


async def test_ready_is_who_could_give_a_key_now(
    pair: Pair, blocks: tuple[LinkBlock, LinkBlock]
) -> None:
    async with pair.app("kme-a") as http:
        assert (await http.get("/v1/health")).json() == {"status": "ok", "kme_id": "kme-a"}
        answer = await http.get("/v1/ready")
        assert answer.status_code == 503
        assert answer.json() == {
            "ready": False,
            "reasons": ["0 bits are there to take, a key has 256"],
        }
        pair.deposit(blocks[0])
        answer = await http.get("/v1/ready")
        assert (answer.status_code, answer.json()) == (200, {"ready": True, "reasons": []})

        pair.peers["kme-b"].away = True
        with pytest.raises(Exception, match="gone"):
            pair.both["kme-a"].get_key("alice", "bob", KeyRequest())
        answer = await http.get("/v1/ready")
        assert answer.status_code == 503
        assert answer.json()["reasons"] == ["KME kme-b did not answer"]
        assert (await pair.samples("kme-a"))["astralink_kme_peer_up",] == 0


def remove(folder: Path, name: str) -> None:
    for path in folder.glob(f"{name}*"):
        path.unlink()


async def test_a_database_that_is_gone_is_told(
    pair: Pair, blocks: tuple[LinkBlock, LinkBlock], tmp_path: Path
) -> None:
    pair.deposit(blocks[0])
    pair.both["kme-a"].database.close()
    remove(tmp_path, "kme-a.sqlite")
    async with pair.app("kme-a") as http:
        answer = await http.get("/v1/ready")
        assert answer.status_code == 503
        assert "the database does not answer: no such table" in answer.json()["reasons"][0]
        assert (await http.get("/v1/health")).status_code == 200
    told = await pair.samples("kme-a")
    assert told["astralink_kme_database_up",] == 0
    assert not [key for key in told if key[0] == "astralink_kme_stored_keys"]


def test_a_retention_below_the_wait_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least the 3600 s that a key waits, got 3599"):
        settings(tmp_path, "kme-a", retention_s=3599.0)


def test_a_link_whose_randomness_fails_feeds_nobody(pair: Pair) -> None:
    class End:
        def __init__(self, entity: KeyManagementEntity) -> None:
            self._entity = entity

        def level(self) -> object:
            limits = self._entity.settings.limits
            return dataclasses.make_dataclass("Level", ["kme_id", "bits", "low_bits", "high_bits"])(
                self._entity.settings.kme_id,
                self._entity.pool.bits,
                limits.low_bits,
                limits.high_bits,
            )

        def deposit(self, block: LinkBlock) -> None:
            self._entity.deposit("link-1", block)

    stuck = SimulatedLink(
        BlockParameters(pulses=1 << 16),
        "link-1",
        "link-1",
        lambda: Randomness(CheckedSource(lambda count: b"\x5a" * count), reproducible=False),
    )
    ends = End(pair.both["kme-a"]), End(pair.both["kme-b"])
    feeder = LinkFeeder(stuck, ends)  # type: ignore[arg-type]
    for _ in range(2):
        with pytest.raises(SourceUnhealthy, match="repetition count"):
            feeder.step()
    assert feeder.fed == 0
    assert pair.both["kme-a"].pool.bits == 0
    stuck.restart()
    stuck.randomness = lambda: Randomness.system()
    assert feeder.step()
    assert feeder.fed == 1
