"""`astralink keyservice` and `astralink keys` on it: certificates, rotation, compromise, audit."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.apps.devnet.layout import Layout, Ports, attestor_ports
from bridge.apps.devnet.processes import choose_ports
from bridge.crypto.providers import select
from bridge.domain.checkpoints import Checkpoint
from bridge.domain.errors import BridgeError, KeyServiceRefused, KeyServiceUnreachable, KeyUnusable
from bridge.domain.keys import Algorithm
from bridge.domain.rotations import Rotation
from bridge.keyservice.client import KeyServiceClient
from bridge.keyservice.kme.authority import Authority, Role
from tests.integration.kme_network import START_S, STOP_S, astralink, invoked, running

CHECKPOINT = Checkpoint(1, 31337, b"\x11" * 20, b"\x22" * 32, 3, 2, 31338, b"\x33" * 20, 1)
ROTATION = Rotation(31337, b"\x44" * 20, 1, b"\x55" * 32, salt=1)

CERTIFIED = """
[key_service.certified]
listen_url = "https://127.0.0.1:{port}"
certificate = "ca/keys.pem"
certificate_key = "ca/keys.key"
authority = "ca/authority.pem"

[[key_service.certified.grants]]
name = "attestor-1"
rights = ["checkpoint"]
labels = ["signer-1"]

[[key_service.certified.grants]]
name = "operator"
rights = ["rotation", "administer"]
labels = ["signer-1", "signer-2"]

