"""ETSI GS QKD 014 between two KMEs and their SAEs, over real mutual TLS and in real processes."""

import base64
import dataclasses
import os
import signal
import ssl
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from click.testing import Result
from etsi_qkd_014_client import QKD014Client
from hypothesis import HealthCheck, given, settings
from qkdsec.client import ETSI014Client
from qkdsec.doctor import run_all
from schemathesis.checks import load_all_checks

from bridge.domain.errors import ConfigError, InputError, KmeRefused, KmeUnreachable, PortInUse
from bridge.keyservice.kme.authority import Authority, Role
from bridge.keyservice.kme.client import KmeClient
from bridge.keyservice.kme.foreign import ForeignLink
from bridge.keyservice.kme.peerwire import BlockBody, PromiseBody, PromisesBody, SegmentBody
from tests.integration.kme_network import START_S, KmeNetwork, invoked, running

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KmeNetwork]:
    with running(tmp_path_factory.mktemp("kmes") / "net") as network:
        yield network


@pytest.fixture
def alice(network: KmeNetwork) -> Iterator[httpx.Client]:
    with network.http("alice") as http:
        yield http


@pytest.fixture
def bob(network: KmeNetwork) -> Iterator[httpx.Client]:
    with network.http("bob") as http:
        yield http


@pytest.fixture
def carol(network: KmeNetwork) -> Iterator[httpx.Client]:
    with network.http("carol") as http:
        yield http


def enc(http: httpx.Client, slave: str = "bob", **body: Any) -> list[dict[str, Any]]:
    answer = http.post(f"/api/v1/keys/{slave}/enc_keys", json=body)
    assert answer.status_code == 200, answer.text
    keys: list[dict[str, Any]] = answer.json()["keys"]
    return keys


def dec(http: httpx.Client, *key_ids: str, master: str = "alice") -> httpx.Response:
    body = {"key_IDs": [{"key_ID": key_id} for key_id in key_ids]}
    return http.post(f"/api/v1/keys/{master}/dec_keys", json=body)


