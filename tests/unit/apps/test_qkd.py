"""``astralink qkd``: blocks, studies, pictures, and what it says of bad input."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from bridge.apps.cli.root import application
from bridge.apps.qkd import pictures
from bridge.apps.qkd.blocks import ADVERSARIES
from bridge.apps.qkd.study import Over, grid
from bridge.domain.errors import BlockRejected, InputError

PNG = b"\x89PNG\r\n\x1a\n"


def run(*arguments: str) -> dict:  # type: ignore[type-arg]
    result = CliRunner().invoke(application("qkd"), ["qkd", *arguments, "--json"])
    if result.exception is not None:
        raise result.exception
    return json.loads(result.stdout)  # type: ignore[no-any-return]


@pytest.mark.parametrize("protocol", ["decoy", "one-decoy", "bbm92", "e91", "single-photon"])
def test_a_block_counts_its_stages_down_to_a_key(protocol: str) -> None:
    pulses = 1 << 18 if protocol == "single-photon" else 10**10
    record = run("run", "--protocol", protocol, "--pulses", str(pulses))
    stages = record["stages"]
    assert record["simulated"] is True
    assert record["discarded"] is None
    assert stages["pulses"] == pulses
    counts = list(stages.values())
    assert all(0 <= count <= pulses for count in counts)
    sifted = stages["sifted_z"] if "sifted_z" in stages else stages["sifted"]
    assert 0 < record["key_bits"] < sifted
    assert record["secret_fraction"] <= 1
    assert ("chsh" in record) == (protocol == "e91")
    if protocol == "e91":
        assert record["chsh"]["violates"]
        assert 2 < record["chsh"]["lower"] < record["chsh"]["value"] < 2.83


@pytest.mark.parametrize(("way", "pulses"), [("events", 40_000_000), ("pulses", 2_000_000)])
def test_the_other_simulations_see_the_same_link(way: str, pulses: int) -> None:
    counts = run("run", "--protocol", "one-decoy", "--seed", "1")["stages"]
    command = ("run", "--protocol", "one-decoy", "--by", way, "--pulses", str(pulses))
    if way == "pulses":
        with pytest.raises(BlockRejected, match="too few for a key"):
            run(*command)
        return
    record = run(*command)
    assert record["simulation"] == way
    share = counts["clicks"] / counts["pulses"]
    assert record["stages"]["clicks"] / pulses == pytest.approx(share, rel=0.01)


def test_a_preset_says_bits_a_second_and_a_seed_repeats_it() -> None:
    first = run("run", "--preset", "li-2023", "--pulses", "1000000000", "--seed", "7")
    assert first == run("run", "--preset", "li-2023", "--pulses", "1000000000", "--seed", "7")
    assert first != run("run", "--preset", "li-2023", "--pulses", "1000000000", "--seed", "8")
    assert first["key_bits_per_s"] == pytest.approx(115.8e6, rel=0.15)


def test_distance_shortens_the_key() -> None:
    near = run("run", "--distance", "10", "--seed", "1")
    far = run("run", "--distance", "60", "--seed", "1")
    assert 0 < far["key_bits"] < near["key_bits"] / 5


def test_a_discarded_block_is_exit_code_5_with_its_reason_on_both_streams() -> None:
    command = [sys.executable, "-m", "bridge.apps.cli", "qkd", "run", "--json"]
    done = subprocess.run(
        [*command, "--adversary", "intercept-resend:1.0"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 5
    record = json.loads(done.stdout)
    assert record["discarded"]["reason"] == "QBER"
    assert record["key_bits"] == 0
    assert "block discarded: QBER: 25." in done.stderr


def test_pairs_without_a_coincidence_are_a_discarded_block() -> None:
    result = CliRunner().invoke(
        application("qkd"), ["qkd", "run", "--protocol", "e91", "--pulses", "100", "--json"]
    )
    record = json.loads(result.stdout)
    assert record["discarded"]["reason"] == "clicks"
    assert "chsh" not in record
    assert isinstance(result.exception, BlockRejected)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--protocol", "b92"), "expected one of decoy"),
        (("--preset", "lee-2023"), "expected one of li-2023"),
        (("--protocol", "decoy", "--preset", "li-2023"), "a protocol or a preset"),
        (("--protocol", "single-photon", "--preset", "li-2023"), "a protocol or a preset"),
        (("--adversary", "mallory:1"), "expected one of intercept-resend"),
        (("--adversary", "denial"), "such as denial:0.1"),
        (("--adversary", "denial:2"), "expected 0 to 1"),
        (("--protocol", "e91", "--by", "events"), "by counts"),
        (("--protocol", "e91", "--adversary", "denial:0.5"), "nobody or intercept-resend"),
        (("--protocol", "single-photon", "--adversary", "blinding:1"), "nobody or intercept"),
        (("--distance", "-1"), "at least 0"),
    ],
)
def test_bad_input_is_told_what_was_expected(arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises(InputError, match=words):
        run("run", *arguments)


@pytest.mark.parametrize("name", ADVERSARIES)
def test_every_adversary_can_be_named(name: str) -> None:
    strength = "1e-7" if name == "trojan-horse" else "0.01"
    if name in ("photon-number-splitting", "blinding"):
        strength = "0.0"
    record = run("run", "--adversary", f"{name}:{strength}", "--distance", "50", "--seed", "1")
    assert record["adversary"] == f"{name}:{strength}"
    assert record["key_bits"] > 0


@pytest.mark.parametrize(
    ("over", "link"),
    [
        (Over.DISTANCE, ("--preset", "gruenenfelder-2023")),
        (Over.QBER, ("--protocol", "e91")),
        (Over.BLOCK, ("--protocol", "decoy")),
    ],
)
def test_a_sweep_lies_on_the_theory_and_draws_it(
    over: Over, link: tuple[str, str], tmp_path: Path
) -> None:
    base = tmp_path / "picture"
    data = run(
        "sweep", "--over", over.value, *link, "--points", "5", "--runs", "2", "--seed", "1",
        "--picture", str(base),
    )  # fmt: skip
    assert len(data["points"]) == 5
    for point in data["points"]:
        assert point["finite"] <= point["endless"] * (1 + 1e-9)
        assert len(point["simulated"]) == len(point["seen"]) == 2
        for rate in point["simulated"]:
            assert rate == pytest.approx(point["finite"], rel=0.25, abs=0.02 * point["endless"])
    assert sum(point["finite"] > 0 for point in data["points"]) >= 2
    assert (tmp_path / "picture.png").read_bytes().startswith(PNG)
    svg = (tmp_path / "picture.svg").read_text()
    assert svg.startswith("<?xml")
    assert data["pictures"] == [str(tmp_path / f"picture.{kind}") for kind in ("png", "svg")]


def test_the_same_study_is_the_same_picture(tmp_path: Path) -> None:
    for name in ("first", "second"):
        run(
            "sweep", "--points", "3", "--seed", "1", "--preset", "li-2023", "--picture",
            str(tmp_path / name),
        )  # fmt: skip
    assert (tmp_path / "first.svg").read_bytes() == (tmp_path / "second.svg").read_bytes()


def test_without_matplotlib_a_sweep_says_how_to_get_it_and_still_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InputError, match=r"astralink-bridge\[plots\]"):
        pictures.require_matplotlib()
    with pytest.raises(InputError, match="--no-pictures"):
        run("sweep", "--points", "3", "--picture", str(tmp_path / "x"))
    data = run("sweep", "--points", "3", "--no-pictures")
    assert data["pictures"] == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--from", "10", "--to", "5"), "a range that rises"),
        (("--over", "qber", "--to", "0.6"), "a range that rises"),
        (("--over", "block", "--from", "0"), "at least 1 bit"),
        (("--picture", "/nowhere/at/all"), "a folder that exists"),
        (("--protocol", "single-photon"), "expected one of decoy"),
    ],
)
def test_a_sweep_of_nothing_is_refused(arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises(InputError, match=words):
        run("sweep", *arguments)


def test_block_sizes_are_even_in_the_logarithm() -> None:
    assert grid(Over.BLOCK, 1e3, 1e6, 4) == [1e3, 1e4, 1e5, 1e6]
    assert grid(Over.DISTANCE, None, 100.0, 3) == [0.0, 50.0, 100.0]


def test_what_a_person_reads_names_stages_and_units(tmp_path: Path) -> None:
    def text(*arguments: str) -> str:
        result = CliRunner().invoke(application("qkd"), ["qkd", *arguments])
        assert result.exit_code == 0, result.exception
        return result.stdout

    block = text("run", "--preset", "li-2023", "--pulses", "1000000000", "--seed", "1")
    for words in ("simulated link Li et al. 2023", "double clicks", "secret bits a second", "%"):
        assert words in block
    assert "CHSH S" in text("run", "--protocol", "e91", "--seed", "1")
    sweep = text("sweep", "--points", "2", "--no-pictures", "--seed", "1")
    for words in ("BB84, two decoys: bits a pulse", "finite key", "endless key"):
        assert words in sweep


def test_a_source_is_worth_what_its_file_is(tmp_path: Path) -> None:
    good, stuck = tmp_path / "good", tmp_path / "stuck"
    good.write_bytes(np.random.default_rng(1).bytes(2500))
    stuck.write_bytes(b"\x55" * 2500)
    worth = [run("entropy", "--file", str(file), "--bits", "20000") for file in (good, stuck)]
    assert worth[0]["min_entropy"] > 0.4
    assert worth[1]["min_entropy"] < 0.02
    assert run("entropy", "--bits", "20000")["source"] == "system"
    with pytest.raises(InputError, match="at least 40000 bits, got 20000"):
        run("entropy", "--file", str(good), "--bits", "40000")
    with pytest.raises(InputError, match="No such file"):
        run("entropy", "--file", str(tmp_path / "none"))
