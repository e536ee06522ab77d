"""The key service over real HTTP, in a process of its own."""

import asyncio
import dataclasses
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from bridge.crypto.digests import (
    checkpoint_digest,
    rotation_digest,
    statement_content,
    verdict_digest,
)
from bridge.crypto.providers import select
from bridge.domain.checkpoints import Checkpoint
from bridge.domain.contexts import CHECKPOINT_CONTEXT, ROTATION_CONTEXT, VERDICT_CONTEXT
from bridge.domain.errors import (
    Equivocation,
    KeyServiceRefused,
    KeyServiceUnreachable,
    LabelTaken,
    PoolExhausted,
    PortInUse,
    RotationConflict,
    UnknownKey,
    VerdictConflict,
)
from bridge.domain.keys import Algorithm
from bridge.domain.rotations import Rotation
from bridge.keyservice.client import KeyServiceClient
from bridge.keyservice.serve import serve
from bridge.keyservice.service import KeyServiceSettings
from tests.unit.domain.test_verdicts import REVOCATION, STATEMENT

START_S = 30.0
STOP_S = 20.0

PROGRAM = """
import sys
from pathlib import Path
from bridge.keyservice.serve import serve
from bridge.keyservice.service import KeyServiceSettings
from bridge.quantum.distillation.pipeline import BlockParameters
from bridge.quantum.link.adversary import InterceptResend
from bridge.quantum.link.transmission import Link

link = BlockParameters(pulses=1 << 16, link=Link(adversary=InterceptResend(float(sys.argv[3]))))
settings = KeyServiceSettings(Path(sys.argv[1]), link=link, pool_target_bits=4096, patience=3)
serve(settings, "127.0.0.1", int(sys.argv[2]))
"""

CHECKPOINT = Checkpoint(
    origin_domain=1,
    origin_chain_id=31337,
    outbox=b"\x11" * 20,
    root=b"\x22" * 32,
    size=3,
    destination_domain=2,
    destination_chain_id=31338,
    inbox=b"\x33" * 20,
    epoch=1,
)


@dataclass
class Running:
    process: subprocess.Popen[bytes]
    url: str
    port: int
    state_folder: Path

    @property
    def token_file(self) -> Path:
        return self.state_folder / "secrets" / "keyservice.token"

    @property
    def token(self) -> str:
        return self.token_file.read_text().strip()

    def client(self, token: str | None = None) -> KeyServiceClient:
        return KeyServiceClient(self.url, self.token if token is None else token)

    def stop(self, number: int = signal.SIGTERM) -> tuple[bytes, bytes]:
        """Standard output and standard error, once the process has ended."""
        self.process.send_signal(number)
        return self.process.communicate(timeout=STOP_S)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def start(state_folder: Path, intercepted: float = 0.0) -> Running:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(state_folder), str(port), str(intercepted)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    running = Running(process, f"http://127.0.0.1:{port}", port, state_folder)
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[1].decode()
        try:
            if httpx.get(f"{running.url}/v1/health", trust_env=False).status_code == 200:
                return running
        except httpx.TransportError:
            time.sleep(0.05)
    end(running)
    raise AssertionError(f"no answer within {START_S} s")


def end(running: Running) -> None:
    if running.process.poll() is None:
        running.process.kill()
        running.process.communicate()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = start(tmp_path_factory.mktemp("keyservice"))
    yield running
    end(running)


@pytest.fixture(scope="module")
def tapped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = start(tmp_path_factory.mktemp("tapped"), intercepted=1.0)
    yield running
    end(running)


async def test_a_key_is_made_and_signs(service: Running) -> None:
    async with service.client() as client:
        health = await client.health()
        assert (health.status, health.simulated) == ("ok", True)
        record = await client.create_key(Algorithm.ML_DSA_87, "signs")
        assert record.provenance.simulated
        assert record in await client.keys()
        assert await client.key(record.key_id) == record
        signature = await client.sign_checkpoint(record.key_id, CHECKPOINT)
    select("default").signatures.verify(
        record.algorithm,
        record.public_key,
        checkpoint_digest(CHECKPOINT),
        signature,
        CHECKPOINT_CONTEXT,
    )


async def test_the_link_tells_its_figures_and_that_it_is_simulated(service: Running) -> None:
    async with service.client() as client:
        link = await client.link()
        while link.pool_bits < link.target_bits:
            await asyncio.sleep(0.05)
            link = await client.link()
    assert link.simulated
    assert link.state == "full"
    assert link.blocks_distilled >= 1
    assert link.last_block is not None
    assert 0 < link.last_block.qber < link.last_block.limit
    assert link.last_block.leak_bits > 0
    assert 0 < link.last_block.secret_fraction < 1
    assert link.last_block.epsilon < 1e-9


