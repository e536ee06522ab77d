"""``astralink qec surgery``: what it measures, draws, and says of bad input."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.apps.cli.root import application
from bridge.apps.qec.surgery_study import Plan, Row, measure, worst
from bridge.domain.errors import InputError
from bridge.quantum.codes.surgery_programs import OPERATIONS
from bridge.quantum.codes.surgery_rates import ErrorCount

PNG = b"\x89PNG\r\n\x1a\n"
SMALL = ("--operation", "bell", "--distance", "3", "--noise", "0.004", "--shots", "2000")


def command(*arguments: str) -> str:
    result = CliRunner().invoke(application("qec"), ["qec", "surgery", *arguments])
    if result.exception is not None:
        raise result.exception
    return result.stdout


def test_the_data_of_a_small_study(tmp_path: Path) -> None:
    base = tmp_path / "surgery"
    arguments = (*SMALL, "--seed", "1", "--json", "--picture", str(base))
    data = json.loads(command(*arguments))
    assert [row["experiment"] for row in data["rows"]] == ["ZZ", "XX"]
    for row in data["rows"]:
        assert (row["operation"], row["distance"], row["noise"]) == ("bell", 3, 0.004)
        assert (row["qubits"], row["rounds"], row["shots"]) == (41, 6, 2000)
        assert row["lower_95"] < row["logical_error"] < row["upper_95"]
        assert row["logical_error"] == row["errors"] / row["shots"]
        (observable,) = row["observables"]
        assert observable["graphlike_distance"] == 3
        assert observable["errors"] == row["errors"]
    assert data["rows"][0]["observables"][0]["parity_of"] == ["Z(a)", "Z(b)", "ZZ(a,b)"]
    assert data["simulated"] is True
    assert data["pictures"] == [f"{base}.png", f"{base}.svg"]
    assert Path(f"{base}.png").read_bytes().startswith(PNG)
    assert "<svg" in Path(f"{base}.svg").read_text()
    assert json.loads(command(*arguments)) == data


def test_the_table_has_every_operation() -> None:
    text = command(
        "--distance", "3", "--noise", "0.01", "--shots", "200", "--no-pictures", "--no-verify"
    )  # fmt: skip
    for name in OPERATIONS:
        assert name in text
    assert "noise 0.01" in text


def test_an_experiment_ends_with_enough_errors() -> None:
    plan = Plan(["memory"], [3], [0.02], 50_000, 10, 1, verify=False)
    for row in measure(plan):
        assert row.count.errors >= 10
        assert row.count.shots < 50_000
        assert row.graphlike == ()


def test_the_worst_basis_is_the_one_that_is_drawn() -> None:
    rows = [
        Row("bell", key, 3, p, 41, 6, 100, ("Z",), (3,), ErrorCount(100, errors, (errors,)))
        for key, p, errors in (("XX", 0.1, 7), ("ZZ", 0.1, 9), ("XX", 0.01, 2), ("ZZ", 0.01, 1))
    ]
    assert [(p, count.errors) for p, count in worst(rows, "bell", 3)] == [(0.01, 2), (0.1, 9)]
    assert worst(rows, "bell", 5) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--distance", "4"), "distance: expected an odd number of at least 3, got 4"),
        (("--distance", "1"), "distance: expected an odd number of at least 3, got 1"),
        (("--noise", "1.5"), r"expected a probability from 0 to 1, got 1\.5"),
        (("--noise", "-0.1"), r"expected a probability from 0 to 1, got -0\.1"),
        (("--noise", "nan"), "expected a probability from 0 to 1, got nan"),
        (("--noise", "0"), "noise: expected more than 0, got 0"),
        (("--operation", "swap"), "operation: expected one of memory, .*, got 'swap'"),
        (("--shots", "0"), "shots: expected at least 1, got 0"),
        (("--errors", "0"), "errors: expected at least 1, got 0"),
        (("--distance", "3", "--distance", "3"), "distances: expected some, each once"),
        (("--picture", "/nowhere/at/all"), "picture: expected a folder that exists"),
    ],
)
def test_bad_input_is_named(arguments: tuple[str, ...], words: str) -> None:
    drawn = () if "--picture" in arguments else ("--no-pictures",)
    with pytest.raises(InputError, match=words):
        command(*arguments, *drawn)


def test_nothing_to_measure_is_refused() -> None:
    with pytest.raises(InputError, match=r"operations: expected some, each once, got \[\]"):
        measure(Plan([], [3], [0.01], 10, None, 1))
    with pytest.raises(InputError, match="expected a probability"):
        measure(Plan(["bell"], [3], [math.nan], 10, None, 1))


def _python(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=120
    )


def test_the_command_line_does_not_import_the_extras() -> None:
    done = _python(
        "import sys, bridge.apps.cli.root as r; r.application();"
        "print(sorted({'stim', 'pymatching', 'qiskit', 'matplotlib'} & set(sys.modules)))"
    )
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize(
    ("library", "name"), [("stim", "surgery"), ("scipy", "surgery"), ("pymatching", "magic")]
)
def test_without_the_extra_it_says_which(library: str, name: str) -> None:
    script = (
        "import sys; sys.modules[sys.argv[1]] = None; library = sys.argv.pop(1);"
        "from bridge.apps.cli import main; main()"
    )
    done = _python(script, library, "qec", name, "--no-pictures")
    assert done.returncode == 2
    assert "astralink-bridge[codes]" in done.stderr.replace("\n", "")
    assert library in done.stderr
