"""Waiting, exactly and twirled, and what Bell, GHZ and W states keep, against Aer."""

import math

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit_aer.noise import thermal_relaxation_error

from bridge.domain.errors import CoherenceExceeded, InputError
from bridge.quantum.basis import Basis
from bridge.quantum.memory.bell import BellDiagonal
from bridge.quantum.memory.decoherence import Coherence, aged, hold, longest_hold
from bridge.quantum.memory.dense import checked_density, density, fidelity, reduce, through
from bridge.quantum.memory.pauli import MATRICES, Pauli
from bridge.quantum.memory.states import (
    Kind,
    kept_fidelity,
    parties,
    preparation,
    prepared,
    vector,
)
from tests.unit.quantum.memory.aer import density_after

NAN = float("nan")
TIMES = [(100e-6, 150e-6), (80e-6, 20e-6), (50e-6, 100e-6)]


@pytest.mark.parametrize(("t1", "t2"), TIMES)
@pytest.mark.parametrize("held", [0.0, 1e-6, 60e-6])
def test_the_exact_channel_is_aers_thermal_relaxation(t1: float, t2: float, held: float) -> None:
    start = np.array([[0.3, 0.2 - 0.3j], [0.2 + 0.3j, 0.7]])
    circuit = QuantumCircuit(1)
    circuit.append(thermal_relaxation_error(t1, t2, held).to_instruction(), [0])
    got = through(start, Coherence(t1, t2).kraus(held), [0])
    assert np.allclose(got, density_after(circuit, start), atol=1e-10)


@pytest.mark.parametrize(("t1", "t2"), [*TIMES, (math.inf, 40e-6)])
def test_the_twirl_keeps_each_axis_and_drops_the_drift(t1: float, t2: float) -> None:
    memory, held = Coherence(t1, t2), 30e-6
    shrink = memory.twirled(held).transfer()
    paulis = [MATRICES[pauli] for pauli in (Pauli.X, Pauli.Y, Pauli.Z)]
    exact = [
        np.real(np.trace(through((np.eye(2) + one) / 2, memory.kraus(held), [0]) @ one))
        for one in paulis
    ]
    drift = np.real(np.trace(through(np.eye(2) / 2, memory.kraus(held), [0]) @ paulis[2]))
    assert np.allclose(shrink[:2], exact[:2])
    assert shrink[2] == pytest.approx(exact[2] - drift)
    assert (drift > 0.1) == (t1 < math.inf)


def test_a_twirled_pair_is_off_by_a_quarter_of_gamma_squared_and_no_more() -> None:
    memory, held = Coherence(100e-6, 200e-6), 25e-6
    state = BellDiagonal.werner(1.0).density()
    for half in (0, 1):
        state = through(state, memory.kraus(held), [half])
    exact = BellDiagonal.twirled(state).fidelity
    ours = aged(BellDiagonal.werner(1.0), held, memory, memory).fidelity
    assert exact - ours == pytest.approx(memory.decay(held) ** 2 / 4)
    # One half held: nothing is off.
    one = through(BellDiagonal.werner(1.0).density(), memory.kraus(held), [0])
    assert np.allclose(
        BellDiagonal.twirled(one).weights,
        BellDiagonal.werner(1.0).through(memory.twirled(held)).weights,
    )


def test_a_bare_pair_at_100_us_is_worthless_after_50_us() -> None:
    memory = Coherence(100e-6, 100e-6)
    pair = aged(BellDiagonal.werner(1.0), 50e-6, memory, memory)
    assert pair.error_rate(Basis.Z) == pytest.approx((1 - math.exp(-1.0)) / 2)
    assert pair.qber > 0.3
    assert aged(BellDiagonal.werner(1.0), 1e-6, memory, memory).qber < 0.02


def test_holding_beyond_coherence_names_the_time_that_was_left() -> None:
    memory = Coherence()
    pair = BellDiagonal.werner(0.95)
    longest = longest_hold(pair, 0.5, memory, memory)
    assert longest is not None
    assert aged(pair, longest, memory, memory).fidelity == pytest.approx(0.5, abs=1e-6)
    assert hold(pair, 0.99 * longest, memory, memory).fidelity > 0.5
    with pytest.raises(CoherenceExceeded, match=r"at most 5\.\d+e-05 s, asked for 0.001 s") as e:
        hold(pair, 1e-3, memory, memory)
    assert e.value.longest_s == pytest.approx(longest)
    assert longest_hold(pair, 0.96, memory, memory) is None
    ideal = Coherence(math.inf, math.inf)
    assert longest_hold(pair, 0.5, ideal, ideal) == math.inf
    with pytest.raises(CoherenceExceeded, match="it has none at any time"):
        hold(BellDiagonal.werner(0.4), 0.0, memory, memory)


