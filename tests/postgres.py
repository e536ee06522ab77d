"""A PostgreSQL of Debian's package, started as an ordinary user for the tests and stopped after."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_S = 30.0
ORDINARY = "postgres"
"""The package's own user: PostgreSQL does not run as root."""


def find_binaries() -> Path | None:
    """The folder with ``initdb`` and ``postgres``; None where there is none."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if folders:
        return folders[-1].parent
    found = shutil.which("initdb")
    return None if found is None else Path(found).resolve().parent


class Server:
    """One server in a folder of its own, on a loopback port; ``url`` is SQLAlchemy's."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self._binaries = binaries
        self._data = folder / "data"
        self._folder = folder
        self.port = _free_port()
        if os.getuid() == 0:
            shutil.chown(folder, ORDINARY)
        self._run("initdb", "-D", str(self._data), "-A", "trust", "-U", "bridge", "--no-sync")
        self.start()

    def url(self, database: str = "postgres") -> str:
        """The address of a database."""
        return f"postgresql+psycopg://bridge@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self._folder} -c fsync=off"
        log = str(self._folder / "log")
        where = ("-D", str(self._data), "-l", log, "-o", options)
        self._run("pg_ctl", *where, "-w", "-t", str(int(START_S)), "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop it: ``fast`` ends its connections, ``immediate`` is a crash."""
        self._run("pg_ctl", "-D", str(self._data), "-w", "-m", mode, "stop")

    def create(self, name: str) -> str:
        """The address of a new database."""
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "bridge", name)
        return self.url(name)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._binaries / program), *arguments]
        if os.getuid() == 0:
            user = (f"--reuid={ORDINARY}", f"--regid={_group()}", "--clear-groups")
            command = ["setpriv", *user, *command]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=2 * START_S, cwd=self._folder
        )
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed: {done.stderr or done.stdout}")


@contextmanager
def server() -> Iterator[Server]:
    """A server that ends with the block."""
    binaries = find_binaries()
    assert binaries is not None
    # Not below pytest's folder, which is closed to other users.
    folder = Path(tempfile.mkdtemp(prefix="astralink-postgres-"))
    try:
        one = Server(binaries, folder)
        try:
            yield one
        finally:
            one.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _group() -> int:
    return pwd.getpwnam(ORDINARY).pw_gid


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