def refused(answer: httpx.Response, status: int, message: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    body: dict[str, Any] = answer.json()
    assert set(body) <= {"message", "details"}
    assert message in body["message"]
    assert all(isinstance(one, dict) for one in body.get("details", []))
    return body


# What the standard gives


def test_status_has_every_field(alice: httpx.Client) -> None:
    status = alice.get("/api/v1/keys/bob/status").json()
    assert 0 < status.pop("stored_key_count") <= status["max_key_count"]
    assert status == {
        "source_KME_ID": "kme-a",
        "target_KME_ID": "kme-b",
        "master_SAE_ID": "alice",
        "slave_SAE_ID": "bob",
        "key_size": 256,
        "max_key_count": ((1 << 33) - 4096) // 256,
        "max_key_per_request": 128,
        "max_key_size": 8192,
        "min_key_size": 64,
        "max_SAE_ID_count": 8,
        "status_extension": {"astralink_simulated": True},
    }


def test_both_ends_get_the_same_keys_by_post_and_get(
    alice: httpx.Client, bob: httpx.Client
) -> None:
    keys = enc(alice, number=3, size=512)
    assert [set(key) for key in keys] == [{"key_ID", "key"}] * 3
    assert len({key["key"] for key in keys}) == 3
    for key in keys:
        assert str(uuid.UUID(key["key_ID"])) == key["key_ID"]
        assert len(base64.b64decode(key["key"], validate=True)) == 64
    answer = dec(bob, keys[2]["key_ID"], keys[0]["key_ID"].upper())
    assert answer.json() == {"keys": [keys[2], keys[0]]}

    single = alice.get("/api/v1/keys/bob/enc_keys").json()["keys"]
    assert len(single) == 1
    assert len(base64.b64decode(single[0]["key"])) == 32
    answer = bob.get("/api/v1/keys/alice/dec_keys", params={"key_ID": single[0]["key_ID"]})
    assert answer.json()["keys"] == single
    two = alice.get("/api/v1/keys/bob/enc_keys", params={"number": 2, "size": 64}).json()["keys"]
    assert [len(base64.b64decode(one["key"])) for one in two] == [8, 8]


def test_the_other_direction_and_two_saes_of_one_kme(
    network: KmeNetwork, alice: httpx.Client, bob: httpx.Client
) -> None:
    (key,) = enc(bob, "alice")
    assert dec(alice, key["key_ID"], master="bob").json() == {"keys": [key]}
    (key,) = enc(alice, "amy")
    with network.http("amy") as amy:
        assert amy.get("/api/v1/keys/alice/status").json()["target_KME_ID"] == "kme-a"
        assert dec(amy, key["key_ID"]).json() == {"keys": [key]}


def test_a_body_may_be_left_out_or_be_null_where_it_may_be_left_out(alice: httpx.Client) -> None:
    for content in (b"", b"{}", b"null", b'{"number": null, "extension_optional": null}'):
        headers = {"Content-Type": "application/json"}
        answer = alice.post("/api/v1/keys/bob/enc_keys", content=content, headers=headers)
        assert answer.status_code == 200, (content, answer.text)


def test_additional_slaves_at_both_ends_get_it_once_each(
    network: KmeNetwork, alice: httpx.Client, bob: httpx.Client, carol: httpx.Client
) -> None:
    (key,) = enc(alice, additional_slave_SAE_IDs=["carol", "amy"])
    with network.http("amy") as amy:
        for http in (bob, carol, amy):
            assert dec(http, key["key_ID"]).json() == {"keys": [key]}
            refused(
                dec(http, key["key_ID"]), 400, "one or more keys specified are not found on KME"
            )


def test_a_delivered_key_leaves_the_pool(alice: httpx.Client) -> None:
    before = alice.get("/api/v1/keys/bob/status").json()["stored_key_count"]
    enc(alice, number=5)
    after = alice.get("/api/v1/keys/bob/status").json()["stored_key_count"]
    assert after <= before - 5 or after > before  # the link may have brought some in between


def test_names_are_url_encoded(alice: httpx.Client) -> None:
    answer = alice.get("/api/v1/keys/dave%2F%C3%BC/status")
    assert answer.json()["slave_SAE_ID"] == "dave/ü"
    refused(alice.get("/api/v1/keys/dave/status"), 400, "SAE 'dave' is not known")


# What it refuses


def test_401_for_who_was_not_named_and_the_named_one_still_gets_it(
    network: KmeNetwork, alice: httpx.Client, bob: httpx.Client, carol: httpx.Client
) -> None:
    first, second = enc(alice, number=2)
    refused(dec(carol, first["key_ID"]), 401, "unauthorized")
    (carols,) = enc(alice, "carol")
    refused(dec(bob, first["key_ID"], carols["key_ID"]), 401, "unauthorized")
    refused(dec(carol, carols["key_ID"], master="amy"), 401, "unauthorized")
    assert dec(bob, first["key_ID"], second["key_ID"]).json() == {"keys": [first, second]}
    refused(dec(carol, first["key_ID"]), 401, "unauthorized")
    assert dec(carol, carols["key_ID"]).status_code == 200


def test_unknown_and_given_keys_are_not_found_and_nothing_else_of_the_request_is_given(
    alice: httpx.Client, bob: httpx.Client
) -> None:
    not_found = "one or more keys specified are not found on KME"
    (key,) = enc(alice)
    body = refused(dec(bob, key["key_ID"], NOBODY), 400, not_found)
    assert body == {"message": not_found, "details": [{"key_ID": NOBODY}]}
    assert dec(bob, key["key_ID"]).status_code == 200
    refused(dec(bob, key["key_ID"]), 400, not_found)
    refused(bob.get(f"/api/v1/keys/alice/dec_keys?key_ID={NOBODY}"), 400, not_found)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"size": 257}, "size shall be a multiple of 8"),
        ({"size": 8}, "size: expected 64 to 8192 bits"),
        ({"size": 8200}, "size: expected 64 to 8192 bits"),
        ({"size": 0}, "bad request format"),
        ({"size": "256"}, "bad request format"),
        ({"size": 256.0}, "bad request format"),
        ({"number": 129}, "number: expected at most 128"),
        ({"number": 0}, "bad request format"),
        ({"number": True}, "bad request format"),
        ({"numbers": 1}, "bad request format"),
        ({"additional_slave_SAE_IDs": ["nobody"]}, "SAE 'nobody' is not known"),
        ({"additional_slave_SAE_IDs": ["bob"]}, "each slave SAE once"),
        ({"additional_slave_SAE_IDs": ["carol"] * 9}, "expected at most 8, got 9"),
        ({"additional_slave_SAE_IDs": "carol"}, "bad request format"),
        (
            {"extension_mandatory": [{"vendor_route": "direct"}]},
            "not all extension_mandatory parameters are supported",
        ),
        (
            {"extension_mandatory": [{"astralink_max_qber": 1.0, "vendor_route": 1}]},
            "not all extension_mandatory parameters are supported",
        ),
        (
            {"extension_mandatory": [{"astralink_max_qber": 0.0}]},
            "not all extension_mandatory request options could be met",
        ),
        (
            {"extension_mandatory": [{"astralink_max_qber": "low"}]},
            "not all extension_mandatory request options could be met",
        ),
        ({"extension_mandatory": [1]}, "bad request format"),
    ],
)
def test_400_with_the_messages_of_the_standard(
    alice: httpx.Client, body: dict[str, Any], message: str
) -> None:
    refused(alice.post("/api/v1/keys/bob/enc_keys", json=body), 400, message)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"key_IDs": []},
        {"key_IDs": [{}]},
        {"key_IDs": ["x"]},
        {"key_IDs": [{"key_ID": "not-a-uuid"}]},
        {"key_IDs": [{"key_ID": NOBODY}, {"key_ID": NOBODY}]},
        {"key_IDs": [{"key_ID": str(uuid.UUID(int=n))} for n in range(129)]},
    ],
)
def test_400_for_key_ids_that_are_none(bob: httpx.Client, body: dict[str, Any]) -> None:
    refused(bob.post("/api/v1/keys/alice/dec_keys", json=body), 400, "")