@pytest.mark.parametrize(
    ("t1", "t2", "message"),
    [
        (0.0, 1.0, "T1 above 0 s, got 0.0"),
        (1.0, -1.0, "T2 above 0 s, got -1.0"),
        (NAN, 1.0, "T1 above 0 s, got nan"),
        (1.0, 2.5, "T2 of at most 2 T1 = 2 s, got 2.5"),
    ],
)
def test_times_that_no_qubit_has_are_refused(t1: float, t2: float, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Coherence(t1, t2)
    for wrong in (-1.0, NAN, math.inf):
        with pytest.raises(InputError, match="holding time: expected 0 s or more"):
            Coherence().twirled(wrong)


@pytest.mark.parametrize(
    ("kind", "qubits"), [(Kind.BELL, 2), (Kind.GHZ, 4), (Kind.W, 3), (Kind.W, 5)]
)
def test_preparations_make_their_states_on_aer_and_here(kind: Kind, qubits: int) -> None:
    circuit = QuantumCircuit(qubits)
    for gate in preparation(kind, qubits):
        name = {"h": circuit.h, "x": circuit.x, "cx": circuit.cx}.get(gate.name)
        if name is not None:
            name(*gate.qubits)
        else:
            control, target = gate.qubits  # Aer has no cry
            circuit.ry(gate.angle / 2, target)
            circuit.cx(control, target)
            circuit.ry(-gate.angle / 2, target)
            circuit.cx(control, target)
    made = density_after(circuit)
    assert np.allclose(made, prepared(kind, qubits), atol=1e-10)
    assert fidelity(made, vector(kind, qubits)) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("kind", "qubits"), [(Kind.BELL, 2), (Kind.GHZ, 3), (Kind.GHZ, 5), (Kind.W, 3), (Kind.W, 4)]
)
@pytest.mark.parametrize("initial", [1.0, 0.8])
def test_kept_fidelities_are_aers(kind: Kind, qubits: int, initial: float) -> None:
    memories = [Coherence(100e-6 + 20e-6 * n, 90e-6 - 15e-6 * n) for n in range(qubits)]
    held = 35e-6
    white = np.eye(1 << qubits) / (1 << qubits)
    share = (initial - 0.5**qubits) / (1 - 0.5**qubits)
    start = share * density(vector(kind, qubits)) + (1 - share) * white
    assert fidelity(start, vector(kind, qubits)) == pytest.approx(initial)
    circuit = QuantumCircuit(qubits)
    for n, one in enumerate(memories):
        error = thermal_relaxation_error(one.t1_s, one.t2_s, held)
        circuit.append(error.to_instruction(), [n])
    after = density_after(circuit, start)
    ours = kept_fidelity(kind, held, memories, initial)
    assert ours == pytest.approx(fidelity(after, vector(kind, qubits)), abs=1e-10)
    assert ours < initial


def test_w_states_outlive_ghz_states_of_as_many_qubits() -> None:
    memories = [Coherence()] * 8
    kept = {kind: kept_fidelity(kind, 20e-6, memories) for kind in (Kind.W, Kind.GHZ)}
    assert kept[Kind.W] > 1.5 * kept[Kind.GHZ]


def test_numbers_of_qubits_and_fidelities_that_no_state_has_are_refused() -> None:
    with pytest.raises(InputError, match="bell state: expected 2 to 2 qubits, got 3"):
        parties(Kind.BELL, 3)
    with pytest.raises(InputError, match="ghz state: expected 3 to 64 qubits, got 2"):
        parties(Kind.GHZ, 2)
    with pytest.raises(InputError, match="w state: expected 3 to 10 qubits, got 11"):
        vector(Kind.W, 11)
    for wrong in (0.1, 1.1, NAN):
        with pytest.raises(InputError, match=r"ghz state of 3 qubits: expected 0\.125 to 1"):
            kept_fidelity(Kind.GHZ, 0.0, [Coherence()] * 3, wrong)


def test_what_is_no_density_matrix_is_refused() -> None:
    for state, message in (
        (np.eye(2), "trace 1"),
        (np.diag([1.5, -0.5]), "weights of 0 or more"),
        (np.array([[0.5, 1.0], [0.0, 0.5]]), "Hermitian"),
        (np.full((2, 2), NAN), "finite"),
        (np.eye(3) / 3, "2\\^n by 2\\^n"),
    ):
        with pytest.raises(InputError, match=message):
            checked_density(state.astype(complex))
    both = np.kron(np.diag([0.2, 0.8]), np.diag([0.6, 0.4])).astype(complex)
    assert np.allclose(reduce(both, [1]), np.diag([0.2, 0.8]))
    assert np.allclose(reduce(both, [0]), np.diag([0.6, 0.4]))
