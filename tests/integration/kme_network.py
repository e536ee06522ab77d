"""Two KMEs and their link in processes of their own, as `astralink kme` starts them."""

from __future__ import annotations

import json
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import structlog
from click.testing import Result
from typer.testing import CliRunner

from bridge.apps.cli.root import application
from bridge.keyservice.kme.authority import Authority
from bridge.keyservice.kme.client import KmeClient
from bridge.keyservice.tlsfiles import TlsFiles

START_S = 180.0
STOP_S = 60.0
"""Longer than anything here takes on a machine that has much else to do."""
SAES = {"alice": "kme-a", "bob": "kme-b", "carol": "kme-b", "dave/ü": "kme-b", "amy": "kme-a"}
"""`dave/ü` has no certificate: a name for the URL alone."""
CERTIFIED = [name for name in SAES if "/" not in name]


def astralink(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "bridge.apps.cli", *map(str, arguments)]


def invoked(name: str, *arguments: object) -> Result:
    """A command in this process. A daemon's logs would go on to a stream that ends with it."""
    try:
        return CliRunner().invoke(application(name), [name, *map(str, arguments)])
    finally:
        structlog.reset_defaults()


@dataclass
class KmeNetwork:
    folder: Path
    port: int
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def url(self, kme: str) -> str:
        return f"https://127.0.0.1:{self.port + (0 if kme == 'kme-a' else 2)}"

    def channel(self, kme: str) -> str:
        return f"https://127.0.0.1:{self.port + (1 if kme == 'kme-a' else 3)}"

    def operator(self, kme: str) -> str:
        return f"http://127.0.0.1:{self.port + (4 if kme == 'kme-a' else 5)}"

    def tls(self, name: str) -> TlsFiles:
        return Authority(self.folder).files(name)

    def http(self, name: str, url: str | None = None) -> httpx.Client:
        """A plain client with the certificate of ``name``, at its own KME."""
        context = self.tls(name).client_context()
        return httpx.Client(
            base_url=url or self.url(SAES[name]), verify=context, trust_env=False, timeout=60
        )

    def client(self, name: str, **more: Any) -> KmeClient:
        return KmeClient(self.url(SAES[name]), self.tls(name), **{"timeout_s": 60.0, **more})

    def start(self, *names: str) -> None:
        """Start processes and wait until the KMEs among them answer."""
        for name in names:
            command = "link" if name == "link-1" else "run"
            log = (self.folder / f"{name}.log").open("ab")
            self.processes[name] = subprocess.Popen(
                astralink("kme", command, self.folder / f"{name}.toml"),
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
            log.close()
        for name in names:
            if name != "link-1":
                self.wait_for(name)

    def wait_for(self, kme: str) -> None:
        sae = "alice" if kme == "kme-a" else "bob"
        deadline = time.monotonic() + START_S
        with self.http(sae) as http:
            while time.monotonic() < deadline:
                assert self.processes[kme].poll() is None, self.log(kme)
                try:
                    if http.get("/api/v1/keys/alice/status").status_code == 200:
                        return
                except httpx.TransportError:
                    time.sleep(0.05)
        raise AssertionError(f"{kme}: no answer within {START_S} s: {self.log(kme)}")

    def fill(self, kme: str, keys: int) -> None:
        """Wait until a KME may give so many keys of 256 bits."""
        sae = "alice" if kme == "kme-a" else "bob"
        deadline = time.monotonic() + START_S
        with self.client(sae) as client:
            while client.status("bob").stored_key_count < keys:
                assert time.monotonic() < deadline, self.log("link-1")
                time.sleep(0.1)

    def stop(self, name: str, number: int = signal.SIGTERM) -> int:
        process = self.processes.pop(name)
        process.send_signal(number)
        return process.wait(STOP_S)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def edit(self, name: str, pattern: str, text: str) -> None:
        path = self.folder / f"{name}.toml"
        changed, count = re.subn(pattern, text, path.read_text())
        assert count == 1
        path.write_text(changed)

    def add(self, name: str, text: str) -> None:
        path = self.folder / f"{name}.toml"
        path.write_text(path.read_text() + text)


def make(folder: Path) -> KmeNetwork:
    """The files of a network that is not started."""
    port = free_ports(6)
    arguments = [f"--sae={sae}={SAES[sae]}" for sae in CERTIFIED]
    done = subprocess.run(
        astralink(
            *("kme", "init", folder, "--kme", "kme-a", "--kme", "kme-b", *arguments),
            *("--port", port, "--json"),
        ),
        capture_output=True,
        text=True,
        timeout=START_S,
    )
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)) == {"kme-a", "kme-b", "link-1", *CERTIFIED}
    network = KmeNetwork(folder, port)
    for kme in ("kme-a", "kme-b"):
        network.add(kme, '"dave/ü" = "kme-b"\n')
    return network


@contextmanager
def running(folder: Path, keys: int = 200, **pools: str) -> Iterator[KmeNetwork]:
    """A network whose KMEs may give ``keys`` keys each; ``pools`` is TOML for their pools."""
    network = make(folder)
    for kme in ("kme-a", "kme-b"):
        text = pools.get(kme.replace("-", "_"), "high_bits = 131072\nlow_bits = 65536\n")
        network.add(kme, f"\n[pool]\nreserve_bits = 4096\n{text}")
    try:
        network.start("kme-a", "kme-b", "link-1")
        for kme in ("kme-a", "kme-b"):
            network.fill(kme, keys)
        yield network
    finally:
        for process in network.processes.values():
            process.kill()
            process.wait(STOP_S)


def free_ports(count: int) -> int:
    """The first of ``count`` ports in a row that are free, below those of outgoing connections."""
    while True:
        first = random.randrange(15_000, 32_000)
        try:
            for port in range(first, first + count):
                socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return first