def test_400_for_queries_that_are_not_understood(alice: httpx.Client, bob: httpx.Client) -> None:
    for query in ("?size=257", "?size=x", "?number=0", "?numbers=1", "?number=1&number=2"):
        refused(alice.get(f"/api/v1/keys/bob/enc_keys{query}"), 400, "")
    for query in ("", "?key_ID=x", f"?key_ID={NOBODY}&key_ID={NOBODY}"):
        refused(bob.get(f"/api/v1/keys/alice/dec_keys{query}"), 400, "bad request format")
    refused(alice.get("/api/v1/keys/nobody/status"), 400, "SAE 'nobody' is not known")
    headers = {"Content-Type": "application/json"}
    answer = alice.post("/api/v1/keys/bob/enc_keys", content=b"{no json", headers=headers)
    refused(answer, 400, "bad request format")
    refused(alice.get("/api/v1/keys/bob/keys"), 404, "Not Found")
    long = b'{"extension_optional": [{"x": "' + b"x" * (1 << 18) + b'"}]}'
    refused(alice.post("/api/v1/keys/bob/enc_keys", content=long, headers=headers), 413, "262144")
    parts = iter([long[:1000], long[1000:]])  # without a length in front
    refused(alice.post("/api/v1/keys/bob/enc_keys", content=parts, headers=headers), 413, "262144")
    refused(alice.delete("/api/v1/keys/bob/status"), 405, "Method Not Allowed")


def test_extensions_are_met_where_they_can_be(alice: httpx.Client) -> None:
    mandatory = [{"astralink_max_qber": 0.5}, {"astralink_provenance": True}]
    (key,) = enc(alice, extension_mandatory=mandatory)
    told = key["key_extension"]["astralink_provenance"]
    assert told["simulated"] is True
    assert 0 < told["qber"] < 0.05
    assert told["source"] == "bb84-simulation"
    (key,) = enc(alice, extension_optional=[{"astralink_max_qber": 0.0}, {"vendor_route": 1}])
    assert set(key) == {"key_ID", "key"}


# Who asks


def test_no_certificate_no_answer(network: KmeNetwork) -> None:
    context = ssl.create_default_context(cafile=str(network.tls("alice").authority))
    url = f"{network.url('kme-a')}/api/v1/keys/bob/status"
    with pytest.raises(httpx.TransportError):
        httpx.get(url, verify=context, trust_env=False, timeout=60)


