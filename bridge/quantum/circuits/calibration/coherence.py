"""T1 by inversion and T2 by Hahn echo: a wait between gates, longer and longer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite

import numpy as np

from bridge.domain.errors import ExtraMissing, InputError
from bridge.quantum.circuits.calibration.fits import Decay, Points, fit_lifetime
from bridge.quantum.circuits.calibration.measured import Calibration, QubitFigures, Runner
from bridge.quantum.montecarlo.seeds import derived_seed

try:
    from qiskit.circuit import QuantumCircuit
except ImportError:
    raise ExtraMissing("qiskit", "circuits") from None

WAITS = 16
LONGEST_LIFETIMES = 3.0
SHOTS = 4000


def inversion_circuit(width: int, qubit: int, wait_us: float) -> QuantumCircuit:
    """Excite ``qubit``, wait, measure."""
    circuit = QuantumCircuit(width, 1, name=f"T1 of {qubit}, {wait_us:g} us")
    circuit.x(qubit)
    circuit.delay(wait_us, qubit, unit="us")
    circuit.measure(qubit, 0)
    return circuit


def echo_circuit(width: int, qubit: int, wait_us: float) -> QuantumCircuit:
    """A superposition that waits, is turned over half-way, and is measured: 0 when it survived.

    What is constant over a shot is undone by the echo, so T2 is of the rest. Where noise is slow,
    T2 without echo is shorter.
    """
    circuit = QuantumCircuit(width, 1, name=f"T2 of {qubit}, {wait_us:g} us")
    circuit.sx(qubit)
    circuit.delay(wait_us / 2.0, qubit, unit="us")
    circuit.x(qubit)
    circuit.delay(wait_us / 2.0, qubit, unit="us")
    circuit.sx(qubit)
    circuit.measure(qubit, 0)
    return circuit


def measure_t1(
    run: Runner, width: int, qubit: int, guess_us: float, *, shots: int = SHOTS, seed: int = 0
) -> tuple[Decay, Points]:
    """T1 in us and the points it was fitted to: the share of 1 after each wait.

    Waits go up to three times ``guess_us``. ``width`` is the processor's number of qubits.
    """
    return _measure(run, inversion_circuit, "1", width, qubit, guess_us, shots, seed)


def measure_t2(
    run: Runner, width: int, qubit: int, guess_us: float, *, shots: int = SHOTS, seed: int = 0
) -> tuple[Decay, Points]:
    """T2 by echo in us and the points it was fitted to: the share of 0 after each wait."""
    return _measure(run, echo_circuit, "0", width, qubit, guess_us, shots, seed)


def measure_coherence(
    run: Runner,
    width: int,
    guesses_us: dict[int, tuple[float, float]],
    *,
    shots: int = SHOTS,
    seed: int = 0,
) -> Calibration:
    """T1 and T2 of each qubit of ``guesses_us``, which has what is expected of both."""
    figures = {}
    for qubit, (t1_us, t2_us) in guesses_us.items():
        t1, _ = measure_t1(run, width, qubit, t1_us, shots=shots, seed=seed)
        t2, _ = measure_t2(run, width, qubit, t2_us, shots=shots, seed=seed)
        figures[qubit] = QubitFigures(t1_us=t1.rate, t2_us=t2.rate)
    return Calibration(figures)


def _measure(
    run: Runner,
    make: Callable[[int, int, float], QuantumCircuit],
    hit: str,
    width: int,
    qubit: int,
    guess_us: float,
    shots: int,
    seed: int,
) -> tuple[Decay, Points]:
    if not (isfinite(guess_us) and guess_us > 0.0):
        raise InputError(f"guess: expected above 0 us, got {guess_us}")
    if not 0 <= qubit < width:
        raise InputError(f"qubit: expected 0 to {width - 1}, got {qubit}")
    waits: Sequence[float] = np.linspace(0.0, LONGEST_LIFETIMES * guess_us, WAITS).tolist()
    circuits = [make(width, qubit, wait) for wait in waits]
    counts = run(circuits, shots, derived_seed(seed, circuits[0].name))
    points = Points.of_counts(waits, [one.get(hit, 0) for one in counts], shots)
    return fit_lifetime(points, guess_us), points
