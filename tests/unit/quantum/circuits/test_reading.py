"""Profiles out of Qiskit backends: generic ones, and snapshots of real processors."""

from __future__ import annotations

import pytest

pytest.importorskip("qiskit_aer")

from qiskit.circuit import Delay, Measure, Parameter
from qiskit.circuit.library import CZGate, RZGate, SXGate
from qiskit.providers import BackendV2, Options
from qiskit.providers import QubitProperties as Figures
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.transpiler import InstructionProperties, Target

from bridge.domain.errors import ConfigError, HardwareBelowMinimum, InputError
from bridge.quantum.circuits.backend import ProfileBackend
from bridge.quantum.circuits.minimum import Minimum, require_minimum, usable_part
from bridge.quantum.circuits.presets import preset
from bridge.quantum.circuits.profile import HardwareProfile
from bridge.quantum.circuits.reading import profile_of_backend


class Given(BackendV2):
    """A backend that has a Target and runs nothing."""

    def __init__(self, target: Target) -> None:
        super().__init__(name="given")
        self._target = target

    @property
    def target(self) -> Target:
        return self._target

    @property
    def max_circuits(self) -> None:
        return None

    @classmethod
    def _default_options(cls) -> Options:
        return Options()

    def run(self, run_input, **options):  # type: ignore[no-untyped-def]
        raise AssertionError("its profile is read, and nothing runs on it")


SX = InstructionProperties(25e-9, 1e-3)
CZ = InstructionProperties(40e-9, 2e-3)


def given(
    t1: float | None = 100e-6,
    t2: float | None = 100e-6,
    sx: InstructionProperties | None = SX,
    cz: InstructionProperties | None = CZ,
) -> Given:
    target = Target(num_qubits=2, qubit_properties=[Figures(t1=t1, t2=t2), Figures(1e-4, 1e-4)])
    target.add_instruction(RZGate(Parameter("angle")), {(0,): None, (1,): None})
    target.add_instruction(SXGate(), {(0,): sx, (1,): SX})
    target.add_instruction(CZGate(), {(0, 1): cz})
    reading = InstructionProperties(300e-9, 0.01)
    target.add_instruction(Measure(), {(0,): reading, (1,): reading})
    target.add_instruction(Delay(Parameter("time")), {(0,): None, (1,): None})
    return Given(target)


def test_our_own_backend_reads_back_as_its_profile() -> None:
    profile = preset("minimum")
    read = profile_of_backend(ProfileBackend(profile))
    assert read.notes == ()
    assert read.numbers == tuple(range(50))
    assert [(one.first, one.second) for one in read.profile.couplings] == [
        (one.first, one.second) for one in profile.couplings
    ]
    for mine, its in zip(profile.qubits, read.profile.qubits, strict=True):
        for field in mine.__slots__:
            assert getattr(its, field) == pytest.approx(getattr(mine, field), rel=1e-9)
    require_minimum(read.profile)


def test_figures_are_the_targets() -> None:
    read = profile_of_backend(given())
    qubit = read.profile.qubits[0]
    assert (qubit.t1_us, qubit.gate_fidelity) == (pytest.approx(100.0), 0.999)
    assert qubit.reset_ns == qubit.measure_ns == pytest.approx(300.0)
    assert qubit.reset_fidelity == pytest.approx(0.99)
    assert read.profile.couplings[0].gate_fidelity == 0.998


def test_what_is_impossible_is_mended_and_noted() -> None:
    read = profile_of_backend(given(t2=300e-6))
    assert read.profile.qubits[0].t2_us == pytest.approx(200.0)
    assert read.notes == ("qubit 0: T2 300 us lowered to twice T1",)
    read = profile_of_backend(given(sx=InstructionProperties(25e-9, 0.0)))
    assert 0.9998 < read.profile.qubits[0].gate_fidelity < 1.0
    assert "which relaxation allows" in read.notes[0]


def test_what_is_broken_is_left_out_and_noted() -> None:
    read = profile_of_backend(given(sx=InstructionProperties(25e-9, 1.0)))
    assert read.numbers == (1,)
    assert read.profile.couplings == ()
    assert read.notes[0] == "qubit 0 is left out: the error of sx is 1"
    read = profile_of_backend(given(cz=InstructionProperties(40e-9, 1.0)))
    assert (len(read.profile), read.profile.couplings) == (2, ())


def test_each_figure_that_is_missing_is_named() -> None:
    with pytest.raises(ConfigError) as caught:
        profile_of_backend(given(None, float("nan"), None, InstructionProperties(None, 0.01)))
    assert caught.value.problems == (
        "T1 of qubit 0: is missing",
        "T2 of qubit 0: expected at least 0, got nan",
        "error of sx on 0: is missing",
        "duration of sx on 0: is missing",
        "duration of cz on 0 and 1: is missing",
    )
    with pytest.raises(ConfigError, match="gates: expected one of cz, cx, ecr, got"):
        profile_of_backend(Given(Target(num_qubits=1)))
    with pytest.raises(InputError, match="expected a Qiskit BackendV2, got int"):
        profile_of_backend(5)


def test_qiskits_generic_backend_can_be_read_and_run() -> None:
    profile = profile_of_backend(GenericBackendV2(5, seed=1)).profile
    assert (len(profile), profile.two_qubit_gate) == (5, "cx")
    with pytest.raises(HardwareBelowMinimum, match="qubits: expected at least 50, got 5"):
        ProfileBackend(profile)
    assert ProfileBackend(profile, minimum=None).num_qubits == 5


def snapshot(name: str) -> HardwareProfile:
    providers = pytest.importorskip("qiskit_ibm_runtime.fake_provider")
    return profile_of_backend(getattr(providers, name)()).profile


@pytest.mark.filterwarnings("ignore")
def test_snapshots_of_real_processors_are_read_and_refused() -> None:
    for name, gate in (("FakeSherbrooke", "ecr"), ("FakeBoston", "cz")):
        profile = snapshot(name)
        assert profile.two_qubit_gate == gate
        assert len(profile) > 120
        with pytest.raises(HardwareBelowMinimum, match="two-qubit gate fidelity"):
            require_minimum(profile)
    with pytest.raises(HardwareBelowMinimum, match=r"qubits: expected 50 .* got \d+ of"):
        usable_part(profile)
    # What this processor would do for: gates of 99.7 % rather than 99.9 %.
    lower = Minimum(50, 50.0, 0.997, 0.98)
    part = usable_part(profile, lower)
    assert 50 <= len(part) < len(profile)
    require_minimum(part, lower)


@pytest.mark.filterwarnings("ignore")
def test_a_snapshot_without_all_figures_is_refused() -> None:
    with pytest.raises(ConfigError, match="T1 of qubit 146: is missing"):
        snapshot("FakeKingston")
