"""Paulis, Pauli channels and Bell-diagonal pairs against Qiskit and Aer."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.quantum_info import Clifford, DensityMatrix, Statevector
from qiskit.quantum_info import Pauli as Reference
from qiskit_aer.noise import pauli_error

from bridge.domain.errors import InputError
from bridge.quantum.basis import Basis
from bridge.quantum.memory.bell import BellDiagonal, bell_vector, combined_qber, secret_fraction
from bridge.quantum.memory.pauli import MATRICES, Pauli, PauliChannel, PauliString, flipped
from tests.unit.quantum.memory.aer import density_after

LABELS = st.text("IXYZ", min_size=1, max_size=5)
NAN = float("nan")


def pairs_of_labels() -> st.SearchStrategy[tuple[str, str]]:
    return st.integers(1, 5).flatmap(
        lambda n: st.tuples(*[st.text("IXYZ", min_size=n, max_size=n)] * 2)
    )


@given(pairs_of_labels())
def test_products_and_commutation_are_qiskits(labels: tuple[str, str]) -> None:
    first, second = (PauliString.parse(one) for one in labels)
    product = Reference(labels[0]).compose(Reference(labels[1]), front=True)
    assert (first * second).label() == product.to_label()
    assert first.commutes(second) == Reference(labels[0]).commutes(Reference(labels[1]))
    assert first.weight == sum(letter != "I" for letter in labels[0])


@given(LABELS)
def test_a_strings_matrix_is_qiskits(label: str) -> None:
    assert np.array_equal(PauliString.parse(label).matrix(), Reference(label).to_matrix())
    assert PauliString.parse(f"-{label}").label() == f"-{label}"


@pytest.mark.parametrize("label", ["".join(t) for t in itertools.product("IXYZ", repeat=2)])
def test_clifford_gates_move_paulis_as_qiskits_do(label: str) -> None:
    ours = PauliString.parse(label)
    for moved, gate in (
        (ours.after_h(1), lambda c: c.h(1)),
        (ours.after_s(0), lambda c: c.s(0)),
        (ours.after_cx(0, 1), lambda c: c.cx(0, 1)),
        (ours.after_cx(1, 0), lambda c: c.cx(1, 0)),
    ):
        circuit = QuantumCircuit(2)
        gate(circuit)
        evolved = Reference(label).evolve(Clifford(circuit), frame="s")
        assert moved.label() == evolved.to_label()
    with pytest.raises(InputError, match="two different qubits"):
        ours.after_cx(1, 1)
    with pytest.raises(InputError, match="expected 0 to 1, got 2"):
        ours.after_h(2)


def test_strings_that_make_no_sense_are_refused() -> None:
    for text in ("", "-", "XQ", "x"):
        with pytest.raises(InputError, match="letters I, X, Y and Z"):
            PauliString.parse(text)
    with pytest.raises(InputError, match="masks of 2 qubits"):
        PauliString(2, 4, 0)
    with pytest.raises(InputError, match="2 qubits on both sides, got 1"):
        PauliString.parse("XX") * PauliString.parse("X")


def test_a_channel_is_what_aer_makes_of_it() -> None:
    rng = np.random.default_rng(5)
    for _ in range(5):
        weights = rng.dirichlet([1, 1, 1, 1])
        channel = PauliChannel(weights)
        vector = rng.normal(size=2) + 1j * rng.normal(size=2)
        start = np.asarray(DensityMatrix(Statevector(vector / np.linalg.norm(vector))))
        circuit = QuantumCircuit(1)
        named = [(pauli.name, float(weights[pauli])) for pauli in Pauli]
        circuit.append(pauli_error(named).to_instruction(), [0])
        got = sum(one @ start @ one.conj().T for one in channel.kraus())
        assert np.allclose(got, density_after(circuit, start), atol=1e-12)
        bloch = [np.real(np.trace(start @ MATRICES[p])) for p in (Pauli.X, Pauli.Y, Pauli.Z)]
        after = [np.real(np.trace(got @ MATRICES[p])) for p in (Pauli.X, Pauli.Y, Pauli.Z)]
        assert np.allclose(after, channel.transfer() * bloch)
        assert channel.flip_probability(Basis.Z) == pytest.approx(
            (1.0 - channel.transfer()[2]) / 2.0
        )
        other = PauliChannel(rng.dirichlet([1, 1, 1, 1]))
        assert np.allclose(channel.after(other).transfer(), channel.transfer() * other.transfer())


def test_the_four_bell_states_are_named_by_the_pauli_that_makes_them() -> None:
    phi = np.array([1, 0, 0, 1]) / np.sqrt(2)
    psi = np.array([0, 1, 1, 0]) / np.sqrt(2)
    assert np.allclose(bell_vector(Pauli.I), phi)
    assert np.allclose(bell_vector(Pauli.X), psi)
    assert np.allclose(bell_vector(Pauli.Z), phi * [1, 1, 1, -1])
    overlap = abs(np.vdot(bell_vector(Pauli.Y), psi * [1, 1, -1, 1]))
    assert overlap == pytest.approx(1.0)


def test_a_pauli_on_either_half_does_the_same_to_a_pair() -> None:
    rng = np.random.default_rng(6)
    pair = BellDiagonal(rng.dirichlet([1, 1, 1, 1]))
    channel = PauliChannel(rng.dirichlet([1, 1, 1, 1]))
    named = [(pauli.name, float(channel.weights[pauli])) for pauli in Pauli]
    for half in (0, 1):
        circuit = QuantumCircuit(2)
        circuit.append(pauli_error(named).to_instruction(), [half])
        got = density_after(circuit, pair.density())
        assert np.allclose(got, pair.through(channel).density(), atol=1e-12)


def test_error_rates_are_what_measuring_the_density_matrix_shows() -> None:
    pair = BellDiagonal(np.array([0.85, 0.06, 0.07, 0.02]))
    diagonal = np.real(np.diag(pair.density()))
    assert pair.error_rate(Basis.Z) == pytest.approx(diagonal[1] + diagonal[2])
    circuit = QuantumCircuit(2)
    circuit.h([0, 1])
    turned = np.real(np.diag(density_after(circuit, pair.density())))
    assert pair.error_rate(Basis.X) == pytest.approx(turned[1] + turned[2])
    assert pair.qber == pytest.approx((0.08 + 0.09) / 2)


def test_twirling_keeps_the_bell_diagonal_and_nothing_else() -> None:
    rng = np.random.default_rng(7)
    vectors = rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4))
    state = vectors @ vectors.conj().T
    state /= np.trace(state)
    averaged = np.zeros((4, 4), dtype=complex)
    for pauli in Pauli:
        both = np.kron(MATRICES[pauli], MATRICES[pauli])
        averaged += both @ state @ both.conj().T / 4
    assert np.allclose(BellDiagonal.twirled(state).density(), averaged)


def test_flips_compose_as_the_formula_says() -> None:
    errors = [0.01, 0.2, 0.5, 0.03]
    joint = 0.0
    for which in itertools.product((0, 1), repeat=3):
        chance = np.prod([e if w else 1 - e for e, w in zip(errors[:3], which, strict=True)])
        joint += chance * (sum(which) % 2)
    assert flipped(errors[:3]) == pytest.approx(joint)
    assert combined_qber(0.01, 0.02) == pytest.approx(0.0296)
    assert combined_qber(0.01, 0.5) == pytest.approx(0.5)
    for wrong in (-0.1, 1.1, NAN):
        with pytest.raises(InputError, match="error rate: expected 0 to 1"):
            flipped([wrong])


def test_the_secret_fraction_is_gone_at_eleven_percent() -> None:
    assert secret_fraction(0.0, 0.0) == 1.0
    assert secret_fraction(0.11, 0.11) == pytest.approx(0.0, abs=2e-4)
    assert secret_fraction(0.111, 0.111) == 0.0
    assert secret_fraction(0.0, 0.3) == 0.0
    with pytest.raises(InputError, match="error rate in x: expected 0 to 1, got nan"):
        secret_fraction(0.0, NAN)


@pytest.mark.parametrize("fidelity", [0.2, 1.01, -1.0, NAN])
def test_a_werner_pair_has_a_fidelity_of_a_quarter_to_one(fidelity: float) -> None:
    with pytest.raises(InputError, match=r"fidelity of a Werner pair: expected 0\.25 to 1"):
        BellDiagonal.werner(fidelity)
    assert BellDiagonal.werner(0.25).fidelity == 0.25


@pytest.mark.parametrize(
    "weights", [[1.0], [0.5, 0.5, 0.5, -0.5], [0.9, 0.0, 0.0, 0.0], [NAN, 0.0, 0.0, 1.0]]
)
def test_weights_that_are_no_probabilities_are_refused(weights: list[float]) -> None:
    for kind in (BellDiagonal, PauliChannel):
        with pytest.raises(InputError, match=r"expected .*probabilities"):
            kind(np.array(weights))
    with pytest.raises(ValueError, match="read-only"):
        BellDiagonal.werner(0.9).weights[0] = 2.0