@pytest.mark.parametrize(
    "authorization", [None, "Bearer x", "Bearer " + "0" * 64, "Basic abc", "é"]
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/link"),
        ("GET", "/v1/keys"),
        ("POST", "/v1/keys"),
        ("GET", "/v1/keys/x"),
        ("POST", "/v1/keys/x/checkpoints"),
        ("GET", "/nowhere"),
    ],
)
def test_without_the_token_nothing_is_answered(
    service: Running, method: str, path: str, authorization: str | None
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization.encode()}
    answer = httpx.request(
        method, service.url + path, headers=headers, content=b"{no json", trust_env=False
    )
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "unauthorized"
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_the_client_reports_a_wrong_token(service: Running) -> None:
    async with service.client(token="0" * 64) as client:
        assert (await client.health()).status == "ok"
        with pytest.raises(KeyServiceRefused, match="401") as refused:
            await client.keys()
    assert refused.value.status == 401


def test_the_token_file_is_for_its_owner_only(service: Running) -> None:
    assert stat.S_IMODE(service.token_file.stat().st_mode) == 0o600


async def test_an_unknown_key_is_404(service: Running) -> None:
    async with service.client() as client:
        with pytest.raises(UnknownKey, match="nobody"):
            await client.key("nobody")
        with pytest.raises(UnknownKey, match=r"no key with id a\?b"):
            await client.key("a?b")
        with pytest.raises(UnknownKey, match="nobody"):
            await client.sign_checkpoint("nobody", CHECKPOINT)


async def test_a_second_root_is_409_and_the_first_is_signed_again(service: Running) -> None:
    async with service.client() as client:
        record = await client.create_key(Algorithm.ML_DSA_87, "equivocates")
        await client.sign_checkpoint(record.key_id, CHECKPOINT)
        other = dataclasses.replace(CHECKPOINT, root=b"\x99" * 32)
        with pytest.raises(Equivocation, match="9999") as refused:
            await client.sign_checkpoint(record.key_id, other)
        assert refused.value.signed == CHECKPOINT.root
        await client.sign_checkpoint(record.key_id, CHECKPOINT)


async def test_a_rotation_is_signed_and_a_second_set_with_its_salt_is_409(
    service: Running,
) -> None:
    rotation = Rotation(31337, b"\x44" * 20, 1, b"\x55" * 32, salt=2**64 - 1)
    async with service.client() as client:
        record = await client.create_key(Algorithm.ML_DSA_87, "rotates")
        signature = await client.sign_rotation(record.key_id, rotation)
        select("default").signatures.verify(
            Algorithm.ML_DSA_87,
            record.public_key,
            rotation_digest(rotation),
            signature,
            ROTATION_CONTEXT,
        )
        other = dataclasses.replace(rotation, set_hash=b"\x66" * 32)
        with pytest.raises(RotationConflict, match="another set takes another salt") as refused:
            await client.sign_rotation(record.key_id, other)
        assert refused.value.signed == rotation.set_hash
        await client.sign_rotation(record.key_id, dataclasses.replace(other, salt=1))
        with pytest.raises(UnknownKey, match="nobody"):
            await client.sign_rotation("nobody", rotation)


async def test_a_verdict_is_signed_and_a_second_one_with_its_sequence_is_409(
    service: Running,
) -> None:
    other = dataclasses.replace(STATEMENT, expires_at=STATEMENT.expires_at + 1)
    async with service.client() as client:
        record = await client.create_key(Algorithm.ML_DSA_87, "verifies")
        signature = await client.sign_verdict(record.key_id, STATEMENT)
        select("default").signatures.verify(
            Algorithm.ML_DSA_87,
            record.public_key,
            verdict_digest(STATEMENT),
            signature,
            VERDICT_CONTEXT,
        )
        with pytest.raises(VerdictConflict, match="another one takes another sequence") as refused:
            await client.sign_verdict(record.key_id, other)
        assert refused.value.signed == statement_content(STATEMENT)
        with pytest.raises(VerdictConflict):
            await client.sign_revocation(record.key_id, REVOCATION)
        later = dataclasses.replace(REVOCATION.place, sequence=2**64 - 1)
        await client.sign_revocation(record.key_id, dataclasses.replace(REVOCATION, place=later))
        with pytest.raises(UnknownKey, match="nobody"):
            await client.sign_verdict("nobody", STATEMENT)


async def test_a_label_that_is_taken_is_409(service: Running) -> None:
    async with service.client() as client:
        await client.create_key(Algorithm.ML_DSA_87, "taken")
        with pytest.raises(LabelTaken, match="'taken'"):
            await client.create_key(Algorithm.ML_DSA_87, "taken")


def checkpoint_body(**change: object) -> dict[str, object]:
    body: dict[str, object] = {
        "origin_domain": 1,
        "origin_chain_id": 31337,
        "outbox": "0x" + "11" * 20,
        "root": "0x" + "22" * 32,
        "size": 3,
        "destination_domain": 2,
        "destination_chain_id": 31338,
        "inbox": "0x" + "33" * 20,
        "epoch": 1,
    }
    return {**body, **change}


