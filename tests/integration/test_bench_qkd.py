"""``astralink bench qkd``: two real processes, and the names that its JSON keeps."""

import json
import subprocess
import sys

import pytest

from bridge.apps.bench.qkd import measure
from bridge.apps.cli import bench, distilling, qkd


@pytest.fixture(scope="module")
def figures():
    command = [sys.executable, "-m", "bridge.apps.cli", "bench", "qkd", "--json"]
    command += ["--seconds", "0.2", "--qber", "0.01", "--qber", "0.03"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=True)
    return json.loads(done.stdout)


def test_the_figures_have_their_names(figures) -> None:
    assert set(figures["rates"]) == set(figures["cascade"]) == {"0.01", "0.03"}
    for rate, least in (("0.01", 0.821), ("0.03", 0.587)):
        one = figures["rates"][rate]
        assert one["keys_per_s"] > 0
        # Two processes of one thread each at work: never more than two processors, and some.
        assert 0 < one["processors_busy"] <= 2.1
        assert one["keys_per_processor_s"] == pytest.approx(
            one["keys_per_s"] / one["processors_busy"], rel=0.01
        )
        assert least < one["secret_fraction"] < 1
        assert 0 < one["block_latency_ms"]["p50"] <= one["block_latency_ms"]["p99"]
        assert sum(one["stages"].values()) == pytest.approx(1.0, abs=0.01)
        assert {"emit", "detect", "sift", "correct", "amplify", "store"} <= set(one["stages"])
        assert one["rejected"] == 0
        assert one["blocks"] >= 8
        assert 1.0 < figures["cascade"][rate]["efficiency"] <= 1.05


def test_it_says_that_the_link_is_simulated_and_what_others_reached(figures) -> None:
    assert figures["simulated"] is True
    assert figures["statement"] == "simulated, a bundle of 2 links"
    published = figures["published"]
    assert {one["mbit_per_s"] for one in published["links"]} == {115.8, 64.0}
    assert {one["mbit_per_s"] for one in published["post_processing"]} == {570.0, 261.0, 71.0}


def test_an_odd_number_of_links_works_too() -> None:
    told: list[str] = []
    figures = measure(told.append, (0.01,), links=3, seconds=0.1, block_bits=1 << 14)
    assert figures["statement"] == "simulated, a bundle of 3 links"
    assert figures["rates"]["0.01"]["keys_per_s"] > 0
    assert any("3 links" in one for one in told)


@pytest.mark.parametrize("name", [("bench", "qkd"), ("qkd", "bench")])
def test_an_error_rate_that_leaves_no_key_is_refused(name: tuple[str, str]) -> None:
    command = [sys.executable, "-m", "bridge.apps.cli", *name, "--qber", "0.3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "0.08" in done.stderr


def test_it_has_two_names() -> None:
    (one,) = (c for c in bench.app.registered_commands if c.callback is distilling.qkd)
    (other,) = (c for c in qkd.app.registered_commands if c.callback is distilling.qkd)
    assert (one.name, other.name) == (None, "bench")


def test_other_commands_do_not_load_the_compiler() -> None:
    code = (
        "import sys; from bridge.apps.cli import bench, keyservice; print('numba' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "False"
