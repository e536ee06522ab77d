"""An Anvil that lives as long as a measurement does."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bridge.chain.anvil import AnvilSettings, anvil_command, find_anvil
from bridge.chain.client import ChainClient, ChainSettings
from bridge.domain.errors import ChainUnreachable, ProcessError

HOST = "127.0.0.1"
CHAIN_ID = 31337
START_TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 5.0
POLL_S = 0.05
REQUEST_TIMEOUT_S = 120.0
"""A trace of a verification has some 300,000 steps."""


@asynccontextmanager
async def anvil() -> AsyncIterator[ChainClient]:
    """A client of a fresh Anvil with mainnet's limits, on a free port; it ends with the block.

    ``ProcessError`` where there is no Anvil, or where it ends before it answers.
    """
    binary = find_anvil()
    if binary is None:
        raise ProcessError("Anvil: not found; install Node.js, then run: make tools")
    port = _free_port()
    settings = ChainSettings("bench", 1, CHAIN_ID, f"http://{HOST}:{port}", REQUEST_TIMEOUT_S)
    command = anvil_command(binary, AnvilSettings(port, CHAIN_ID))
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(  # noqa: S603, ASYNC220 - the operator's own binary
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        client = ChainClient(settings)
        try:
            try:
                async with asyncio.timeout(START_TIMEOUT_S):
                    while not await _answers(client):
                        if process.poll() is not None:
                            output.seek(0)
                            said = output.read().decode(errors="replace").strip()
                            raise ProcessError(f"Anvil ended with {process.returncode}: {said}")
                        await asyncio.sleep(POLL_S)
            except TimeoutError as error:
                raise ProcessError(f"Anvil: no answer within {START_TIMEOUT_S:g} s") from error
            yield client
        finally:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            await client.close()


async def _answers(client: ChainClient) -> bool:
    try:
        await client.connect()
    except ChainUnreachable:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
