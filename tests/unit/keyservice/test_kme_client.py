"""Our client against a KME that lies in every way: it serves what a test tells it to, over TLS."""

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bridge.domain.errors import KmeLied, KmeRefused, KmeUnreachable
from bridge.keyservice.kme.authority import Authority, Role
from bridge.keyservice.kme.client import KmeClient
from bridge.keyservice.kme.foreign import UNKNOWN_EPSILON, UNKNOWN_QBER, ForeignLink

FIRST, SECOND = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
STATUS = {
    "source_KME_ID": "foreign",
    "target_KME_ID": "far",
    "master_SAE_ID": "me",
    "slave_SAE_ID": "peer",
    "key_size": 256,
    "stored_key_count": 2,
    "max_key_count": 100,
    "max_key_per_request": 8,
    "max_key_size": 512,
    "min_key_size": 128,
    "max_SAE_ID_count": 0,
    "vendor_field": 1,
}


class Liar:
    """Answers each path with what stands in ``says``; ``asked`` is what it was asked."""

    def __init__(self, authority: Authority) -> None:
        self.says: list[tuple[int, bytes]] = []
        self.asked: list[tuple[str, str, Any]] = []
        liar = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer(None)

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                self.answer(json.loads(self.rfile.read(length)))

            def answer(self, body: Any) -> None:
                liar.asked.append((self.command, self.path, body))
                status, content = liar.says.pop(0) if len(liar.says) > 1 else liar.says[0]
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context: ssl.SSLContext = authority.issue("foreign", Role.SERVER).server_context()
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def say(self, *answers: Any, status: int = 200) -> None:
        self.says = [
            (status, one if isinstance(one, bytes) else json.dumps(one).encode()) for one in answers
        ]
        self.asked.clear()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.create(tmp_path_factory.mktemp("tls") / "ca")


@pytest.fixture(scope="module")
def liar(authority: Authority) -> Iterator[Liar]:
    liar = Liar(authority)
    yield liar
    liar.close()


@pytest.fixture(scope="module")
def files(authority: Authority) -> Any:
    return authority.issue("me", Role.CLIENT)


@pytest.fixture
def client(liar: Liar, files: Any) -> Iterator[KmeClient]:
    with KmeClient(liar.url, files, delays_s=(0.01, 0.01)) as client:
        yield client


def key(key_id: str, byte: int = 1, length: int = 32, **more: Any) -> dict[str, Any]:
    return {"key_ID": key_id, "key": base64.b64encode(bytes([byte]) * length).decode(), **more}


def test_an_honest_answer_is_taken_and_the_question_is_the_standards(
    liar: Liar, client: KmeClient
) -> None:
    liar.say({"keys": [key(FIRST), key(SECOND, 2)]})
    keys = client.get_key("peer/ü", 2, 256, ["more"], [{"vendor_x": 1}])
    assert [(one.key_id, one.key) for one in keys] == [
        (FIRST, b"\x01" * 32),
        (SECOND, b"\x02" * 32),
    ]
    assert liar.asked == [
        (
            "POST",
            "/api/v1/keys/peer%2F%C3%BC/enc_keys",
            {
                "number": 2,
                "size": 256,
                "additional_slave_SAE_IDs": ["more"],
                "extension_optional": [{"vendor_x": 1}],
            },
        )
    ]
    assert b"\x01" * 32 not in repr(keys).encode()
    liar.say({"keys": [key(SECOND, 2), key(FIRST)]})
    assert client.get_key_with_ids("peer", [FIRST, SECOND]) == keys


@pytest.mark.parametrize(
    ("answer", "got"),
    [
        ({"keys": [key(FIRST)]}, "expected 2 keys, got 1"),
        ({"keys": []}, "expected 2 keys, got 0"),
        ({"keys": [key(FIRST), key(SECOND), key(SECOND)]}, "expected 2 keys, got 3"),
        ({"keys": [key(FIRST), key(FIRST, 2)]}, "different key ids"),
        ({"keys": [key(FIRST), key(FIRST.upper(), 2)]}, "different key ids|got one twice"),
        ({"keys": [key(FIRST), key(SECOND, 1)]}, "different keys, got one twice"),
        ({"keys": [key(FIRST), key(SECOND, 2, 16)]}, "keys of 256 bits, got one of 128"),
        ({"keys": [key(FIRST), key(SECOND, 2, 33)]}, "got one of 264"),
        ({"keys": [key(FIRST), key(SECOND, 0)]}, "nothing but zeros"),
        ({"keys": [key(FIRST), {"key_ID": SECOND, "key": "***"}]}, "in base64"),
        ({"keys": [key(FIRST), {"key_ID": SECOND, "key": "QUI=QUI="}]}, "in base64"),
        ({"keys": [key(FIRST), {"key_ID": "2", "key": "AA=="}]}, "keys.1.key_ID"),
        ({"keys": [key(FIRST), {"key_ID": SECOND}]}, "keys.1.key"),
        ({"keys": "none"}, "keys"),
        ({}, "keys"),
        (b"no json", "Invalid JSON"),
        (b"x" * (1 << 24) + b"x", "at most 16777216 bytes"),
    ],
)
def test_keys_that_are_not_what_was_asked_for_are_not_taken(
    liar: Liar, client: KmeClient, answer: Any, got: str
) -> None:
    liar.say(answer)
    with pytest.raises(KmeLied, match=got):
        client.get_key("peer", 2, 256)
    liar.say({"keys": [key(FIRST), key(SECOND, 2)]})
    assert len(client.get_key("peer", 2, 256)) == 2, "a lie costs no key id"


