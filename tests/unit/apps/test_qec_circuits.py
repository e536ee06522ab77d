"""``astralink qec calibrate`` and ``mitigate``: what they print, draw and refuse."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("qiskit_aer")
pytest.importorskip("matplotlib")

from typer.testing import CliRunner

from bridge.apps.cli.root import application
from bridge.domain.errors import ConfigError, InputError
from bridge.quantum.circuits.document import profile_json
from bridge.quantum.circuits.presets import preset


def called(*words: str) -> Any:
    result = CliRunner().invoke(application("qec"), ["qec", *words], env={"COLUMNS": "200"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_mitigation_is_printed_and_drawn(tmp_path: Path) -> None:
    base = tmp_path / "picture"
    words = ("mitigate", "--depth", "3", "--shots", "4000", "--qubits", "2")
    result = called(*words, "--picture", str(base), "--json")
    data = json.loads(result.stdout)
    assert data["pictures"] == [f"{base}.png", f"{base}.svg"]
    assert Path(f"{base}.png").read_bytes().startswith(b"\x89PNG")
    assert Path(f"{base}.svg").read_text().startswith("<?xml")
    off = {name: abs(one["value"] - 1.0) for name, one in data["parity"].items()}
    assert off["both"] < off["extrapolated"] < off["as measured"]
    assert off["both"] < off["readout mitigated"] < off["as measured"]
    assert data["depth"]["after"] <= data["depth"]["before"]
    assert "as measured" in called(*words, "--no-pictures").stdout


@pytest.mark.skipif("PHYSICS" not in os.environ, reason="long: make verify-physics runs it")
@pytest.mark.timeout(900)
def test_calibration_is_printed_and_drawn(tmp_path: Path) -> None:
    base = tmp_path / "picture"
    result = called("calibrate", "--picture", str(base), "--json")
    data = json.loads(result.stdout)
    assert [one["name"] for one in data["figures"][:3]] == ["cz fidelity", "T1 of 0", "T2 of 0"]
    assert all(one["sigmas"] < 4.0 for one in data["figures"])
    assert data["below_minimum"] == []
    noise = data["noise"]["measurement"]
    assert noise["measured"] == pytest.approx(noise["profile"], rel=0.3)
    assert Path(f"{base}.png").read_bytes().startswith(b"\x89PNG")


def test_bad_input_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected one of minimum, willow, heron, got 'osprey'"):
        called("calibrate", "--profile", "osprey", "--no-pictures")
    with pytest.raises(InputError, match="coupling: expected 0 to 84, got 85"):
        called("calibrate", "--coupling", "85", "--no-pictures")
    file = tmp_path / "profile.json"
    file.write_text(profile_json(preset("minimum")).replace('"t2_us": 100.0', '"t2_us": 201.0', 1))
    with pytest.raises(
        ConfigError, match=r"profile\.json: 1 problem\n  qubits\[0\]\.t2_us: .* 201"
    ):
        called("mitigate", "--profile", str(file), "--no-pictures")
    with pytest.raises(InputError, match="a folder that exists"):
        called("mitigate", "--picture", str(tmp_path / "none" / "picture"))
