"""Where Anvil is looked for, and its command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.chain.anvil import AnvilSettings, anvil_command, anvil_version, find_anvil
from bridge.domain.errors import ConfigError, ProcessError


def program(path: Path, text: str = "#!/bin/sh\necho anvil Version: 9.8.7\necho more\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_order_of_places(tmp_path: Path) -> None:
    on_path = program(tmp_path / "path" / "anvil")
    package = program(tmp_path / "node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil")
    named = program(tmp_path / "named" / "anvil")
    path = {"PATH": str(on_path.parent)}
    assert find_anvil({}, []) is None
    assert find_anvil(path, []) == on_path
    assert find_anvil(path, [tmp_path]) == package
    assert find_anvil({**path, "ASTRALINK_ANVIL": str(named)}, [tmp_path]) == named


def test_a_file_that_cannot_run_is_no_anvil(tmp_path: Path) -> None:
    package = program(tmp_path / "node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil")
    package.chmod(0o644)
    assert find_anvil({}, [tmp_path]) is None
    with pytest.raises(ConfigError, match="ASTRALINK_ANVIL: no program at"):
        find_anvil({"ASTRALINK_ANVIL": str(package)}, [])


def test_command(tmp_path: Path) -> None:
    command = anvil_command(
        Path("/anvil"), AnvilSettings(1234, 7, block_time_s=0.5, finality=4, state=tmp_path)
    )
    text = " ".join(command)
    assert text.startswith("/anvil ")
    for part in (
        "--port 1234",
        "--chain-id 7",
        "--block-time 0.5",
        "--slots-in-an-epoch 2",
        "--hardfork osaka",
        "--enable-tx-gas-limit",
        f"--state {tmp_path}",
    ):
        assert part in text
    assert "--state" not in anvil_command(Path("/anvil"), AnvilSettings(1, 1))
    assert anvil_command(Path("/anvil"), AnvilSettings(1, 1, states_kept=64))[-2:] == [
        "--prune-history",
        "64",
    ]


def test_version(tmp_path: Path) -> None:
    assert anvil_version(program(tmp_path / "anvil")) == "9.8.7"
    for name, text in (("fails", "#!/bin/sh\nexit 3\n"), ("mute", "#!/bin/sh\n")):
        with pytest.raises(ProcessError, match="--version"):
            anvil_version(program(tmp_path / name, text))
