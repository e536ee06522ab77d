"""Hardware profiles: from JSON, from Qiskit backends, what is refused, and what follows."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from math import exp, nan
from pathlib import Path
from typing import Any

import pytest

from bridge.domain.errors import ConfigError, HardwareBelowMinimum, InputError
from bridge.quantum.circuits import decay
from bridge.quantum.circuits.document import parse_profile, profile_json, read_profile
from bridge.quantum.circuits.hardware import hardware_figures
from bridge.quantum.circuits.minimum import (
    MINIMUM,
    Minimum,
    check_width,
    require_minimum,
    shortfalls,
    usable_part,
)
from bridge.quantum.circuits.presets import PRESETS, even, preset
from bridge.quantum.circuits.profile import Coupling, HardwareProfile

LEAST = preset("minimum")
QUBIT = LEAST.qubits[0]


def document(**changes: Any) -> dict[str, Any]:
    data = json.loads(profile_json(even("small", "a test", 1, 3, QUBIT, 0.999, 40.0)))
    return {**data, **changes}


def parsed(data: Any) -> HardwareProfile:
    return parse_profile(json.dumps(data), "small.json")


def problems(data: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parsed(data)
    assert str(caught.value).startswith("small.json: ")
    return list(caught.value.problems)


@pytest.mark.parametrize("name", PRESETS)
def test_a_profile_is_the_same_after_json(name: str, tmp_path: Path) -> None:
    file = tmp_path / "profile.json"
    file.write_text(profile_json(preset(name)))
    assert read_profile(file) == preset(name)
    assert preset(name).source


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(InputError, match=r"expected one of minimum, willow, heron, got 'sycamore'"):
        preset("sycamore")


def test_readout_may_be_one_figure_or_two() -> None:
    data = document()
    for one in data["qubits"]:
        del one["prob_meas1_prep0"], one["prob_meas0_prep1"]
        one["readout_fidelity"] = 0.98
    assert parsed(data).qubits[0].prob_meas0_prep1 == pytest.approx(0.02)
    data["qubits"][1]["prob_meas1_prep0"] = 0.01
    del data["qubits"][2]["readout_fidelity"]
    assert problems(data) == [
        "qubits[1]: expected readout_fidelity or prob_meas1_prep0 and prob_meas0_prep1, got both",
        "qubits[2]: expected readout_fidelity, or prob_meas1_prep0 and prob_meas0_prep1",
    ]


def test_a_missing_qubit_is_named() -> None:
    data = document()
    del data["qubits"][1]
    assert problems(data) == ["qubits: 1 is missing, of 0 to 2"]
    data = document()
    del data["qubits"][2]
    assert problems(data) == ["qubits: 2 is missing, couplings name it"]
    data["qubits"].append(data["qubits"][0])
    assert "qubits: 0 stands 2 times" in problems(data)


def test_every_fault_is_named_at_once() -> None:
    data = document(two_qubit_gate="swap")
    data["qubits"][0]["t2_us"] = 250.0
    data["qubits"][1]["gate_fidelity"] = 1.5
    data["qubits"][2]["measure_ns"] = -1.0
    data["couplings"][0]["gate_fidelity"] = 0.0
    data["couplings"][1]["qubits"] = [1, 1]
    assert problems(data) == [
        "two_qubit_gate: expected one of cz, cx, ecr, got 'swap'",
        "qubits[0].t2_us: expected at most twice t1_us, 200, got 250",
        "qubits[1].gate_fidelity: expected a fidelity in (0, 1], got 1.5",
        "qubits[2].measure_ns: expected more than 0 ns, got -1",
        "couplings[0].gate_fidelity: expected a fidelity in (0, 1], got 0",
        "couplings[1].qubits: expected two, got 1 twice",
    ]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("t1_us", nan, "finite number"),
        ("t1_us", "100", "valid number"),
        ("gate_ns", None, "valid number"),
    ],
)
def test_figures_are_numbers(field: str, value: Any, words: str) -> None:
    data = document()
    data["qubits"][1][field] = value
    (problem,) = problems(data)
    assert problem.startswith(f"qubits[1].{field}: ")
    assert words in problem


def test_keys_are_those_of_the_format() -> None:
    data = document(colour="blue", version=2)
    del data["source"], data["qubits"][0]["reset_ns"]
    found = problems(data)
    assert "colour: is no key of a profile" in found
    assert "source: is missing" in found
    assert "qubits[0].reset_ns: is missing" in found
    assert any(one.startswith("version: ") for one in found)
    with pytest.raises(InputError, match="key 'name' stands twice"):
        parse_profile('{"name": 1, "name": 2}')
    with pytest.raises(InputError, match="line 1, column 2"):
        parse_profile("{")
    for deep in ("[" * 200_000, '{"a":' * 200_000):
        with pytest.raises(InputError, match="less deep"):
            parse_profile(deep)


def test_a_raised_limit_of_recursion_is_not_gone_to() -> None:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)  # as a library may
    try:
        with pytest.raises(InputError, match="less deep"):
            parse_profile("[" * 200_000)
    finally:
        sys.setrecursionlimit(before)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.json: No such file"):
        read_profile(tmp_path / "none.json")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(InputError, match="expected UTF-8"):
        read_profile(tmp_path / "bytes.json")


def test_a_nan_is_refused_wherever_it_stands() -> None:
    for field in QUBIT.__slots__:
        with pytest.raises(ConfigError, match="nan"):
            replace(LEAST, qubits=(replace(QUBIT, **{field: nan}),), couplings=())
    for field in ("gate_fidelity", "gate_ns"):
        with pytest.raises(ConfigError, match="nan"):
            replace(LEAST, couplings=(replace(LEAST.couplings[0], **{field: nan}),))


def test_a_fidelity_that_relaxation_does_not_allow_is_refused() -> None:
    # A gate of 5 us with T1 = T2 = 100 us keeps (1 + 3 exp(-0.05)) / 4 of the process.
    slow = replace(QUBIT, gate_ns=5000.0)
    process = (1.0 + 3.0 * exp(-0.05)) / 4.0
    limit = (2.0 * process + 1.0) / 3.0
    with pytest.raises(ConfigError, match=f"expected at most {limit:.6g}.* got 0.999"):
        replace(LEAST, qubits=(slow,), couplings=())
    fits = replace(slow, gate_fidelity=limit)
    assert replace(LEAST, qubits=(fits,), couplings=()).qubits == (fits,)


def test_the_minimum_is_not_refused_and_anything_below_is() -> None:
    require_minimum(LEAST)
    with pytest.raises(HardwareBelowMinimum) as caught:
        require_minimum(preset("willow"))
    assert [one.split(":")[0] for one in caught.value.shortfalls] == [
        "coherence, T1",
        "coherence, T2",
        "two-qubit gate fidelity",
    ]
    assert "got 68 us on qubit 0" in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"t1_us": 99.0}, "coherence, T1: expected at least 100 us, got 99 us on qubit 7"),
        ({"t2_us": 99.0}, "coherence, T2: expected at least 100 us, got 99 us on qubit 7"),
        (
            {"gate_fidelity": 0.9989},
            "one-qubit gate fidelity: expected at least 99.900%, got 99.890% on qubit 7",
        ),
        (
            {"prob_meas0_prep1": 0.0302},
            "readout fidelity: expected at least 99.000%, got 97.990% on qubit 7",
        ),
    ],
)
def test_each_figure_that_falls_short_is_named(changes: dict[str, float], named: str) -> None:
    qubits = list(LEAST.qubits)
    qubits[7] = replace(QUBIT, **changes)
    found = shortfalls(replace(LEAST, qubits=tuple(qubits)))
    assert found == [f"{named} (short on 1 of 50)"]
    part = usable_part(replace(LEAST, qubits=tuple(qubits)), replace(MINIMUM, qubits=49))
    assert len(part) == 49
    assert shortfalls(part, replace(MINIMUM, qubits=49)) == []


def test_too_few_qubits_are_named() -> None:
    assert shortfalls(LEAST.part(range(49))) == ["qubits: expected at least 50, got 49"]
    lonely = replace(LEAST, couplings=())
    assert shortfalls(lonely) == ["couplings: expected at least 1, got 0"]
    with pytest.raises(HardwareBelowMinimum, match="got 1 of 50"):
        usable_part(lonely)


def test_the_usable_part_leaves_bad_couplings_out() -> None:
    couplings = list(LEAST.couplings)
    couplings[0] = replace(couplings[0], gate_fidelity=0.95)
    profile = replace(LEAST, couplings=tuple(couplings))
    part = usable_part(profile)
    assert (len(part), len(part.couplings)) == (50, len(couplings) - 1)
    assert part.couplings == tuple(couplings[1:])


def test_a_part_is_numbered_anew() -> None:
    part = LEAST.part([11, 1, 0])
    assert [(one.first, one.second) for one in part.couplings] == [(0, 1), (1, 2)]
    with pytest.raises(InputError, match=r"expected qubits from 0 to 49, got \[50\]"):
        LEAST.part([50])
    with pytest.raises(InputError, match="circuit wide: 51 qubits, profile minimum has 50"):
        check_width(LEAST, 51, "circuit wide")


def test_noise_is_what_the_figures_say() -> None:
    noise = LEAST.circuit_noise()
    assert noise.one_qubit == pytest.approx(1.5e-3)
    assert noise.two_qubit == pytest.approx(1.25e-3)
    assert noise.measurement == pytest.approx(0.01)
    assert noise.reset == pytest.approx(0.01)
    # 400 ns of measurement and reset; three Pauli errors of a quarter of 1 - exp(-t / T) each.
    assert noise.idle == pytest.approx(0.75 * (1.0 - exp(-0.004)))
    assert LEAST.circuit_noise(idle_ns=0.0).idle == 0.0
    for idle in (nan, -1.0):
        with pytest.raises(InputError, match="idle time"):
            LEAST.circuit_noise(idle_ns=idle)
    with pytest.raises(InputError, match="couplings"):
        replace(LEAST, couplings=()).circuit_noise()


def test_a_profile_that_gets_worse_has_more_noise() -> None:
    for field, value, figure in (
        ("gate_fidelity", 0.99, "one_qubit"),
        ("prob_meas1_prep0", 0.05, "measurement"),
        ("reset_fidelity", 0.9, "reset"),
        ("t2_us", 50.0, "idle"),
    ):
        worse = replace(LEAST, qubits=(replace(QUBIT, **{field: value}), *LEAST.qubits[1:]))
        assert getattr(worse.circuit_noise(), figure) > getattr(LEAST.circuit_noise(), figure)
    bad = replace(LEAST.couplings[0], gate_fidelity=0.9)
    worse = replace(LEAST, couplings=(bad, *LEAST.couplings[1:]))
    assert worse.circuit_noise().two_qubit > LEAST.circuit_noise().two_qubit


def test_couplings_stand_once() -> None:
    with pytest.raises(
        ConfigError, match=r"couplings\[1\]: qubits 1 and 0 stand in couplings\[0\]"
    ):
        replace(LEAST, couplings=(Coupling(0, 1, 0.99, 40.0), Coupling(1, 0, 0.99, 40.0)))
    with pytest.raises(ConfigError, match="numbers from 0 to 49, got 50"):
        replace(LEAST, couplings=(Coupling(0, 50, 0.99, 40.0),))


def test_t2_of_twice_t1_leaves_no_pure_dephasing() -> None:
    x, y, z = decay.pauli_probabilities(1000.0, 50.0, 100.0)
    assert x == y > 0.0
    assert z == pytest.approx((1.0 - exp(-0.01)) ** 2 / 4.0)  # of second order in the time


def test_a_profile_needs_no_library_of_the_extra() -> None:
    program = (
        "import sys\n"
        "from bridge.quantum.circuits import document, minimum, presets\n"
        "import bridge.quantum.montecarlo.run\n"
        "bad = {'qiskit', 'qiskit_aer', 'mthree', 'stim', 'dask', 'ray'} & set(sys.modules)\n"
        "sys.exit(f'imported {bad}' if bad else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_missing_library_is_named_with_its_extra() -> None:
    program = (
        "import sys\n"
        "sys.modules['qiskit_aer'] = None\n"
        "from bridge.domain.errors import InputError\n"
        "try:\n"
        "    import bridge.quantum.circuits.backend\n"
        "except InputError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "pip install 'astralink-bridge[circuits]'" in done.stdout, done.stderr
    assert "qiskit" in done.stdout


def test_minimum_may_be_asked_otherwise() -> None:
    for wrong in ({"coherence_us": nan}, {"qubits": 0}, {"gate_fidelity": nan}):
        with pytest.raises(InputError, match="minimum: "):
            Minimum(**wrong)
    require_minimum(preset("willow"), Minimum(100, 60.0, 0.996, 0.99))


def test_estimates_get_the_means_and_a_round_of_the_code() -> None:
    figures = hardware_figures(LEAST)
    assert (figures.qubits, figures.t1_us, figures.t2_us) == (50, 100.0, 100.0)
    assert figures.gate_fidelity == pytest.approx(0.999)
    assert figures.readout_fidelity == pytest.approx(0.99)
    assert figures.wait_us == pytest.approx(0.4)
    assert figures.cycle_us == pytest.approx(0.4 + 2 * 0.025 + 4 * 0.04)
    # Both ways to the noise agree on waiting and on two-qubit gates.
    assert figures.noise().idle == pytest.approx(LEAST.circuit_noise().idle, rel=1e-6)
    assert figures.noise().two_qubit == pytest.approx(LEAST.circuit_noise().two_qubit)
    with pytest.raises(InputError, match="couplings"):
        hardware_figures(replace(LEAST, couplings=()))
