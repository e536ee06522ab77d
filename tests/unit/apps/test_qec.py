"""``astralink qec`` and ``astralink bench qec``: data, pictures, and what they say of bad input."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.apps.bench.qec import measure
from bridge.apps.cli.root import application
from bridge.apps.qec.threshold_study import study_threshold
from bridge.domain.errors import InputError

PNG = b"\x89PNG\r\n\x1a\n"


def run(*arguments: str) -> dict:  # type: ignore[type-arg]
    result = CliRunner().invoke(application("qec"), ["qec", *arguments, "--json"])
    if result.exception is not None:
        raise result.exception
    return json.loads(result.stdout)  # type: ignore[no-any-return]


def test_thresholds_are_found_and_drawn(tmp_path: Path) -> None:
    data = run(
        "threshold", "--shots", "1500", "--distance", "3", "--distance", "5", "--noise", "0.002",
        "--noise", "0.005", "--noise", "0.02", "--picture", str(tmp_path / "curves"),
    )  # fmt: skip
    assert [point["noise"] for point in data["points"]] == [0.002, 0.005, 0.02]
    assert 0.004 < data["crossings"]["3,5"] < 0.02
    factors = [point["lambda"] for point in data["points"]]
    assert factors[0] > factors[1] > 1.0 > factors[2]
    assert data["published"]["lambda"] == 2.14
    for point in data["points"]:
        for rate in point["per_round"].values():
            assert rate["lower_95"] <= rate["value"] <= rate["upper_95"]
    assert data["pictures"] == [str(tmp_path / f"curves.{kind}") for kind in ("png", "svg")]
    assert (tmp_path / "curves.png").read_bytes()[:8] == PNG
    assert "<svg" in (tmp_path / "curves.svg").read_text()


def test_a_memory_is_counted_in_windows_and_whole() -> None:
    options = ("memory", "--noise", "0.005", "--shots", "2000", "--distance", "3", "--rounds", "12")
    whole, windows = run(*options), run(*options, "--window", "4")
    assert whole["failures"] > 0
    assert abs(whole["failures"] - windows["failures"]) < 10
    assert (whole["qubits"], whole["rounds"], whole["window"], windows["window"]) == (
        17,
        12,
        None,
        4,
    )
    assert whole["per_round"] < whole["per_shot"] < whole["upper_95"]
    baseline = run(*options, "--decoder", "none", "--basis", "X")
    assert baseline["failures"] > 2 * whole["failures"]
    colour = run("memory", "--code", "colour", "--shots", "500", "--distance", "3")
    assert (colour["decoder"], colour["qubits"]) == ("mobius", 10)
    bicycle = run("memory", "--code", "bicycle-72", "--shots", "20", "--rounds", "2")
    assert (bicycle["decoder"], bicycle["logical_qubits"]) == ("bp-osd", 12)


def test_codes_are_compared_and_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bridge.quantum.codes import comparison

    few = [one for one in comparison.CONTENDERS if one.cost_us < 20]
    monkeypatch.setattr(comparison, "CONTENDERS", few)
    data = run(
        "memory", "--compare", "--seconds", "0.01", "--noise", "0.004",
        "--picture", str(tmp_path / "codes"),
    )  # fmt: skip
    assert len(data["rows"]) == len(few)
    by_name = {(row["code"], row["decoder"]): row for row in data["rows"]}
    good, none = (by_name["surface d=5", name] for name in ("matching", "none"))
    assert good["upper_95"] < none["lower_95"]
    assert (tmp_path / "codes.png").read_bytes()[:8] == PNG


def test_the_least_machine_is_told_what_it_cannot_do() -> None:
    data = run("estimate", "--shots", "4000")
    assert data["fits"]["distance"] == 5
    assert data["reached"] is False
    assert "NOT reached" in data["words"][1] or "No distance" in data["words"][1]
    good = run(
        "estimate", "--shots", "4000", "--qubits", "100000", "--gate-fidelity", "0.9995",
        "--readout-fidelity", "0.999", "--t1", "500", "--t2", "500", "--target", "1e-5",
        "--states", "2", "--state-target", "1e-6",
    )  # fmt: skip
    assert good["reached"] is True
    assert good["needed"]["factory"]["state_error"] <= 1e-6
    assert good["needed"]["per_round"] <= 1e-5


def test_the_benchmark_has_its_stable_names() -> None:
    told: list[float] = []
    figures = measure(lambda _, share: told.append(share), (3, 5), scale=0.01)
    assert set(figures["latency"]) == set(figures["logical_error"]) == {"3", "5"}
    for latency in figures["latency"].values():
        assert 0.0 < latency["median_us"] <= latency["p99_us"]
    for error in figures["logical_error"].values():
        assert error["lower_95"] < error["per_shot"] < error["upper_95"] < 1e-2
        assert error["per_round"] < error["per_shot"]
        assert "Chernoff" in error["method"]
        assert error["counted"]["lower_95"] < error["upper_95"]
        assert error["counted"]["upper_95"] > error["lower_95"]
    assert figures["lambda"]["value"] > 2.14
    assert figures["streaming"]["us_per_round_per_patch"] > 0.0
    assert told[-1] == 1.0
    assert told == sorted(told)
    assert json.loads(json.dumps(figures)) == figures


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("memory", "--distance", "4"), "distance: expected an odd number of at least 3, got 4"),
        (("memory", "--noise", "1.5"), "p: expected a probability from 0 to 1, got 1.5"),
        (("memory", "--noise", "nan"), "p: expected a probability from 0 to 1, got nan"),
        (("memory", "--shots", "0"), "expected at least 1 each, got 0 and"),
        (("memory", "--rounds", "0"), "rounds: expected at least 1, got 0"),
        (("memory", "--code", "steane"), "code: expected one of surface, colour"),
        (("memory", "--basis", "Y"), "basis: expected X or Z, got 'Y'"),
        (("memory", "--decoder", "magic"), "decoder: expected one of none, matching"),
        (("memory", "--code", "colour", "--window", "4"), "windows: expected a memory of the surf"),
        (("threshold", "--noise", "0.001"), "threshold: expected two distances and two noises"),
        (("threshold", "--noise", "0", "--noise", "0.1"), "noise: expected above 0 in a study"),
        (("threshold", "--distance", "6", "--distance", "3"), "distance: expected an odd number"),
        (("threshold", "--picture", "/no/such/folder/x"), "picture: expected a folder that exists"),
        (("estimate", "--t2", "300"), "t2_us: expected at most twice t1_us, 200, got 300"),
        (("estimate", "--gate-fidelity", "nan"), "gate_fidelity: expected inside"),
    ],
)
def test_bad_input_is_named(arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises(InputError, match=words):
        run(*arguments)


def test_a_bench_of_an_even_distance_or_no_shots_is_refused() -> None:
    with pytest.raises(InputError, match="distance: expected an odd number of at least 3, got 8"):
        measure(lambda *_: None, (3, 8))
    with pytest.raises(InputError, match="scale: expected above 0, at most 100, got 0"):
        measure(lambda *_: None, (3,), scale=0.0)
    with pytest.raises(InputError, match="noise: expected a probability"):
        study_threshold((3, 5), (0.1, 1.1), 10, "matching", 1, lambda _: None)


def test_the_command_line_starts_without_the_libraries_of_codes() -> None:
    code = (
        "import sys; from bridge.apps.cli.root import application; application('qec');"
        "sys.exit(bool({'stim', 'pymatching', 'ldpc', 'matplotlib'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
