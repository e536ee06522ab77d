"""``astralink state demo``: its figures, its pictures, and what it says of bad input."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from bridge.apps.cli.root import application
from bridge.apps.state.decoupling import decoupling_study
from bridge.apps.state.pictures import draw_decoupling, draw_storage
from bridge.apps.state.storage import block_at, storage_study
from bridge.apps.state.story import STEPS, small_network
from bridge.domain.errors import InputError
from bridge.quantum.codes.noise import CircuitNoise
from bridge.quantum.memory.lane import MemoryLane
from bridge.quantum.memory.measured import MeasuredErrors
from bridge.quantum.memory.protection import SlowNoise
from bridge.quantum.network.routing import best_route

PNG = b"\x89PNG\r\n\x1a\n"


def run(*arguments: str) -> str:
    result = CliRunner().invoke(application("state"), ["state", "demo", *arguments])
    if result.exception is not None:
        raise result.exception
    return result.stdout


def test_every_step_has_its_figures() -> None:
    data: dict[str, Any] = json.loads(run("--no-pictures", "--seed", "1", "--json"))
    assert list(data) == ["simulated", *STEPS, "pictures"]
    assert data["simulated"] is True
    made, key = data["generate"], data["correct"]
    assert (made["distance"], made["rounds"], made["qubits_a_half"]) == (5, 50, 49)
    assert made["raw_error_rate"] > 0.3
    assert key["qber"] < 0.02
    assert key["key_bits"] > 5000
    assert made["bare"]["key_bits"] == 0
    assert 1e-6 < made["bare"]["longest_s"] < 10e-6
    assert data["admit"]["provenance"]["source"] == "memory-simulation"
    for values in data["age"]["fidelity"].values():
        assert values == sorted(values, reverse=True)
        assert values[0] == pytest.approx(1.0)
    one = data["purify"]
    assert one["fidelity_after"] == pytest.approx(one["expected_fidelity"])
    spread = (one["expected_success"] * (1 - one["expected_success"]) / one["tries"]) ** 0.5
    assert abs(one["kept"] / one["tries"] - one["expected_success"]) < 5 * spread
    one = data["swap"]
    assert one["fidelity_joined"] < one["fidelity_ideal_chain"] < one["fidelity_each"]
    one = data["teleport"]
    assert one["fidelity"] == pytest.approx(one["expected_fidelity"], abs=0.04)
    assert one["fidelity"] > one["without_pair"]
    assert sum(one["results"]) == one["runs"]
    best = best_route(small_network(), "alice", "bob")
    assert data["network"]["routes"][0]["path"] == list(best.path)
    assert data["network"]["refused"] == []


def test_a_short_hold_leaves_bare_memories_their_key() -> None:
    text = run("--no-pictures", "--held", "2", "--distance", "3")
    assert "distance 3, 2 rounds" in text
    assert "paths from alice to bob" in text
    data = json.loads(run("--no-pictures", "--held", "2", "--distance", "3", "--json"))
    assert data["generate"]["bare"]["key_bits"] > 3000
    assert data["generate"]["bare"]["why"] is None


def test_the_storage_study_has_simulated_blocks_on_its_curves(tmp_path: Path) -> None:
    noise = CircuitNoise.uniform(1e-3)
    advanced: list[int] = []
    study = storage_study(
        noise,
        MeasuredErrors(noise, shots=20_000),
        (3,),
        MemoryLane.bare(0.0),
        bare_times_s=(1e-6, 50e-6),
        encoded_times_s=(20e-6, 50e-6),
        advance=lambda: advanced.append(1),
    )
    assert len(advanced) == 4
    bare, encoded = study.series
    assert [point.secret_fraction > 0.0 for point in bare.points] == [True, False]
    assert "QBER" in str(bare.points[1].why)
    assert all(point.secret_fraction > 0.0 for point in encoded.points)
    for series in study.series:
        at, finite, endless = np.array(series.curve).T
        for point in series.points:
            expected = float(np.interp(point.held_s, at, finite))
            assert point.secret_fraction == pytest.approx(expected, abs=0.08)
        assert (finite <= endless).all()
    files = draw_storage(study, tmp_path / "picture")
    assert [file.name for file in files] == ["picture-storage.png", "picture-storage.svg"]
    assert files[0].read_bytes().startswith(PNG)
    first = files[1].read_bytes()
    assert b"<svg" in first
    assert draw_storage(study, tmp_path / "picture")[1].read_bytes() == first


def test_the_decoupling_study_is_on_its_curves(tmp_path: Path) -> None:
    study = decoupling_study(SlowNoise(4e4, 100e-6), 100e-6, np.random.default_rng(1), (0, 4))
    for series in study.series:
        at, expected = np.array(series.curve).T
        for held, mean, error in series.points:
            assert abs(mean - float(np.interp(held, at, expected))) < 5 * error + 1e-3
    files = draw_decoupling(study, tmp_path / "picture")
    assert files[0].read_bytes().startswith(PNG)
    assert b"<svg" in files[1].read_bytes()


def test_a_block_that_gives_nothing_says_why() -> None:
    point = block_at(MemoryLane.bare(100e-6))
    assert (point.qber, point.secret_fraction) == (None, 0.0)
    assert point.why is not None
    assert "expected below" in point.why


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--distance", "4"), "patch: expected an odd distance from 3, got 4"),
        (("--held", "0"), "held: expected 1 to 10,000 us, got 0"),
        (("--held", "nan"), "held: expected 1 to 10,000 us, got nan"),
        (("--error", "1.5"), "p: expected a probability from 0 to 1, got 1.5"),
        (("--error", "nan"), "p: expected a probability from 0 to 1, got nan"),
        (("--picture", "/nowhere/at/all"), "picture: expected a folder that exists"),
    ],
)
def test_bad_input_is_named(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        run(*arguments)


def test_rates_that_do_not_serve_are_refused_before_anything_runs(tmp_path: Path) -> None:
    rates = tmp_path / "rates.json"
    rates.write_text(json.dumps({"noise": 0.001, "logical_error": {"3": {"per_round": 2.5e-4}}}))
    given = ("--no-pictures", "--rates", str(rates), "--held", "2")
    assert json.loads(run(*given, "--distance", "3", "--json"))["generate"]["distance"] == 3
    with pytest.raises(InputError, match="one of the distances 3, got 5"):
        run(*given, "--distance", "3", "--distance", "5")
    with pytest.raises(InputError, match=r"got ones of p = 0\.001"):
        run(*given, "--distance", "3", "--error", "0.002")
    rates.write_text("{")
    with pytest.raises(InputError, match="rates: expected a file of JSON"):
        run(*given, "--distance", "3")


def test_a_missing_library_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymatching", None)
    with pytest.raises(InputError, match=r"expected the library pymatching, .*\[codes\]"):
        run("--no-pictures")