[[key_service.certified.grants]]
name = "channel"
rights = ["decapsulate"]
labels = ["kem"]
"""


@dataclass
class Ended:
    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


def command(name: str, *arguments: object) -> Ended:
    with ThreadPoolExecutor(1) as thread:
        done = thread.submit(invoked, name, *arguments).result(START_S)
    if isinstance(done.exception, BridgeError):
        return Ended(done.exception.exit_code, done.stdout, str(done.exception))
    return Ended(done.exit_code, done.stdout, done.stderr)


@dataclass
class Service:
    folder: Path
    port: int
    certified_port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, **variables: str) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                astralink("keyservice", "--state", self.folder),
                stdout=subprocess.DEVNULL,
                stderr=log,
                env={**os.environ, **variables},
            )
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log()
            try:
                if httpx.get(f"{self.url}/v1/health", trust_env=False).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError(self.log())

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(STOP_S)

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def keys(self, *arguments: object) -> Ended:
        """The command in this process, in a thread since it has an event loop of its own."""
        return command("keys", *arguments, "--state", self.folder)

    def by_token(self) -> KeyServiceClient:
        token = self.folder / "keyservice" / "secrets" / "keyservice.token"
        return KeyServiceClient(self.url, token.read_text().strip())

    def by_certificate(self, name: str) -> KeyServiceClient:
        tls = Authority(self.folder / "ca").files(name)
        return KeyServiceClient(f"https://127.0.0.1:{self.certified_port}", "", tls=tls)


def made(folder: Path, more: str = "") -> Service:
    ports = choose_ports({"keys": 0, "certified": 0})
    Layout(folder).create(Ports({"A": 1, "B": 2}, ports["keys"], attestor_ports(3), 6))
    config = folder / "astralink.toml"
    config.write_text(config.read_text() + more.format(port=ports["certified"]))
    authority = Authority.create(folder / "ca")
    authority.issue("keys", Role.SERVER)
    for name in ("attestor-1", "operator", "channel", "stranger"):
        authority.issue(name, Role.CLIENT)
    return Service(folder, ports["keys"], ports["certified"])


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = made(tmp_path_factory.mktemp("life") / "state", CERTIFIED)
    service.start()
    yield service
    service.stop(signal.SIGKILL)


# Certificates and purposes


async def test_a_certificate_is_bound_to_keys_and_purposes(service: Service) -> None:
    async with service.by_token() as token:
        one = await token.create_key(Algorithm.ML_DSA_87, "signer-1")
        two = await token.create_key(Algorithm.ML_DSA_87, "signer-2")
    async with service.by_certificate("attestor-1") as attestor:
        assert one in await attestor.keys()
        await attestor.sign_checkpoint(one.key_id, CHECKPOINT)
        for refused in (
            attestor.sign_rotation(one.key_id, ROTATION),
            attestor.sign_checkpoint(two.key_id, CHECKPOINT),
            attestor.create_key(Algorithm.ML_DSA_87, "mine"),
            attestor.rotate_key(one.key_id),
            attestor.destroy_key(one.key_id),
            anext(attestor.audit()),
        ):
            with pytest.raises(KeyServiceRefused, match="'attestor-1' may not use key") as error:
                await refused
            assert error.value.status == 403
    async with service.by_certificate("operator") as operator:
        await operator.sign_rotation(two.key_id, ROTATION)
        with pytest.raises(KeyServiceRefused, match="for checkpoint"):
            await operator.sign_checkpoint(two.key_id, CHECKPOINT)
        # A refusal has recorded nothing: another root may still be the first.
        new = await operator.rotate_key(one.key_id)
    async with service.by_certificate("attestor-1") as attestor:
        assert new.label == "signer-1@2"
        await attestor.sign_checkpoint(new.key_id, CHECKPOINT)


async def test_a_stranger_and_a_token_without_certificate_get_nothing(service: Service) -> None:
    async with service.by_certificate("stranger") as stranger:
        assert (await stranger.health()).status == "ok"
        for refused in (stranger.keys(), stranger.link(), stranger.lives()):
            with pytest.raises(KeyServiceRefused, match="'stranger'") as error:
                await refused
            assert error.value.status == 403
    async with KeyServiceClient(f"https://127.0.0.1:{service.certified_port}", "token") as plain:
        with pytest.raises(KeyServiceUnreachable):
            await plain.health()


async def test_an_ml_kem_key_is_used_through_its_grant(service: Service) -> None:
    async with service.by_token() as token:
        record = await token.create_key(Algorithm.ML_KEM_1024, "kem")
    sent = select("default").kem.encapsulate(record.public_key)
    async with service.by_certificate("channel") as channel:
        assert await channel.decapsulate(record.key_id, sent.ciphertext) == sent.shared_secret
    async with service.by_certificate("operator") as operator:
        with pytest.raises(KeyServiceRefused, match="for decapsulate"):
            await operator.decapsulate(record.key_id, sent.ciphertext)
    async with service.by_token() as token:
        with pytest.raises(KeyServiceRefused, match="algorithm: expected one of"):
            await token.sign_checkpoint(record.key_id, CHECKPOINT)


# The command line


async def test_keys_from_birth_to_end_by_the_command_line(service: Service) -> None:
    async with service.by_token() as token:
        await token.create_key(Algorithm.ML_DSA_87, "born")
    (new,) = service.keys("rotate", "born", "--json").data
    assert (new["label"], new["successor_of"]) == ("born@2", "born")
    status = service.keys("status", "--json").data
    link = status["link"]
    assert link["simulated"] is True
    assert link["reason"] is None
    assert 8 <= link["low_bits"] <= link["target_bits"] <= link["capacity_bits"]
    assert 0 <= link["oldest_age_s"] < link["lifetime_s"] == 24 * 3600
    lives = {one["label"]: one["life"] for one in status["keys"]}
    assert lives["born"]["state"] == "replaced"
    assert lives["born"]["successor"] == new["key_id"]
    assert lives["born@2"]["state"] == "active"
    refused = service.keys("rotate", "born", "--json")
    assert (refused.code, refused.out) == (6, "")
    assert "is replaced: expected one in use" in refused.err
    refused = service.keys("destroy", "born@2")
    assert (refused.code, "active, not replaced" in refused.err) == (6, True)
    (gone,) = service.keys("destroy", "born", "--json").data
    assert gone["label"] == "born"
    refused = service.keys("rotate", "born@2", "nobody")
    assert (refused.code, "key 'nobody': expected one of" in refused.err) == (2, True)
    shown = service.keys("status").out
    assert "simulated link" in shown
    assert re.search(rf"filled +│ from below {link['low_bits']:,} up to", shown)
    assert re.search(r"oldest +│ [\d,]+ s", shown)
    assert re.search(r"destroyed after +│ 86,400 s", shown)
    assert service.keys("reset-link", "--json").data["state"] in ("filling", "full")
    assert service.keys("reset-link").out.startswith("link: f")
    assert re.search(r"born +│ ML-DSA-87 +│ destroyed", shown)
    assert "born@3" not in shown, "nothing was rotated where one name was wrong"


async def test_a_compromise_by_the_command_line_lists_what_it_ends(service: Service) -> None:
    async with service.by_token() as token:
        record = await token.create_key(Algorithm.ML_DSA_87, "tapped")
    span = ["--since", "2020-01-01", "--until", "2020-01-02"]
    nothing = service.keys("compromise", *span, "--json").data
    assert nothing["blocks"] == []
    span = ["--since", "2020-01-01", "--until", "2100-01-01"]
    other = service.keys("compromise", *span, "--link", "another", "--json").data
    assert other["signing_keys"] == []
    damage = service.keys("compromise", *span, "--reason", "drill", "--json").data
    assert "tapped" in {one["label"] for one in damage["signing_keys"]}
    assert record.provenance.block_id.split("+")[0] in damage["blocks"]
    async with service.by_token() as token:
        with pytest.raises(KeyUnusable, match="compromised"):
            await token.sign_checkpoint(record.key_id, CHECKPOINT)
    for wrong, words in (
        (["--since", "soon", "--until", "2100-01-01"], "ISO 8601"),
        (["--since", "2100-01-01", "--until", "2020-01-01"], "ends after it starts"),
    ):
        refused = service.keys("compromise", *wrong)
        assert (refused.code, words in refused.err) == (2, True)


async def test_the_audit_log_is_exported_and_checked(service: Service, tmp_path: Path) -> None:
    async with service.by_token() as token:
        await token.create_key(Algorithm.ML_DSA_87, "audited")
    out = tmp_path / "audit.jsonl"
    told = service.keys("export-audit", "--out", out, "--json").data
    lines = out.read_text().splitlines()
    assert told["entries"] == len(lines)
    assert "audited" in {json.loads(line).get("label") for line in lines}
    assert service.keys("export-audit").out.splitlines()[: len(lines)] == lines
    refused = service.keys("export-audit", "--out", out)
    assert (refused.code, "expected a new file" in refused.err) == (2, True)

    assert command("keys", "check-audit", out, "--json").data == told
    changed = tmp_path / "changed.jsonl"
    changed.write_text(out.read_text().replace("audited", "auditor"))
    done = subprocess.run(  # noqa: ASYNC221 - for the process's own exit code
        astralink("keys", "check-audit", changed), capture_output=True, text=True, timeout=START_S
    )
    assert (done.returncode, done.stdout) == (6, "")
    assert "expected hash" in done.stderr
    assert command("keys", "check-audit", tmp_path / "nothing").code == 2


def test_the_service_says_no_secret_and_stops_cleanly(service: Service) -> None:
    token = (service.folder / "keyservice" / "secrets" / "keyservice.token").read_text().strip()
    key = (service.folder / "keyservice" / "secrets" / "keyservice.key").read_text().strip()
    assert service.stop() == 0
    assert "keyservice.stopped" in service.log()
    for secret in (token, key):
        assert secret not in service.log()
    service.start()


# Elsewhere: another KME's key, a shared database, a key from the environment


async def test_seeds_are_drawn_from_a_kme_and_its_loss_is_survived(tmp_path: Path) -> None:
    with running(tmp_path / "net", keys=200) as network:
        more = (
            f'[key_service.kme]\nurl = "{network.url("kme-a")}"\nslave_sae_id = "amy"\n'
            f'certificate = "{network.folder}/alice.pem"\n'
            f'certificate_key = "{network.folder}/alice.key"\n'
            f'authority = "{network.folder}/authority.pem"\nsimulated = true\n'
        )
        service = made(tmp_path / "state", more)
        service.start()
        try:
            async with service.by_token() as token:
                record = await token.create_key(Algorithm.ML_DSA_87, "first")
                assert record.provenance.source == "etsi-014:kme-a"
                assert record.provenance.simulated
                assert 0 < record.provenance.qber < 0.05
                for name in ("link-1", "kme-a"):
                    network.stop(name)
                # What is in the pool is there whether the KME is or not.
                await token.create_key(Algorithm.ML_DSA_87, "second")
                assert (await token.health()).status == "ok"
        finally:
            service.stop()
        assert "link.source_unreachable" in service.log() or "link.block_distilled" in service.log()


async def test_two_services_share_a_postgresql_under_a_key_from_the_environment(
    tmp_path: Path, postgres: Any
) -> None:
    url = postgres.create(f"keys_{os.getpid()}")
    more = (
        f'[key_service.storage]\ndatabase = "{url}"\nsealing_key_variable = "KEYS_SEALING"\n'
        "retention_s = 86400\n[key_service.rotation]\nmax_uses = 1000\n"
    )
    first, second = made(tmp_path / "one", more), made(tmp_path / "two", more)
    refused = command("keyservice", "--state", first.folder)
    assert (refused.code, "environment variable KEYS_SEALING" in refused.err) == (2, True)
    try:
        first.start(KEYS_SEALING="ab" * 32)
        second.start(KEYS_SEALING="ab" * 32)
        async with first.by_token() as one, second.by_token() as two:
            record = await one.create_key(Algorithm.ML_DSA_87, "shared")
            assert await two.keys() == [record]
            await two.sign_checkpoint(record.key_id, CHECKPOINT)
            other = Checkpoint(1, 31337, b"\x11" * 20, b"\x99" * 32, 3, 2, 31338, b"\x33" * 20, 1)
            with pytest.raises(Exception, match="refused root 9999"):
                await one.sign_checkpoint(record.key_id, other)
    finally:
        for service in (first, second):
            if service.process is not None:
                service.stop()
    assert not (first.folder / "keyservice" / "keyservice.sqlite").exists()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ('[key_service.kme]\nurl = "http://127.0.0.1:1"\n', "https://127.0.0.1:8443"),
        ("[key_service.rotation]\nmax_uses = 0\n", "key_service.rotation.max_uses"),
        ('[key_service.storage]\ndatabase = "x"\n', "key_service.storage.database"),
        ("[key_service.storage]\nretention_s = 0\n", "key_service.storage.retention_s"),
        (CERTIFIED.replace('"administer"', '"everything"'), "rights"),
        (CERTIFIED.replace("keys.pem", "none.pem"), "expected a file of PEM, got none"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(tmp_path: Path, more: str, words: str) -> None:
    service = made(tmp_path / "state", more)
    done = command("keyservice", "--state", service.folder)
    assert (done.code, words in done.err) == (2, True), done.err
    assert not (service.folder / "keyservice" / "keyservice.sqlite").exists()
