"""The gateway's answers: what a module asks is answered, and all else is told apart."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from eth_abi.abi import decode
from sqlalchemy import create_engine, text

from bridge.apps.api.ccip import FINAL, MAX_BODY_BYTES, create_app
from bridge.chain.contracts import Dispatched
from bridge.chain.events import Cursor
from bridge.chain.hyperlane import ProofRequest, announcement
from bridge.chain.records import Log
from bridge.crypto.digests import message_id
from bridge.domain.messages import Message
from bridge.relayer.journal import Batch, Journal
from bridge.relayer.prove import Prover

SENDER = "0x" + "ab" * 20
HOOK, ID = b"\x01" * 32, b"\x99" * 32
MESSAGE = Message(0, 1, HOOK, 2, b"\x02" * 32, announcement(ID))
DATA = "0x" + ProofRequest(1, HOOK, 2, ID).encode().hex()


@pytest.fixture
def journal(tmp_path: Path):
    opened = Journal(tmp_path / "journal.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def http(journal: Journal) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(create_app(Prover(journal)))
    return httpx.AsyncClient(transport=transport, base_url="http://gateway")


def attest(journal: Journal) -> None:
    log = Log("0x" + "11" * 20, (), b"", 10, b"\x0a" * 32, b"\x0b" * 32, 0)
    journal.finalize(1, [Dispatched(MESSAGE, log)], Cursor.at(0))
    batch = Batch(1, 2, 1, message_id(MESSAGE), attested=False)
    journal.open_batch(batch)
    journal.attested(batch, {})


async def test_both_ways_of_eip_3668_are_answered(journal, http) -> None:
    attest(journal)
    for answer in (
        await http.get(f"/ccip/{SENDER}/{DATA}.json"),
        await http.post("/ccip", json={"sender": SENDER, "data": DATA}),
        # Hyperlane's relayer may sign what it asks.
        await http.post("/ccip", json={"sender": SENDER, "data": DATA, "signature": "0x12"}),
    ):
        assert answer.status_code == 200
        assert list(answer.json()) == ["data"]
        metadata = bytes.fromhex(answer.json()["data"][2:])
        proof, message = decode(["bytes", "bytes"], metadata)
        assert (proof, message) == (message_id(MESSAGE), MESSAGE.encode())
        assert answer.headers["Cache-Control"] == "no-store"


async def test_what_is_final_may_be_kept(journal, http) -> None:
    attest(journal)
    journal.delivered([message_id(MESSAGE)], 20, {})
    journal.confirmed([message_id(MESSAGE)], {})
    answer = await http.get(f"/ccip/{SENDER}/{DATA}.json")
    assert answer.headers["Cache-Control"] == FINAL


async def test_what_nobody_announced_is_404(journal, http) -> None:
    answer = await http.get(f"/ccip/{SENDER}/{DATA}.json")
    assert answer.status_code == 404
    assert ID.hex() in answer.json()["message"]
    assert answer.headers["Cache-Control"] == "no-store"
    attest(journal)
    assert (await http.get(f"/ccip/{SENDER}/{DATA}.json")).status_code == 200


async def test_what_is_not_attested_is_404_and_says_so(journal, http) -> None:
    log = Log("0x" + "11" * 20, (), b"", 10, b"\x0a" * 32, b"\x0b" * 32, 0)
    journal.observe([Dispatched(MESSAGE, log)])
    answer = await http.post("/ccip", json={"sender": SENDER, "data": DATA})
    assert answer.status_code == 404
    assert "is observed: expected attested" in answer.json()["message"]


@pytest.mark.parametrize(
    ("sender", "data", "names"),
    [
        (SENDER[:-2], DATA, "sender: expected 20 bytes, got 19"),
        (SENDER[2:], DATA, "sender: expected hex"),
        ("0x" + "zz" * 20, DATA, "sender: expected pairs of hex digits"),
        (SENDER, DATA[2:], "data: expected hex"),
        (SENDER, DATA[:-1], "data: expected pairs of hex digits"),
        (SENDER, DATA[:-2], "data: expected 132 bytes"),
        (SENDER, DATA + "00", "data: expected 132 bytes"),
        (SENDER, "0x", "data: expected 132 bytes"),
        (SENDER, "0x00000000" + DATA[10:], "hyperlaneProof(uint32,bytes32,uint32,bytes32)"),
        (SENDER, DATA[:10] + "ff" * 32 + DATA[74:], "expected (uint32"),
    ],
    ids=range(10),
)
async def test_a_malformed_request_is_400_and_names_what_is_wrong(
    http, sender: str, data: str, names: str
) -> None:
    for answer in (
        await http.get(f"/ccip/{sender}/{data}.json"),
        await http.post("/ccip", json={"sender": sender, "data": data}),
    ):
        assert answer.status_code == 400
        assert names in answer.json()["message"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{no json",
        b"[]",
        b"{}",
        b'{"sender": 1, "data": 2}',
        b'{"sender": "' + SENDER.encode() + b'"}',
        b"\xff",
        b"[" * 50_000,
        b" " * (MAX_BODY_BYTES + 1),
    ],
    ids=range(9),
)
async def test_a_body_that_is_none_is_400(http, body: bytes) -> None:
    answer = await http.post("/ccip", content=body)
    assert answer.status_code == 400
    assert list(answer.json()) == ["message"]


async def test_nothing_else_is_there(http) -> None:
    for answer, status in (
        (await http.get("/"), 404),
        (await http.get("/docs"), 404),
        (await http.get(f"/ccip/{SENDER}/{DATA}"), 404),
        (await http.get("/ccip"), 405),
        (await http.delete(f"/ccip/{SENDER}/{DATA}.json"), 405),
    ):
        assert answer.status_code == status
        assert list(answer.json()) == ["message"]


async def test_a_journal_that_contradicts_itself_is_500(journal, http, tmp_path: Path) -> None:
    attest(journal)
    with create_engine(f"sqlite:///{tmp_path / 'journal.sqlite'}").begin() as db:
        db.execute(text("UPDATE messages SET root = :root"), {"root": b"\x07" * 32})
    answer = await http.get(f"/ccip/{SENDER}/{DATA}.json")
    assert answer.status_code == 500
    assert answer.json()["message"].startswith("ProofError: ")
