"""``astralink qec magic``: what it measures, reckons, draws, and says of bad input."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.apps.cli.root import application
from bridge.domain.errors import InputError
from bridge.quantum.codes.magic_cost import RawState, cheapest
from bridge.quantum.codes.magic_distillation import enumerate_faults
from bridge.quantum.codes.magic_rates import fitted_rate

PNG = b"\x89PNG\r\n\x1a\n"
SMALL = (
    "--noise", "0.002", "--shots", "4000", "--memory-shots", "30000", "--memory-distance", "3",
    "--memory-distance", "5", "--most-distance", "11", "--seed", "1",
)  # fmt: skip


def command(*arguments: str) -> str:
    result = CliRunner().invoke(application("qec"), ["qec", "magic", *arguments])
    if result.exception is not None:
        raise result.exception
    return result.stdout


def test_the_data_of_a_small_study(tmp_path: Path) -> None:
    base = tmp_path / "magic"
    targets = (0.5, 1e-3, 1e-14)
    wanted = [text for target in targets for text in ("--target", str(target))]
    data = json.loads(command(*SMALL, *wanted, "--json", "--picture", str(base)))
    kept, every = data["injection"]
    assert (kept["postselected_rounds"], every["postselected_rounds"]) == (2, 0)
    assert kept["error"] < every["error"]
    assert kept["acceptance"] < every["acceptance"] == 1.0
    assert 0.0 < data["injection_leading_order"] < kept["upper_95"]
    for one in data["distillation"]:
        assert one["error_out"] == enumerate_faults(one["error_in"]).error
    memories = data["memory"]["measured"]
    assert set(memories) == {"3", "5"}
    rate = fitted_rate({int(d): (int(d), m["logical_error"]) for d, m in memories.items()})
    assert data["memory"]["fit_suppression"] == rate.suppression > 1.0
    raw, first, far = data["cost"]
    assert (raw["levels"], raw["error"]) == (0, kept["error"])
    reckoned = cheapest(1e-3, RawState(kept["error"], kept["acceptance"], 2), rate, 11)
    assert first["distances"] == list(reckoned.distances)
    assert first["volume_qubit_rounds"] == reckoned.volume
    assert first["error"] <= 1e-3
    assert "expected at least" in far["unreachable"]
    assert Path(f"{base}.png").read_bytes().startswith(PNG)
    assert "<svg" in Path(f"{base}.svg").read_text()


def test_the_tables_have_what_was_asked_for() -> None:
    text = command(*SMALL, "--target", "1e-3", "--target", "1e-14", "--no-pictures")
    assert "the least in reach" in text
    assert "0.001" in text
    assert "extrapolated" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--noise", "nan"), "expected a probability from 0 to 1, got nan"),
        (("--noise", "1.5"), r"expected a probability from 0 to 1, got 1\.5"),
        (("--noise", "0"), "noise: expected more than 0, got 0"),
        (("--target", "0"), "target error: expected a number between 0 and 1, got 0"),
        (("--target", "nan"), "target error: expected a number between 0 and 1, got nan"),
        (("--start", "4"), "distance: expected an odd number of at least 3, got 4"),
        (("--distance", "2"), "distance: expected an odd number of at least 3, got 2"),
        (("--start", "7"), "start: expected at most the distance 5, got 7"),
        (("--memory-distance", "4"), "distance: expected an odd number of at least 3, got 4"),
        (("--site", "edge"), "site: expected corner or middle, got 'edge'"),
        (("--postselected", "-1"), "postselected: expected at least 0 rounds, got -1"),
        (("--shots", "0"), "shots: expected at least 1, got 0"),
        (("--target", "1e-14"), "target error: expected at least"),
        (("--memory-shots", "10"), "memory: expected 10 errors or more at two distances"),
        (("--most-distance", "1"), "most distance: expected at least 3, got 1"),
    ],
)
def test_bad_input_is_named(arguments: tuple[str, ...], words: str) -> None:
    small = [*SMALL, "--shots", "500"]
    with pytest.raises(InputError, match=words):
        command(*small, *arguments, "--no-pictures")
