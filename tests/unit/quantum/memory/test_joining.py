"""Purification, swapping and teleportation against circuits on Aer."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator

from bridge.domain.errors import InputError, PurificationFailed
from bridge.quantum.memory.bell import BellDiagonal
from bridge.quantum.memory.dense import density, fidelity
from bridge.quantum.memory.pauli import Pauli
from bridge.quantum.memory.purification import GateNoise, dejmps, pairs_consumed, purify
from bridge.quantum.memory.swapping import chain, swap
from bridge.quantum.memory.teleportation import average, branches, feed_forward, teleport
from tests.unit.quantum.memory.aer import purified_on_aer, swapped_on_aer

NOISY = GateNoise(two_qubit=0.02, measurement=0.03)
NAN = float("nan")


def some_pairs(seed: int, count: int) -> list[BellDiagonal]:
    rng = np.random.default_rng(seed)
    return [BellDiagonal(0.75 * np.eye(4)[0] + 0.25 * rng.dirichlet([1] * 4)) for _ in range(count)]


@pytest.mark.parametrize("noise", [GateNoise(), NOISY])
def test_a_step_of_dejmps_is_what_the_circuit_does(noise: GateNoise) -> None:
    for seed in range(3):
        first, second = some_pairs(seed, 2)
        step = dejmps(first, second, noise)
        state, success = purified_on_aer(first, second, noise)
        assert step.success == pytest.approx(success, abs=1e-10)
        assert np.allclose(step.pair.density(), state, atol=1e-10)


def test_dejmps_of_werner_pairs_is_the_published_formula() -> None:
    fidelity_in = 0.7
    b = (1 - fidelity_in) / 3
    norm = (fidelity_in + b) ** 2 + (2 * b) ** 2
    step = dejmps(BellDiagonal.werner(fidelity_in), BellDiagonal.werner(fidelity_in))
    assert step.success == pytest.approx(norm)
    assert step.pair.fidelity == pytest.approx((fidelity_in**2 + b**2) / norm)
    assert step.pair.weights[Pauli.Y] == pytest.approx(2 * b * b / norm)
    assert step.pair.weights[Pauli.X] == pytest.approx(2 * b * b / norm)
    assert step.pair.weights[Pauli.Z] == pytest.approx(2 * fidelity_in * b / norm)


def test_purification_helps_above_a_half_and_not_below() -> None:
    for start in (0.55, 0.7, 0.9):
        assert purify(BellDiagonal.werner(start), 3).pair.fidelity > start
    assert purify(BellDiagonal.werner(0.5), 3).pair.fidelity == pytest.approx(0.5, abs=0.01)
    assert purify(BellDiagonal.werner(0.4), 3).pair.fidelity < 0.4
    good = purify(BellDiagonal.werner(0.8), 6)
    assert good.pair.fidelity > 0.9999
    assert pairs_consumed(6, good.success) > 64
    # With noisy gates it stops short of one.
    assert purify(BellDiagonal.werner(0.8), 6, NOISY).pair.fidelity < 0.97


def test_what_cannot_be_purified_is_refused() -> None:
    for rounds in (-1, 9):
        with pytest.raises(InputError, match=f"expected 0 to 8 rounds, got {rounds}"):
            purify(BellDiagonal.werner(0.9), rounds)
    for wrong in (-0.1, 1.5, NAN):
        with pytest.raises(InputError, match="expected 0 to 1"):
            GateNoise(two_qubit=wrong)
        with pytest.raises(InputError, match="expected 0 to 1"):
            GateNoise(measurement=wrong)
    phi, psi = BellDiagonal(np.eye(4)[Pauli.I]), BellDiagonal(np.eye(4)[Pauli.X])
    with pytest.raises(PurificationFailed, match="never measure the same bit"):
        dejmps(phi, psi)


@pytest.mark.parametrize("noise", [GateNoise(), NOISY])
def test_a_swap_is_what_the_circuit_does(noise: GateNoise) -> None:
    for seed in range(3):
        first, second = some_pairs(10 + seed, 2)
        got = swap(first, second, noise).density()
        assert np.allclose(got, swapped_on_aer(first, second, noise), atol=1e-10)


def test_a_chain_is_swaps_in_any_order() -> None:
    pairs = some_pairs(3, 4)
    inner = swap(pairs[1], pairs[2])
    for got in (chain(pairs), swap(swap(pairs[0], inner), pairs[3]), chain(pairs[::-1])):
        assert np.allclose(got.weights, chain(pairs).weights)
    werner = chain([BellDiagonal.werner(0.97)] * 5).fidelity
    shrink = ((4 * 0.97 - 1) / 3) ** 5
    assert werner == pytest.approx((1 + 3 * shrink) / 4)
    with pytest.raises(InputError, match="at least one pair, got none"):
        chain([])


def test_teleportation_with_feed_forward_is_aers_by_shots() -> None:
    pair = BellDiagonal(np.array([0.86, 0.02, 0.1, 0.02]))
    state = density(np.array([np.cos(0.4), np.exp(0.7j) * np.sin(0.4)]))
    circuit = QuantumCircuit(3, 2)
    circuit.set_density_matrix(np.kron(pair.density(), state))
    circuit.cx(0, 1)
    circuit.h(0)
    circuit.measure([0, 1], [0, 1])
    with circuit.if_test((circuit.clbits[1], 1)):
        circuit.x(2)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.z(2)
    circuit.save_density_matrix([2], label="far", conditional=True)
    result = (
        AerSimulator(method="density_matrix", seed_simulator=3).run(circuit, shots=400).result()
    )
    by_bits = result.data()["far"]
    ours = {(run.z_bit, run.x_bit): feed_forward(run).state for _, run in branches(state, pair)}
    assert len(by_bits) == 4
    for text, far in by_bits.items():
        bits = int(text, 16)
        assert np.allclose(np.asarray(far), ours[bits & 1, bits >> 1], atol=1e-9)
    assert np.allclose(sum(w * feed_forward(r).state for w, r in branches(state, pair)),
                       average(state, pair), atol=1e-12)  # fmt: skip


def test_without_feed_forward_nothing_arrives() -> None:
    state = density(np.array([np.cos(0.4), np.sin(0.4)]))
    pair = BellDiagonal.werner(1.0)
    left = sum(weight * run.state for weight, run in branches(state, pair))
    assert np.allclose(left, np.eye(2) / 2)
    for weight, run in branches(state, pair):
        assert weight == pytest.approx(0.25)
        assert np.allclose(feed_forward(run).state, state)


def test_runs_that_are_drawn_average_to_the_channel() -> None:
    rng = np.random.default_rng(11)
    pair = BellDiagonal.werner(0.9)
    ideal = np.array([np.cos(0.3), 1j * np.sin(0.3)])
    runs = [teleport(density(ideal), pair, rng, NOISY) for _ in range(1500)]
    mean = np.mean([one.state for one in runs], axis=0)
    assert np.allclose(mean, average(density(ideal), pair, NOISY), atol=0.05)
    assert fidelity(mean, ideal) < 0.93
    assert {(one.x_bit, one.z_bit) for one in runs} == {(0, 0), (0, 1), (1, 0), (1, 1)}
    with pytest.raises(InputError, match=r"one qubit, 2 by 2, got \(4, 4\)"):
        teleport(np.eye(4) / 4, pair, rng)
    with pytest.raises(InputError, match="trace 1"):
        teleport(np.eye(2).astype(complex), pair, rng)
