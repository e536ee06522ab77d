"""An attestor as a process, with a configuration of its own over a running network."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from bridge.apps.devnet.processes import choose_port
from bridge.domain.checkpoints import Checkpoint
from bridge.domain.keys import PublicKeyRecord
from bridge.keyservice.secretfile import read_secret
from bridge.relayer.attestor_client import AttestorClient
from bridge.relayer.route import Route, Side
from tests.integration.conftest import ROOT, Network, environment, until


class AttestProcess:
    """``astralink attest`` for one signer; chain A through ``urls``, of which two must agree."""

    def __init__(
        self, network: Network, folder: Path, urls: Sequence[str], signer: str = "signer-1"
    ) -> None:
        self.network, self.folder, self.signer = network, folder, signer
        self.port = choose_port("attestor", 0)
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "log"
        config = network.world.config()
        chains = ""
        for name, chain in config.chains.items():
            where = json.dumps(list(urls) if name == "A" else list(chain.urls))
            chains += (
                f"[chains.{name}]\ndomain = {chain.domain}\nchain_id = {chain.chain_id}\n"
                f"rpc_urls = {where}\ntimeout_s = 4\nlag_blocks = 8\n"
            )
        folder.mkdir(exist_ok=True)
        (folder / "astralink.toml").write_text(
            f"{chains}\n[key_service]\n"
            f'url = "{config.key_service.url}"\ntoken_file = "{config.key_service.token_file}"\n\n'
            f'[relayer]\ndeployment = "{config.relayer.deployment}"\njournal = "none"\n'
            'account_key_file = "none"\n\n[attesting]\npoll_interval_s = 0.3\n'
        )
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> AttestProcess:
        """Start it and wait until it answers; it may not be ready."""
        command = [sys.executable, "-m", "bridge.apps.cli", "attest", "--signer", self.signer]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--state", self.folder, "--port", str(self.port)],
                stdout=subprocess.DEVNULL,
                stderr=log,
                cwd=ROOT,
                env=environment(),
            )
        until(self._answers, "the attestor answers")
        return self

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.get("/v1/health").status_code == 200
        except httpx.TransportError:
            return False

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(30)

    def get(self, path: str, **headers: str) -> httpx.Response:
        return httpx.get(self.url + path, headers=headers, timeout=20, trust_env=False)

    def is_ready(self) -> bool:
        return self.get("/v1/ready").status_code == 200

    def lines(self, event: str) -> list[dict[str, Any]]:
        """What it logged of one kind."""
        found = [json.loads(line) for line in self.log.read_text().splitlines() if line[:1] == "{"]
        return [line for line in found if line["event"] == event]

    @property
    def token(self) -> str:
        return read_secret(self.folder / "attestors" / f"{self.signer}.token").hex()

    def sign(self, checkpoint: Checkpoint) -> bytes:
        """Its signature over ``checkpoint``; raises what its client raises."""

        async def ask() -> bytes:
            async with AttestorClient(self.url, self.token) as client:
                (record,) = await client.keys()
                (signature,) = await client.sign(checkpoint, [record.key_id])
                return signature

        return asyncio.run(ask())

    def record(self) -> PublicKeyRecord:
        async def ask() -> PublicKeyRecord:
            async with AttestorClient(self.url, self.token) as client:
                (record,) = await client.keys()
                return record

        return asyncio.run(ask())


def final_checkpoint(network: Network, epoch: int = 1) -> Checkpoint:
    """What is true of all final messages from A to B."""

    async def ask(sides: dict[str, Side]) -> Checkpoint:
        outbox = sides["A"].outbox
        block = (await sides["A"].client.finalized()).number
        size = await outbox.call("count", block=block)
        root = await outbox.call("root", block=block)
        return Route(sides["A"], sides["B"]).checkpoint(root, size, epoch)

    return network.on_chain(ask)
