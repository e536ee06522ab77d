"""Foundry's Anvil: where its binary is, and how it is started for the bridge.

npm's ``.bin/anvil`` is a Node program around the binary, so a signal would not reach the chain:
the binary itself is looked for.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bridge.domain.errors import ConfigError, ProcessError

BINARY_VARIABLE = "ASTRALINK_ANVIL"
PACKAGE_PATTERN = "node_modules/@foundry-rs/anvil-*/bin/anvil"
PROJECT = Path(__file__).resolve().parents[2]
VERSION_TIMEOUT_S = 10.0
EPOCHS_TO_FINALITY = 2
"""Anvil's ``finalized`` is two epochs behind ``latest``, ``safe`` one: with one slot in an epoch
they are two blocks and one block behind."""


@dataclass(frozen=True, slots=True)
class AnvilSettings:
    """How Anvil runs; ``finality`` is in blocks, and odd numbers are rounded up to even ones.

    ``state`` is the file that keeps the chain over a restart, with the state behind every block;
    without it only the states behind the newest ``states_kept`` blocks are there to be asked.
    """

    port: int
    chain_id: int
    block_time_s: float = 0.5
    finality: int = 2
    state: Path | None = None
    states_kept: int | None = None


def find_anvil(
    environment: Mapping[str, str] | None = None, folders: Iterable[Path] | None = None
) -> Path | None:
    """Anvil's binary, or None: from the variable, then npm's packages, then PATH.

    ``ConfigError`` when the variable names a file that cannot be run.
    """
    variables = os.environ if environment is None else environment
    named = variables.get(BINARY_VARIABLE)
    if named:
        if not os.access(named, os.X_OK) or not Path(named).is_file():
            raise ConfigError("environment", [f"{BINARY_VARIABLE}: no program at {named}"])
        return Path(named)
    for folder in (PROJECT, Path.cwd()) if folders is None else folders:
        for binary in sorted(folder.glob(PACKAGE_PATTERN)):
            if os.access(binary, os.X_OK):
                return binary
    found = shutil.which("anvil", path=variables.get("PATH"))
    return Path(found) if found else None


def anvil_command(binary: Path, settings: AnvilSettings) -> list[str]:
    """The command line of an Anvil that keeps mainnet's limits.

    Osaka with the transaction cap of EIP-7825; a transaction is mined at once, and empty blocks
    come on a timer besides (``--mixed-mining``); the state is saved on SIGTERM.
    """
    epoch = max(1, -(-settings.finality // EPOCHS_TO_FINALITY))
    command = [
        str(binary),
        "--silent",
        "--port",
        str(settings.port),
        "--chain-id",
        str(settings.chain_id),
        "--slots-in-an-epoch",
        str(epoch),
        "--hardfork",
        "osaka",
        "--enable-tx-gas-limit",
        "--block-time",
        f"{settings.block_time_s:g}",
        "--mixed-mining",
    ]
    if settings.state is not None:
        command += ["--state", str(settings.state), "--preserve-historical-states"]
    elif settings.states_kept is not None:
        command += ["--prune-history", str(settings.states_kept)]
    return command


def anvil_version(binary: Path) -> str:
    """The version that the binary says, such as 1.7.1; ``ProcessError`` when it does not run."""
    try:
        answer = subprocess.run(  # noqa: S603 - the operator's own binary
            [str(binary), "--version"],
            capture_output=True,
            text=True,
            timeout=VERSION_TIMEOUT_S,
            check=True,
            start_new_session=True,  # Ctrl-C is this program's to handle, not a failure of Anvil's
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ProcessError(f"{binary} --version: {error}") from error
    words = answer.stdout.split("\n", 1)[0].split()
    if not words:
        raise ProcessError(f"{binary} --version: expected a version, got nothing")
    return words[-1]
