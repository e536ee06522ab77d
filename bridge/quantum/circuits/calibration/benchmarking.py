"""Gate fidelities by randomised benchmarking: random Cliffords that should do nothing in all.

Magesan, Gambetta and Emerson, Phys. Rev. Lett. 106, 180504 (2011); a two-qubit gate by interleaving
it, Magesan and others, Phys. Rev. Lett. 109, 080505 (2012). Each sequence ends in a random basis
state, so that whatever readout and relaxation do the curve falls to 1/2 or 1/4: an asymptote that
is known needs no fit.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import pi, sqrt

import numpy as np

from bridge.domain.errors import ExtraMissing, InputError
from bridge.quantum.circuits.backend import target
from bridge.quantum.circuits.calibration.fits import Decay, Points, fit_power
from bridge.quantum.circuits.calibration.measured import Calibration, QubitFigures, Runner
from bridge.quantum.circuits.expectation import Estimate
from bridge.quantum.circuits.profile import HardwareProfile
from bridge.quantum.montecarlo.seeds import derived_seed

try:
    from qiskit import generate_preset_pass_manager
    from qiskit.circuit import QuantumCircuit
    from qiskit.circuit.library import CXGate, CZGate, ECRGate
    from qiskit.quantum_info import Clifford, random_clifford
except ImportError:
    raise ExtraMissing("qiskit", "circuits") from None

LENGTHS = (1, 50, 100, 200, 400, 700)
PAIR_LENGTHS = (1, 8, 16, 32, 64)
SEQUENCES = 10
SHOTS = 500
TWO_QUBIT = {"cz": CZGate, "cx": CXGate, "ecr": ECRGate}


@dataclass(frozen=True, slots=True)
class Curve:
    """The share of sequences that came back, by length, and the decay through it."""

    points: Points
    decay: Decay


@lru_cache(maxsize=1)
def one_qubit_cliffords() -> tuple[tuple[int, ...], ...]:
    """The 24 Cliffords of a qubit in rz and sx, each with as few sx as there can be.

    A tuple of quarter turns about Z with an sx between each two of them: of 24, four have no sx,
    sixteen have one and four have two.
    """
    found: dict[bytes, tuple[int, ...]] = {}
    for count in range(3):
        for turns in np.ndindex(*(4,) * (count + 1)):
            circuit = QuantumCircuit(1)
            _append(circuit, 0, turns)
            found.setdefault(Clifford(circuit).tableau.tobytes(), tuple(turns))
    assert len(found) == 24
    return tuple(found.values())


def _append(circuit: QuantumCircuit, qubit: int, turns: Sequence[int]) -> None:
    for place, quarter in enumerate(turns):
        if place:
            circuit.sx(qubit)
        if quarter:
            circuit.rz(quarter * pi / 2.0, qubit)


@lru_cache(maxsize=1)
def _one_qubit_table() -> tuple[tuple[Clifford, ...], Mapping[bytes, int]]:
    made = []
    for turns in one_qubit_cliffords():
        circuit = QuantumCircuit(1)
        _append(circuit, 0, turns)
        made.append(Clifford(circuit))
    return tuple(made), {one.tableau.tobytes(): number for number, one in enumerate(made)}


def one_qubit_sequence(
    width: int, qubit: int, length: int, rng: np.random.Generator
) -> tuple[QuantumCircuit, str]:
    """``length`` random Cliffords and one that undoes them, and the result that it should give."""
    cliffords, numbers = _one_qubit_table()
    words = one_qubit_cliffords()
    circuit = QuantumCircuit(width, 1, name=f"RB of {qubit}, {length}")
    # A tableau as a frame: the images of X and Z under what was done so far, by table look-up.
    so_far = cliffords[0]
    for number in rng.integers(len(words), size=length):
        _append(circuit, qubit, words[number])
        so_far = so_far.compose(cliffords[number])
    flipped = bool(rng.integers(2))
    last = so_far.adjoint()
    if flipped:
        turned = QuantumCircuit(1)
        turned.x(0)
        last = last.compose(Clifford(turned))
    _append(circuit, qubit, words[numbers[last.tableau.tobytes()]])
    circuit.measure(qubit, 0)
    return circuit, "1" if flipped else "0"


def measure_one_qubit_gate(
    run: Runner,
    width: int,
    qubit: int,
    *,
    lengths: Sequence[int] = LENGTHS,
    sequences: int = SEQUENCES,
    shots: int = SHOTS,
    seed: int = 0,
) -> tuple[Estimate, Curve]:
    """The average fidelity of sx on ``qubit``, and the curve it is from.

    The curve's ``alpha`` is that of a Clifford, the mean of ``a^n`` over the 24 with their n gates:
    ``(1 + 4 a + a^2) / 6``, which is solved for the gate's own ``a``; F is ``(1 + a) / 2``.
    """
    _check(lengths, sequences, shots)
    rng = np.random.default_rng(derived_seed(seed, "RB", qubit))
    made = [
        one_qubit_sequence(width, qubit, length, rng)
        for length in lengths
        for _ in range(sequences)
    ]
    curve = _curve(run, made, lengths, sequences, shots, 0.5, derived_seed(seed, "RB run", qubit))
    alpha = curve.decay.rate
    gate = sqrt(3.0 + 6.0 * alpha.value) - 2.0
    slope = 3.0 / sqrt(3.0 + 6.0 * alpha.value)
    return Estimate((1.0 + gate) / 2.0, slope * alpha.standard_error / 2.0), curve


def pair_sequences(
    profile: HardwareProfile,
    pair: tuple[int, int],
    length: int,
    rng: np.random.Generator,
    interleaved: bool,
) -> tuple[QuantumCircuit, str]:
    """Random two-qubit Cliffords, the gate after each if ``interleaved``, and what undoes all."""
    gate = TWO_QUBIT[profile.two_qubit_gate]()
    own = QuantumCircuit(2)
    own.append(gate, [0, 1])
    gate_clifford = Clifford(own)
    circuit = QuantumCircuit(2, 2, name=f"RB of {pair[0]} and {pair[1]}, {length}")
    so_far = Clifford(QuantumCircuit(2))
    for _ in range(length):
        drawn = random_clifford(2, seed=int(rng.integers(1 << 31)))
        circuit.compose(drawn.to_circuit(), inplace=True)
        circuit.barrier()
        so_far = so_far.compose(drawn)
        if interleaved:
            circuit.append(gate, [0, 1])
            circuit.barrier()
            so_far = so_far.compose(gate_clifford)
    expected = [bool(one) for one in rng.integers(2, size=2)]
    flips = QuantumCircuit(2)
    for place, flipped in enumerate(expected):
        if flipped:
            flips.x(place)
    last = so_far.adjoint().compose(Clifford(flips))
    circuit.compose(last.to_circuit(), inplace=True)
    circuit.measure([0, 1], [0, 1])
    return circuit, "".join("01"[one] for one in reversed(expected))


def measure_two_qubit_gate(
    run: Runner,
    profile: HardwareProfile,
    pair: tuple[int, int],
    *,
    lengths: Sequence[int] = PAIR_LENGTHS,
    sequences: int = SEQUENCES,
    shots: int = SHOTS,
    seed: int = 0,
) -> tuple[Estimate, Curve, Curve]:
    """The average fidelity of the two-qubit gate on ``pair``, and the curves without and with it.

    ``1 - F = 3/4 (1 - alpha_interleaved / alpha)``; exact for depolarising noise, and otherwise
    within the bounds of the paper. ``pair`` stands as the profile's coupling has it.
    """
    _check(lengths, sequences, shots)
    if pair not in {(one.first, one.second) for one in profile.couplings}:
        raise InputError(f"pair: expected a coupling of {profile.name}, got {pair}")
    curves = []
    small = profile.part(pair)
    ascending = sorted(pair)
    passes = generate_preset_pass_manager(
        1, target=target(small), initial_layout=[0, 1], seed_transpiler=0
    )
    order = [ascending.index(one) for one in pair]
    for interleaved in (False, True):
        rng = np.random.default_rng(derived_seed(seed, "pair", *pair, int(interleaved)))
        made = []
        for length in lengths:
            for _ in range(sequences):
                abstract, expected = pair_sequences(profile, pair, length, rng, interleaved)
                placed = QuantumCircuit(2, 2, name=abstract.name)
                placed.compose(abstract, qubits=order, inplace=True)
                compiled = passes.run(placed)
                wide = QuantumCircuit(len(profile), 2, name=abstract.name)
                wide.compose(compiled, qubits=ascending, clbits=[0, 1], inplace=True)
                made.append((wide, expected))
        own_seed = derived_seed(seed, "pair run", *pair, int(interleaved))
        curves.append(_curve(run, made, lengths, sequences, shots, 0.25, own_seed))
    alpha, with_gate = (one.decay.rate for one in curves)
    ratio = with_gate.value / alpha.value
    spread = ratio * sqrt(
        (alpha.standard_error / alpha.value) ** 2
        + (with_gate.standard_error / with_gate.value) ** 2
    )
    return Estimate(1.0 - 0.75 * (1.0 - ratio), 0.75 * spread), curves[0], curves[1]


def measure_gates(
    run: Runner,
    profile: HardwareProfile,
    qubits: Collection[int],
    pairs: Collection[tuple[int, int]] = (),
    *,
    sequences: int = SEQUENCES,
    shots: int = SHOTS,
    seed: int = 0,
) -> Calibration:
    """Gate fidelities of ``qubits`` and ``pairs``."""
    width = len(profile)
    figures = {
        qubit: QubitFigures(
            gate_fidelity=measure_one_qubit_gate(
                run, width, qubit, sequences=sequences, shots=shots, seed=seed
            )[0]
        )
        for qubit in qubits
    }
    couplings = {
        pair: measure_two_qubit_gate(
            run, profile, pair, sequences=sequences, shots=shots, seed=seed
        )[0]
        for pair in pairs
    }
    return Calibration(figures, couplings)


def _curve(
    run: Runner,
    made: Sequence[tuple[QuantumCircuit, str]],
    lengths: Sequence[int],
    sequences: int,
    shots: int,
    offset: float,
    seed: int,
) -> Curve:
    counts = run([circuit for circuit, _ in made], shots, seed)
    hits = [one.get(expected, 0) for one, (_, expected) in zip(counts, made, strict=True)]
    grouped = [hits[start : start + sequences] for start in range(0, len(hits), sequences)]
    points = Points.of_sequences([float(one) for one in lengths], grouped, shots)
    return Curve(points, fit_power(points, offset))


def _check(lengths: Sequence[int], sequences: int, shots: int) -> None:
    if len(set(lengths)) < 3 or min(lengths) < 1:
        raise InputError(f"lengths: expected at least 3, from 1 on, got {list(lengths)}")
    if sequences < 2 or shots < 1:
        raise InputError(
            f"sequences: expected at least 2, of 1 shot or more, got {sequences} of {shots}"
        )