@pytest.mark.parametrize(
    ("path", "body", "names"),
    [
        ("/v1/keys", {"algorithm": "ROT13", "label": "x"}, "algorithm"),
        ("/v1/keys", {"algorithm": "ML-DSA-87", "label": ""}, "label"),
        ("/v1/keys", {"algorithm": "ML-DSA-87"}, "label"),
        ("/v1/keys", {"algorithm": "ML-DSA-87", "label": "x", "seed": "0x00"}, "seed"),
        ("/v1/keys/x/checkpoints", checkpoint_body(size=0), "size"),
        ("/v1/keys/x/checkpoints", checkpoint_body(size="3"), "size"),
        ("/v1/keys/x/checkpoints", checkpoint_body(epoch=2**32), "epoch"),
        ("/v1/keys/x/checkpoints", checkpoint_body(root="0x" + "00" * 32), "root"),
        ("/v1/keys/x/checkpoints", checkpoint_body(root="22" * 32), "root"),
        ("/v1/keys/x/checkpoints", checkpoint_body(inbox="0x1234"), "inbox"),
    ],
)
def test_bad_input_is_422_and_names_what_is_wrong(
    service: Running, path: str, body: dict[str, object], names: str
) -> None:
    headers = {"Authorization": f"Bearer {service.token}"}
    answer = httpx.post(service.url + path, headers=headers, json=body, trust_env=False)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "bad_input"
    assert names in answer.json()["error"]["message"]


def test_no_json_is_422_and_no_route_is_404_and_all_errors_have_one_form(service: Running) -> None:
    headers = {"Authorization": f"Bearer {service.token}"}
    with httpx.Client(base_url=service.url, headers=headers, trust_env=False) as http:
        answers = [
            (http.post("/v1/keys", content=b"{no json"), 422),
            (http.get("/nowhere"), 404),
            (http.get("/docs"), 404),
            (http.delete("/v1/keys"), 405),
        ]
    for answer, status in answers:
        assert answer.status_code == status
        assert set(answer.json()) == {"error"}
        assert set(answer.json()["error"]) == {"code", "message"}


async def test_a_tapped_link_is_503_and_the_status_says_why(tapped: Running) -> None:
    async with tapped.client() as client:
        with pytest.raises(PoolExhausted, match="256 bits wanted, 0 available"):
            await client.create_key(Algorithm.ML_DSA_87, "first")
        link = await client.link()
        assert link.state == "link under attack or broken"
        assert (link.blocks_distilled, link.blocks_rejected) == (0, 3)
        assert link.last_block is None
        assert link.last_rejection is not None
        assert "QBER 2" in link.last_rejection
        assert (await client.health()).status == "degraded"


def test_an_empty_pool_is_503(tapped: Running) -> None:
    answer = httpx.post(
        f"{tapped.url}/v1/keys",
        headers={"Authorization": f"Bearer {tapped.token}"},
        json={"algorithm": "ML-DSA-87", "label": "first"},
        trust_env=False,
    )
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "pool_exhausted"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_stops_cleanly_says_nothing_on_stdout_and_remembers(
    tmp_path: Path, number: signal.Signals
) -> None:
    first = start(tmp_path)
    try:
        async with first.client() as client:
            record = await client.create_key(Algorithm.ML_DSA_87, "first")
            await client.sign_checkpoint(record.key_id, CHECKPOINT)
        token = first.token
        output, log = first.stop(number)
    finally:
        end(first)
    assert first.process.returncode == 0
    assert output == b""
    assert b"keyservice.stopped" in log
    assert token.encode() not in log

    second = start(tmp_path)
    try:
        assert second.token == token
        async with second.client() as client:
            assert await client.keys() == [record]
            with pytest.raises(Equivocation):
                await client.sign_checkpoint(
                    record.key_id, dataclasses.replace(CHECKPOINT, root=b"\x99" * 32)
                )
    finally:
        end(second)


def test_a_busy_port_is_refused_before_anything_is_made(service: Running, tmp_path: Path) -> None:
    settings = KeyServiceSettings(tmp_path / "state")
    with pytest.raises(PortInUse, match=f"key service: port {service.port} on 127.0.0.1"):
        serve(settings, "127.0.0.1", service.port)
    assert not settings.state_folder.exists()


async def test_nobody_there_is_unreachable() -> None:
    async with KeyServiceClient(f"http://127.0.0.1:{free_port()}", "token") as client:
        with pytest.raises(KeyServiceUnreachable, match=r"no answer from http://127\.0\.0\.1"):
            await client.health()
    assert KeyServiceUnreachable.retryable


async def test_a_service_that_never_answers_runs_into_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        async with KeyServiceClient(url, "token", timeout_s=0.2) as client:
            with pytest.raises(KeyServiceUnreachable, match="ReadTimeout"):
                await client.health()


async def test_the_client_does_not_show_its_token() -> None:
    async with KeyServiceClient("http://127.0.0.1:1", "secret-token") as client:
        assert "secret-token" not in repr(client)