def test_a_key_id_is_taken_once(liar: Liar, client: KmeClient) -> None:
    liar.say({"keys": [key(FIRST)]})
    client.get_key("peer", 1, 256)
    with pytest.raises(KmeLied, match=f"not given before, got key {FIRST}"):
        client.get_key("peer", 1, 256)


def test_other_keys_than_those_asked_for_by_id_are_not_taken(liar: Liar, client: KmeClient) -> None:
    liar.say({"keys": [key(SECOND)]})
    with pytest.raises(KmeLied, match=f"expected keys .*{FIRST}.*got keys .*{SECOND}"):
        client.get_key_with_ids("peer", [FIRST])


@pytest.mark.parametrize(
    "change",
    [
        {"slave_SAE_ID": "another"},
        {"key_size": 64},
        {"key_size": 1024},
        {"min_key_size": 0},
        {"max_key_per_request": 0},
        {"key_size": "256"},
        {"stored_key_count": None},
    ],
)
def test_a_status_that_cannot_be_is_not_believed(
    liar: Liar, client: KmeClient, change: dict[str, Any]
) -> None:
    liar.say(STATUS)
    assert client.status("peer").key_size == 256
    liar.say(STATUS | change)
    with pytest.raises(KmeLied):
        client.status("peer")


def test_503_is_tried_again_and_other_refusals_are_not(liar: Liar, client: KmeClient) -> None:
    busy = {"message": "key data access error"}
    liar.says = [
        (503, json.dumps(busy).encode()),
        (503, b"busy"),
        (200, json.dumps(STATUS).encode()),
    ]
    liar.asked.clear()
    assert client.status("peer").stored_key_count == 2
    assert len(liar.asked) == 3
    liar.say(busy, status=503)
    with pytest.raises(KmeRefused, match="503: key data access error"):
        client.status("peer")
    assert len(liar.asked) == 3
    for status, answer, message in (
        (
            400,
            {"message": "size shall be a multiple of 8", "details": [{"size": 9}]},
            "multiple of 8",
        ),
        (401, b"", "with 401"),
        (404, b"<html>", "<html>"),
        (302, b"", "with 302"),
    ):
        liar.say(answer, status=status)
        with pytest.raises(KmeRefused, match=message) as error:
            client.get_key("peer", 1, 9)
        assert error.value.status == status
        assert len(liar.asked) == 1


def test_nobody_there_is_unreachable_after_all_tries(files: Any) -> None:
    with (
        KmeClient("https://127.0.0.1:9", files, delays_s=(0.01,)) as client,
        pytest.raises(KmeUnreachable, match="no answer"),
    ):
        client.status("peer")
    assert KmeUnreachable.retryable


# As a source of link key


def block_of(liar: Liar, client: KmeClient, *keys: dict[str, Any], **more: Any) -> Any:
    liar.say(STATUS, {"keys": list(keys)})
    return ForeignLink(client, "peer", **more).next_block()


def test_a_kme_that_tells_nothing_is_taken_for_the_worst(liar: Liar, client: KmeClient) -> None:
    block = block_of(liar, client, key(FIRST), key(SECOND, 2))
    assert block.key == b"\x01" * 32 + b"\x02" * 32
    history = block.history
    assert (history.source, history.link_id) == ("etsi-014:foreign", "foreign>far")
    assert (history.qber, history.epsilon) == (UNKNOWN_QBER, UNKNOWN_EPSILON)
    assert not history.simulated
    assert liar.asked[1][2]["extension_optional"] == [{"astralink_provenance": True}]
    assert liar.asked[1][2]["number"] == 2


def test_what_it_tells_is_kept_the_worst_of_all_keys(liar: Liar, client: KmeClient) -> None:
    def told(qber: Any, simulated: bool) -> dict[str, Any]:
        provenance = {"qber": qber, "epsilon": 1e-10, "leak_bits": 5, "simulated": simulated}
        return {"key_extension": {"astralink_provenance": provenance}}

    history = block_of(
        liar, client, key(FIRST, **told(0.01, False)), key(SECOND, 2, **told(0.02, True))
    ).history
    assert (history.qber, history.epsilon, history.leak_bits) == (0.02, 2e-10, 5)
    assert history.simulated
    ids = "33333333-3333-4333-8333-333333333333", "44444444-4444-4444-8444-444444444444"
    history = block_of(
        liar, client, key(ids[0], **told("low", False)), key(ids[1], 2, **told(0.02, False))
    ).history
    assert (history.qber, history.simulated) == (UNKNOWN_QBER, False)


def test_what_the_operator_says_of_it_stands(liar: Liar, client: KmeClient) -> None:
    assert block_of(liar, client, key(FIRST), key(SECOND, 2), simulated=True).history.simulated
