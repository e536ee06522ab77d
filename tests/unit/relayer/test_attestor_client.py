"""What the relayer makes of an attestor's answers, true ones and others, over real HTTP."""

import socket

import pytest
from aiohttp import web

from bridge.crypto.digests import checkpoint_digest
from bridge.crypto.providers import select
from bridge.domain.checkpoints import Checkpoint
from bridge.domain.contexts import CHECKPOINT_CONTEXT, ROTATION_CONTEXT
from bridge.domain.errors import AttestorLied, AttestorRefused, AttestorUnreachable, NotFinalized
from bridge.domain.keys import Algorithm, Provenance, PublicKeyRecord
from bridge.domain.quorums import Signer
from bridge.keyservice.wire import KeyBody, to_hex
from bridge.relayer import quorum
from bridge.relayer.attestor_client import BUCKETS_S, AttestorClient, Durations
from bridge.relayer.quorum import RemoteAttestor
from tests.loopback import LoopbackServer

CHECKPOINT = Checkpoint(1, 31001, b"\x11" * 20, b"\x22" * 32, 7, 2, 31002, b"\x33" * 20, 1)
DIGEST = checkpoint_digest(CHECKPOINT)
ML_DSA = Algorithm.ML_DSA_87
SIGNATURES = select().signatures
PAIR = SIGNATURES.key_pair(ML_DSA, b"\x01" * 32)
OTHER = SIGNATURES.key_pair(ML_DSA, b"\x02" * 32)
RECORD = PublicKeyRecord(
    "key-1", "signer-1", ML_DSA, PAIR.public_key, Provenance("s", True, "b", 0.0, 0, 0.1, "now")
)


def signature(pair=PAIR, digest=DIGEST, ctx=CHECKPOINT_CONTEXT):
    return to_hex(SIGNATURES.sign(ML_DSA, pair.secret, digest, ctx))


def answer(signed, digest=DIGEST, key_id="key-1"):
    return {"digest": to_hex(digest), "signatures": [{"key_id": key_id, "signature": signed}]}


def refusal(code):
    return {"error": {"code": code, "message": "because"}}


class Server(LoopbackServer):
    """Answers with what ``answers`` has next, the last for ever: (status, JSON or text)."""

    def __init__(self, *answers):
        super().__init__()
        self.answers, self.asked, self.tokens = list(answers), 0, set()
        self.app.router.add_post("/v1/signatures", self._next)
        self.app.router.add_get("/v1/{what}", self._next)

    async def _next(self, request):
        self.asked += 1
        self.tokens.add(request.headers.get("Authorization"))
        status, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(body, str):
            return web.Response(status=status, text=body)
        return web.json_response(body, status=status)


async def sign(server, timeout_s=5.0):
    async with AttestorClient(server.url, "token", timeout_s) as client:
        remote = RemoteAttestor(0, Signer.of(RECORD), client, SIGNATURES)
        try:
            return await remote.sign(None, CHECKPOINT), client.dealings
        except Exception as error:
            return error, client.dealings


async def test_a_true_signature_is_taken_and_counted():
    with Server((200, answer(signature()))) as server:
        got, dealings = await sign(server)
    SIGNATURES.verify(ML_DSA, PAIR.public_key, DIGEST, got, CHECKPOINT_CONTEXT)
    assert dealings.outcomes == {"signed": 1}
    assert sum(dealings.durations.counts) == 1
    assert dealings.durations.sum_s > 0
    assert dealings.last_error is None
    assert server.tokens == {"Bearer token"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (answer(signature(OTHER)), "does not verify"),
        (answer(signature(digest=b"\x66" * 32)), "does not verify"),
        (answer(signature(ctx=ROTATION_CONTEXT)), "does not verify"),
        (answer("0x00"), "expected 4627 bytes, got 1"),
        (answer(signature(), digest=b"\x66" * 32), "got one over 0x6666"),
        (answer(signature(), key_id="key-2"), r"expected keys \['key-1'\], got \['key-2'\]"),
        ({"digest": to_hex(DIGEST), "signatures": []}, r"got \[\]"),
    ],
)
async def test_a_lie_is_one_with_its_reason(body, reason):
    with Server((200, body)) as server:
        got, dealings = await sign(server)
    assert isinstance(got, AttestorLied)
    with pytest.raises(AttestorLied, match=f"attestor {server.url}.*{reason}"):
        raise got
    assert dealings.outcomes == {"lied": 1}
    assert dealings.last_error == str(got)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (409, refusal("root_mismatch"), "root_mismatch"),
        (409, refusal("equivocation"), "equivocation"),
        (503, refusal("no_agreement"), "no_agreement"),
        (500, "oops", "unreadable"),
        (200, "no JSON", "unreadable"),
        (200, {"digest": 1}, "unreadable"),
    ],
)
async def test_a_refusal_is_counted_by_its_code(status, body, code):
    with Server((status, body)) as server:
        got, dealings = await sign(server)
    assert isinstance(got, AttestorRefused)
    assert (got.status, got.code) == (status, code)
    assert dealings.outcomes == {code: 1}


async def test_nobody_there_and_one_that_is_mute():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with AttestorClient(url, "", 0.3) as client:
            with pytest.raises(AttestorUnreachable, match=f"{url}: no answer: ReadTimeout"):
                await client.sign(CHECKPOINT, ["key-1"])
    async with AttestorClient(url, "", 0.3) as client:
        with pytest.raises(AttestorUnreachable, match="ConnectError"):
            await client.keys()


async def test_one_that_is_behind_is_asked_again_for_a_while(monkeypatch):
    monkeypatch.setattr(quorum, "FINALITY_POLL_S", 0.02)
    behind = (425, refusal("not_finalized"))
    with Server(behind, behind, (200, answer(signature()))) as server:
        got, dealings = await sign(server)
        assert isinstance(got, bytes)
        assert server.asked == 3
        assert dealings.outcomes == {"signed": 1}
    monkeypatch.setattr(quorum, "FINALITY_TIMEOUT_S", 0.1)
    with Server(behind) as server:
        got, dealings = await sign(server)
        assert isinstance(got, NotFinalized)
        assert server.asked > 1
        assert dealings.outcomes == {"not_finalized": 1}


async def test_who_it_is_and_whether_it_is_ready():
    keys = {"keys": [KeyBody.of(RECORD).model_dump(mode="json")]}
    ready = {"ready": False, "origins": []}
    with Server((200, keys), (503, ready), (503, refusal("oops"))) as server:
        async with AttestorClient(server.url, "") as client:
            assert await client.keys() == [RECORD]
            assert (await client.ready()).ready is False
            with pytest.raises(AttestorRefused, match="503"):
                await client.keys()


def test_durations_are_counted_by_bucket():
    durations = Durations()
    for seconds in (0.001, 0.01, 0.3, 1000.0):
        durations.add(seconds)
    assert durations.counts[0] == 2
    assert durations.counts[BUCKETS_S.index(0.5)] == 1
    assert durations.counts[-1] == 1
    assert len(durations.counts) == len(BUCKETS_S) + 1
    assert durations.sum_s == pytest.approx(1000.311)
