"""15-to-1: the enumeration, the density matrix and Aer's agree, and with what is known of it."""

import itertools
import math

import numpy as np
import pytest

from bridge.domain.errors import InputError
from bridge.quantum.codes.magic_density import STEPS, FactoryNoise, simulate
from bridge.quantum.codes.magic_distillation import (
    CHECKS,
    PRODUCTS,
    QUBITS,
    all_products,
    enumerate_faults,
    fault_counts,
)


def weights() -> tuple[list[int], list[int]]:
    """The same counts by MacWilliams' identity, from the weights of the code's words."""
    rows = [sum((q in product) << at for at, product in enumerate(PRODUCTS)) for q in range(QUBITS)]

    def dual(rows: list[int]) -> list[int]:
        words = [0]
        for row in rows:
            words += [word ^ row for word in words]
        n = len(PRODUCTS)
        return [
            sum(
                (-1) ** i * math.comb(w, i) * math.comb(n - w, k - i)
                for w in (word.bit_count() for word in words)
                for i in range(k + 1)
            )
            // len(words)
            for k in range(n + 1)
        ]

    passed, right = dual(rows[:CHECKS]), dual(rows)
    return right, [a - b for a, b in zip(passed, right, strict=True)]


def test_the_products_are_15_of_one_three_and_five_qubits() -> None:
    assert sorted(map(len, PRODUCTS)) == [1] * 4 + [3] * 10 + [5]
    assert len(set(PRODUCTS)) == 15


def test_without_faults_the_rotations_make_a_magic_state() -> None:
    # All fifteen phases over the 32 states, by hand: they depend on the last qubit alone.
    for state in range(2**QUBITS):
        phase = sum(
            -math.pi / 8 * (-1) ** sum(state >> qubit & 1 for qubit in product)
            for product in PRODUCTS
        )
        wanted = math.pi / 8 * (1 if state < 16 else -1)
        assert math.isclose(math.cos(phase - wanted), 1.0, abs_tol=1e-12)
    result = simulate(FactoryNoise(0.0))
    assert result.acceptance == pytest.approx(1.0, abs=1e-12)
    assert result.error < 1e-15


def test_what_has_one_fault_for_certain_is_never_accepted() -> None:
    for number in range(15):
        faults = [0.0] * 15
        faults[number] = 1.0
        with pytest.raises(InputError, match="expected patterns that pass"):
            enumerate_faults(faults)


def test_35_patterns_of_three_faults_pass_unseen_and_none_of_fewer() -> None:
    right, wrong = fault_counts()
    assert (list(right), list(wrong)) == weights()
    assert wrong[:4] == (0, 0, 0, 35)
    assert right[:3] == (1, 0, 0)
    assert sum(right) + sum(wrong) == 2**15 // 2**CHECKS


def test_a_pattern_leaves_the_product_of_its_faults() -> None:
    errors = all_products()
    assert errors.shape == (2**15, 5)
    random = np.random.default_rng(1)
    for pattern in random.integers(0, 2**15, 200):
        wanted = np.zeros(5, dtype=bool)
        for number, product in enumerate(PRODUCTS):
            if pattern >> number & 1:
                wanted[list(product)] ^= True
        assert (errors[pattern] == wanted).all()


@pytest.mark.parametrize(
    ("p", "error", "acceptance"), [(1e-2, 3.609e-5, 0.860), (1e-3, 3.511e-8, 0.985)]
)
def test_the_known_figures(p: float, error: float, acceptance: float) -> None:
    result = enumerate_faults(p)
    assert result.error == pytest.approx(error, rel=2e-4)
    assert result.acceptance == pytest.approx(acceptance, abs=5e-4)


def test_the_error_is_35_p_cubed_in_leading_order() -> None:
    for p in (1e-3, 1e-4, 1e-5):
        assert enumerate_faults(p).error / (35 * p**3) == pytest.approx(1.0, rel=4 * p)
    # Not so for one state that is much worse than the others.
    assert enumerate_faults([1e-2] + [1e-4] * 14).error > 10 * 35 * 1e-12