def test_a_certificate_of_another_authority_is_none(
    network: KmeNetwork, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Authority.create(tmp_path_factory.mktemp("other") / "ca")
    forged = dataclasses.replace(
        other.issue("alice", Role.CLIENT), authority=network.tls("alice").authority
    )
    with pytest.raises(httpx.TransportError):
        httpx.get(
            f"{network.url('kme-a')}/api/v1/keys/bob/status",
            verify=forged.client_context(),
            trust_env=False,
        )


def test_a_certified_stranger_is_401(network: KmeNetwork) -> None:
    stranger = Authority(network.folder).issue("mallory", Role.CLIENT)
    with httpx.Client(
        base_url=network.url("kme-a"), verify=stranger.client_context(), trust_env=False
    ) as http:
        for path in ("bob/status", "bob/enc_keys", f"bob/dec_keys?key_ID={NOBODY}"):
            refused(http.get(f"/api/v1/keys/{path}"), 401, "unauthorized")
    with network.http("bob", network.url("kme-a")) as http:  # an SAE of the other KME
        refused(http.get("/api/v1/keys/alice/status"), 401, "unauthorized")


def test_tls_1_1_is_refused(network: KmeNetwork) -> None:
    files = network.tls("alice")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(files.authority)
    context.load_cert_chain(files.certificate, files.key)
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    url = f"{network.url('kme-a')}/api/v1/keys/bob/status"
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert httpx.get(url, verify=context, trust_env=False, timeout=60).status_code == 200
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(httpx.TransportError, match=r"(?i)version|protocol|alert"):
        httpx.get(url, verify=context, trust_env=False, timeout=60)


def test_the_channel_is_for_the_other_kme_and_the_link_alone(network: KmeNetwork) -> None:
    segment = SegmentBody(block_id=NOBODY, offset=0, length=32)
    promise = PromiseBody(key_id=NOBODY, master="alice", slaves=["bob"], segments=[segment])
    promises = PromisesBody(promises=[promise]).model_dump()
    for name in ("alice", "link-1", "kme-b"):
        with network.http(name, network.channel("kme-b")) as http:
            assert http.post("/peer/v1/promises", json=promises).status_code == 401
    with network.http("kme-a", network.channel("kme-b")) as http:
        answer = http.post("/peer/v1/promises", json=promises)
        assert (answer.status_code, answer.json()["code"]) == (409, "BlockConflict")
        wrong = {"promises": [{**promises["promises"][0], "slaves": ["alice"]}]}
        assert http.post("/peer/v1/promises", json=wrong).status_code == 409
    for name in ("alice", "kme-a"):
        with network.http(name, network.channel("kme-b")) as http:
            assert http.get("/link/v1/level").status_code == 401
            assert http.post("/link/v1/blocks", json=block_body()).status_code == 401
    with network.http("link-1", network.channel("kme-b")) as http:
        assert http.post("/link/v1/blocks", json=block_body(link_id="x")).status_code == 409
        assert http.post("/link/v1/blocks", json=block_body(key="=")).status_code == 422
        assert http.post("/link/v1/blocks", json=block_body(block_id="x")).status_code == 422


def block_body(**change: Any) -> dict[str, Any]:
    body = BlockBody(
        block_id=str(uuid.uuid4()),
        link_id="link-1",
        owner="kme-a",
        source="test",
        simulated=True,
        qber=0.01,
        leak_bits=1,
        epsilon=1e-10,
        created_at=time.time(),
        key=base64.b64encode(os.urandom(64)).decode(),
    )
    return body.model_dump() | change


# Other people's clients


def test_qkdsecs_prober_finds_nothing_wrong_but_its_own_wish_for_404(network: KmeNetwork) -> None:
    files = network.tls("alice")
    certificate = (str(files.certificate), str(files.key))
    # It is master and slave in one, so it asks for keys that it shares with itself.
    with ETSI014Client(
        network.url("kme-a"), client_cert=certificate, verify=str(files.authority)
    ) as client:
        report = run_all(client, "alice")
    found = {one.name: one.status.value for one in report.results}
    # The standard says 400 for a key that is not found; the prober would like 404.
    assert found.pop("error_contract_404") == "warn"
    assert set(found.values()) == {"pass"}
    assert len(found) == 9
    assert report.passed


def test_etsi_qkd_014_client_gets_the_same_key_at_both_ends(network: KmeNetwork) -> None:
    def client(name: str, kme: str) -> QKD014Client:
        files = network.tls(name)
        host = network.url(kme).removeprefix("https://")
        return QKD014Client(host, str(files.certificate), str(files.key), str(files.authority))

    alice, bob = client("alice", "kme-a"), client("bob", "kme-b")
    code, status = alice.get_status("bob")
    assert (code, status.master_sae_id, status.key_size) == (200, "alice", 256)
    code, container = alice.get_key("bob", number=2, size=128)
    assert code == 200
    code, same = bob.get_key_with_key_IDs("alice", [key.key_id for key in container.keys])
    assert code == 200
    assert [key.key for key in same.keys] == [key.key for key in container.keys]
    code, error = bob.get_key_with_key_IDs("alice", [container.keys[0].key_id])
    assert (code, error.message) == (400, "one or more keys specified are not found on KME")
    code, error = alice.get_key("bob", size=9)
    assert (code, error.message) == (400, "size shall be a multiple of 8")


def test_requests_that_are_made_up_from_the_document_never_break_it(network: KmeNetwork) -> None:
    files = network.tls("alice")
    tls = {"cert": (str(files.certificate), str(files.key)), "verify": str(files.authority)}
    url = network.url("kme-a")
    document = requests.get(f"{url}/openapi.json", timeout=60, **tls).json()
    schema = schemathesis.openapi.from_dict(document)
    load_all_checks()
    session = requests.Session()
    seen: set[int] = set()
    for operation in (one.ok() for one in schema.get_all_operations()):
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
            seen |= made_up(operation, mode, base_url=url, session=session, **tls)
    assert {200, 400} <= seen
    assert seen <= {200, 400, 401, 404, 405, 406, 503}


def made_up(operation: Any, mode: schemathesis.GenerationMode, **call: Any) -> set[int]:
    """The statuses of requests that follow the document, or break it on purpose."""
    seen: set[int] = set()
    # What is valid by the document may ask for keys that are not there.
    excluded = [schemathesis.checks.CHECKS.get_one("positive_data_acceptance")]

    @given(operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=int(os.environ.get("KME_FUZZ_EXAMPLES", "6")),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    def ask(case: schemathesis.Case) -> None:
        if mode is schemathesis.GenerationMode.POSITIVE:
            case.path_parameters = dict.fromkeys(case.path_parameters, "bob")
        response = case.call(timeout=60, **call)
        seen.add(response.status_code)
        case.validate_response(response, excluded_checks=excluded)

    ask()
    return seen


# Our own client


def test_our_client_takes_and_gets_keys(network: KmeNetwork) -> None:
    with network.client("alice") as alice, network.client("bob") as bob:
        assert alice.status("bob").target_KME_ID == "kme-b"
        keys = alice.get_key("bob", 3, 256)
        ids = [one.key_id for one in keys]
        assert bob.get_key_with_ids("alice", ids[::-1]) == keys[::-1]
        with pytest.raises(KmeRefused, match="not found on KME") as error:
            bob.get_key_with_ids("alice", ids)
        assert error.value.status == 400
        with pytest.raises(KmeRefused, match="multiple of 8"):
            alice.get_key("bob", 1, 9)


def test_a_pool_is_filled_from_a_kme_that_tells_where_its_keys_come_from(
    network: KmeNetwork,
) -> None:
    with network.client("alice") as alice:
        block = ForeignLink(alice, "alice").next_block()
    assert len(block.key) % 32 == 0
    assert block.history.source == "etsi-014:kme-a"
    assert block.history.simulated
    assert 0 < block.history.qber < 0.05
    assert 0 < block.history.epsilon < 1e-6


# Many at once, and processes that die


def test_an_operator_is_told_what_was_given_and_refused(
    network: KmeNetwork, alice: httpx.Client, bob: httpx.Client
) -> None:
    def told(kme: str) -> dict[str, float]:
        text = httpx.get(f"{network.operator(kme)}/metrics", trust_env=False).text
        lines = [line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("astralink")]
        return {name: float(value) for name, value in lines}

    given = 'astralink_kme_keys_delivered_total{method="%s"}'
    asked = 'astralink_kme_requests_total{code="%s",method="%s"}'
    before, there = told("kme-a"), told("kme-b")
    (key,) = enc(alice, number=1)
    assert dec(bob, key["key_ID"]).status_code == 200
    assert dec(bob, key["key_ID"]).status_code == 400
    after, gone = told("kme-a"), told("kme-b")
    assert after[given % "enc_keys"] == before.get(given % "enc_keys", 0) + 1
    assert gone[given % "dec_keys"] == there.get(given % "dec_keys", 0) + 1
    name = asked % (400, "dec_keys")
    assert gone[name] == there.get(name, 0) + 1
    assert after['astralink_kme_stored_keys{link="link-1"}'] > 0
    assert 0 <= after['astralink_kme_oldest_key_age_seconds{link="link-1"}'] < 3600
    for path, kme in (("health", "kme-a"), ("ready", "kme-b")):
        answer = httpx.get(f"{network.operator(kme)}/v1/{path}", trust_env=False)
        assert answer.status_code == 200


def test_64_clients_get_different_keys_and_both_ends_agree(network: KmeNetwork) -> None:
    network.fill("kme-a", 140)
    start = threading.Barrier(64)

    def master(_: int) -> list[tuple[str, bytes]]:
        with network.client("alice") as client:
            start.wait(START_S)
            return [(one.key_id, one.key) for one in client.get_key("bob", 2, 64)]

    with ThreadPoolExecutor(64) as threads:
        keys = [one for many in threads.map(master, range(64)) for one in many]
    assert len(keys) == len(dict(keys)) == len({key for _, key in keys}) == 128

    def slave(key_id: str) -> list[bytes]:
        with network.client("bob") as client:
            try:
                return [one.key for one in client.get_key_with_ids("alice", [key_id])]
            except KmeRefused as error:
                return [] if error.status == 400 else [str(error).encode()]

    # 64 at once: each key is asked for twice, and given once.
    wanted = [key_id for key_id, _ in keys[:32]] * 2
    with ThreadPoolExecutor(64) as threads:
        got = list(threads.map(slave, wanted))
    expected = dict(keys)
    for key_id in wanted[:32]:
        answers = [answer for asked, answer in zip(wanted, got, strict=True) if asked == key_id]
        assert sorted(answers) == [[], [expected[key_id]]]


def test_both_kmes_give_at_once_and_neither_waits_for_the_other_in_vain(
    network: KmeNetwork,
) -> None:
    for kme in ("kme-a", "kme-b"):
        network.fill(kme, 80)
    start = threading.Barrier(32)

    def ask(number: int) -> list[str]:
        master, slave = (("alice", "bob"), ("bob", "alice"))[number % 2]
        with network.client(master, delays_s=()) as client:
            start.wait(START_S)
            return [one.key_id for _ in range(3) for one in client.get_key(slave, 1, 128)]

    with ThreadPoolExecutor(32) as threads:
        ids = [one for many in threads.map(ask, range(32)) for one in many]
    assert len(set(ids)) == 96


def test_the_kmes_stop_cleanly_and_say_nothing_of_a_key(network: KmeNetwork) -> None:
    with network.client("alice") as alice:
        (key,) = alice.get_key("bob", 1, 256)
    texts = [key.key.hex(), base64.b64encode(key.key).decode()]
    for name in ("link-1", "kme-a", "kme-b"):
        assert network.stop(name) == 0
        log = network.log(name)
        assert not any(text in log for text in texts)
        assert "Traceback" not in log
    for path in network.folder.iterdir():
        content = path.read_bytes()
        assert key.key not in content, path
    network.start("kme-a", "kme-b", "link-1")
    with network.client("bob") as bob:
        assert bob.get_key_with_ids("alice", [key.key_id]) == [key]


@pytest.mark.parametrize("killed", ["kme-a", "kme-b"])
def test_no_key_is_given_twice_after_kill_9_of_a_kme(network: KmeNetwork, killed: str) -> None:
    network.fill("kme-a", 60)
    given: list[tuple[str, bytes]] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            try:
                with network.client("alice", delays_s=()) as client:
                    while not stop.is_set():
                        given.extend((one.key_id, one.key) for one in client.get_key("bob", 1, 256))
            except (KmeRefused, KmeUnreachable):
                time.sleep(0.05)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        grows_to(given, 8)
        network.stop(killed, signal.SIGKILL)
        before = len(given)
        network.start(killed)
        grows_to(given, before + 8)
    finally:
        stop.set()
        for thread in threads:
            thread.join(START_S)
    assert len({key for _, key in given}) == len({key_id for key_id, _ in given}) == len(given)
    # Whatever alice was given, bob gets, and the same.
    with network.client("bob") as bob:
        ids = [key_id for key_id, _ in given]
        for first in range(0, len(ids), 128):
            part = ids[first : first + 128]
            got = bob.get_key_with_ids("alice", part)
            assert [(one.key_id, one.key) for one in got] == given[first : first + 128]


# A peer that is killed between connect and handshake has Python's ssl leave its socket open.
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
def test_a_slave_gets_no_key_twice_and_loses_few_when_its_kme_is_killed(
    network: KmeNetwork,
) -> None:
    network.fill("kme-a", 72)
    with network.client("alice") as alice:
        keys = {one.key_id: one.key for one in alice.get_key("bob", 64, 256)}
    got: list[tuple[str, bytes]] = []

    def ask(_: int) -> None:
        with network.client("bob", delays_s=()) as client:
            for key_id in keys:
                while True:
                    try:
                        got.extend(
                            (one.key_id, one.key)
                            for one in client.get_key_with_ids("alice", [key_id])
                        )
                    except KmeUnreachable:
                        time.sleep(0.05)
                        continue
                    except KmeRefused as error:
                        if error.status != 400:  # given already, perhaps to nobody
                            raise
                    break

    with ThreadPoolExecutor(8) as threads:
        asking = [threads.submit(ask, number) for number in range(8)]
        grows_to(got, 4)
        network.stop("kme-b", signal.SIGKILL)
        network.start("kme-b")
        for one in asking:
            one.result(2 * START_S)
    assert len(got) == len(dict(got))
    assert all(keys[key_id] == key for key_id, key in got)
    # Lost are those at most whose answer was on its way, one for each client.
    assert len(keys) - 8 <= len(got)


def grows_to(given: list[tuple[str, bytes]], count: int) -> None:
    deadline = time.monotonic() + START_S
    while len(given) < count:
        assert time.monotonic() < deadline, f"{len(given)} keys given, expected {count}"
        time.sleep(0.05)


def test_without_the_other_kme_nothing_is_given_and_little_is_lost(network: KmeNetwork) -> None:
    network.stop("link-1")
    network.stop("kme-b")
    with network.http("alice") as alice:
        before = alice.get("/api/v1/keys/bob/status").json()["stored_key_count"]
        for _ in range(5):
            refused(alice.get("/api/v1/keys/bob/enc_keys"), 503, "kme-b")
        after = alice.get("/api/v1/keys/bob/status").json()["stored_key_count"]
    assert before - after <= 2
    network.start("kme-b", "link-1")
    time.sleep(2.1)
    with network.client("alice") as client:
        client.get_key("bob", 1, 256)


def test_an_empty_pool_is_503(network: KmeNetwork) -> None:
    network.stop("link-1")
    with network.client("alice", delays_s=()) as client:
        while left := client.status("bob").stored_key_count:
            client.get_key("bob", min(left, 128), 256)
        with pytest.raises(KmeRefused, match="bits wanted") as error:
            client.get_key("bob", 1, 256)
        assert error.value.status == 503
    network.start("link-1")


# The command line


def run(*arguments: object) -> Result:
    return invoked("kme", *arguments)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--kme", "a", "--sae", "x=a"], "expected two different ids"),
        (["--kme", "a", "--kme", "a", "--sae", "x=a"], "expected two different ids"),
        (["--kme", "a", "--kme", "b", "--sae", "x=c"], "with a KME of a, b, got 'x=c'"),
        (["--kme", "a", "--kme", "b", "--sae", "a=b"], "expected each once"),
    ],
)
def test_names_that_do_not_fit_make_nothing(
    tmp_path_factory: pytest.TempPathFactory, arguments: list[str], words: str
) -> None:
    folder = tmp_path_factory.mktemp("init") / "net"
    error = run("init", folder, *arguments).exception
    assert isinstance(error, InputError)
    assert words in str(error)
    assert not folder.exists()


def test_a_second_authority_and_a_wrong_file_are_refused(network: KmeNetwork) -> None:
    names = ["--kme", "a", "--kme", "b", "--sae", "x=a"]
    for arguments, kind, words in (
        (["init", network.folder, *names], ConfigError, "expected no certificate authority"),
        (["run", network.folder / "link-1.toml"], ConfigError, "kme_id: Field required"),
        (["link", network.folder / "kme-a.toml"], ConfigError, "ends: Field required"),
        (["run", network.folder / "kme-a.toml"], PortInUse, "in use by another process"),
    ):
        error = run(*arguments).exception
        assert isinstance(error, kind)
        assert words in str(error)


def test_a_kme_of_another_authority_is_not_believed(
    network: KmeNetwork, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Authority.create(tmp_path_factory.mktemp("other") / "ca")
    tls = dataclasses.replace(network.tls("bob"), authority=other.files("authority").certificate)
    with (
        KmeClient(network.url("kme-b"), tls, delays_s=()) as bob,
        pytest.raises(KmeUnreachable, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        bob.status("alice")
    with pytest.raises(InputError, match="expected an address as https"):
        KmeClient("http://127.0.0.1:1", tls)