@pytest.mark.parametrize("noise", [1e-1, 1e-2, 1e-3, 1e-4])
def test_the_density_matrix_is_the_enumeration(noise: float) -> None:
    exact, counted = simulate(FactoryNoise(noise)), enumerate_faults(noise)
    assert exact.acceptance == pytest.approx(counted.acceptance, rel=1e-12)
    assert exact.error == pytest.approx(counted.error, rel=1e-4, abs=1e-15)
    exact = simulate(FactoryNoise(noise, rotation=2 * noise))
    both = noise + 2 * noise - 4 * noise**2
    counted = enumerate_faults([noise] * 4 + [both] * 11)
    assert exact.error == pytest.approx(counted.error, rel=1e-4, abs=1e-15)


@pytest.mark.parametrize(
    "noise",
    [
        FactoryNoise(0.0),
        FactoryNoise(1e-2),
        FactoryNoise(1e-3),
        FactoryNoise(1e-2, 2e-2),
        FactoryNoise(1e-3, 0.0, 1e-6),
        FactoryNoise(1e-3, 1e-2, 1e-3),
        FactoryNoise(0.2, 0.1, 0.1),
    ],
    ids=str,
)
def test_aer_has_the_same_acceptance_and_error(noise: FactoryNoise) -> None:
    pytest.importorskip("qiskit_aer", reason="needs the extra circuits")
    from bridge.quantum.codes.magic_aer import simulate_circuit

    ours, aers = simulate(noise), simulate_circuit(noise)
    assert ours.acceptance == pytest.approx(aers.acceptance, rel=1e-12)
    assert ours.error == pytest.approx(aers.error, rel=1e-9, abs=1e-15)


def test_aer_s_circuit_is_not_deaf_to_its_order() -> None:
    """X faults do not commute with rotations: half of the steps have another error than all."""
    pytest.importorskip("qiskit_aer", reason="needs the extra circuits")
    from qiskit import QuantumCircuit
    from qiskit_aer import AerSimulator

    from bridge.quantum.codes.magic_aer import factory_circuit
    from bridge.quantum.codes.magic_density import judged

    noise = FactoryNoise(0.0, 0.0, 0.01)
    whole = factory_circuit(noise)
    late = QuantumCircuit(QUBITS)
    rotations = [one for one in whole.data if one.operation.name not in ("h", "quantum_channel")]
    faults = [one for one in whole.data if one.operation.name == "quantum_channel"]
    assert len(rotations) == 15
    for one in [*(o for o in whole.data if o.operation.name == "h"), *rotations, *faults]:
        late.append(one.operation, one.qubits)
    late.save_density_matrix()
    state = AerSimulator(method="density_matrix").run(late).result().data()["density_matrix"]
    assert judged(np.asarray(state), noise).error != pytest.approx(simulate(noise).error, rel=0.1)


def test_what_is_stored_unprotected_sets_a_floor() -> None:
    """Third order in the states, but first order in the memories: the output is alone with it."""
    clean = simulate(FactoryNoise(1e-3)).error
    for storage in (1e-6, 1e-5):
        floor = simulate(FactoryNoise(1e-3, 0.0, storage)).error - clean
        assert floor / storage == pytest.approx(13.0, rel=0.02)
        assert floor > 100 * clean
    # A rotation's own fault is one of its product, and is seen like a state's.
    assert simulate(FactoryNoise(1e-3, 1e-5)).error < 1.05 * clean


def test_a_step_of_time_is_a_rotation_of_several_qubits() -> None:
    assert STEPS == 12


@pytest.mark.parametrize("wrong", [-1e-9, 1.0000001, math.nan, math.inf, "0.1", True])
def test_what_is_no_probability_is_refused(wrong: float) -> None:
    if not isinstance(wrong, str):
        with pytest.raises(InputError, match="error of a magic state: expected a probability"):
            enumerate_faults([wrong] * 15)
    for name in ("magic", "rotation", "storage"):
        with pytest.raises(InputError, match=f"{name}: expected a probability from 0 to 1, got"):
            FactoryNoise(**{"magic": 0.0, name: wrong})


def test_other_bad_input() -> None:
    with pytest.raises(InputError, match="expected 15 probabilities, got 14"):
        enumerate_faults([0.1] * 14)
    # Each of the four checks certain to be wrong, by its rotation of one qubit.
    never = [1.0] * 4 + [0.0] * 11
    with pytest.raises(InputError, match="expected patterns that pass"):
        enumerate_faults(never)


def test_every_single_and_double_fault_is_seen() -> None:
    errors = all_products()[:, :CHECKS]
    for count in (1, 2):
        for some in itertools.combinations(range(15), count):
            assert errors[sum(1 << one for one in some)].any()
