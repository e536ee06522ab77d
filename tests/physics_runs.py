"""What is simulated against what is known: exactly, from a publication, or by other software.

`tests/architecture/test_codes_page.py` asserts on these rows and `scripts/codes_page.py` writes
them into docs/codes.md. Those with a ``spread`` are sampled, and differ from machine to machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import numpy as np
import pymatching
import stim

from bridge.quantum.basis import Basis
from bridge.quantum.circuits.calibration.benchmarking import measure_one_qubit_gate
from bridge.quantum.circuits.calibration.coherence import measure_t1
from bridge.quantum.circuits.calibration.measured import runner_on_profile
from bridge.quantum.circuits.presets import preset
from bridge.quantum.codes.bicycle import bicycle
from bridge.quantum.codes.colour import colour_memory
from bridge.quantum.codes.counting import count_failures
from bridge.quantum.codes.decoders import compile_decoder
from bridge.quantum.codes.magic_aer import simulate_circuit
from bridge.quantum.codes.magic_density import FactoryNoise
from bridge.quantum.codes.magic_distillation import enumerate_faults
from bridge.quantum.codes.memory_rates import measured_memory
from bridge.quantum.codes.noise import CircuitNoise
from bridge.quantum.codes.surface import surface_memory
from bridge.quantum.codes.windows import WindowedMemory
from bridge.quantum.memory.bell import BellDiagonal, bell_vector
from bridge.quantum.memory.decoherence import Coherence
from bridge.quantum.memory.dense import density, fidelity
from bridge.quantum.memory.pauli import Pauli
from bridge.quantum.memory.protection import SlowNoise, phase_variance, sampled_coherence
from bridge.quantum.memory.purification import GateNoise, dejmps
from bridge.quantum.memory.swapping import swap
from bridge.quantum.memory.teleportation import teleport
from bridge.quantum.montecarlo.workers import here
from tests.unit.quantum.memory.aer import purified_on_aer, swapped_on_aer

P01 = CircuitNoise.uniform(0.001)
P1 = CircuitNoise.uniform(0.01)
SEED = 1
NOISY = GateNoise(two_qubit=0.02, measurement=0.03)


@dataclass(frozen=True, slots=True)
class Row:
    """A figure as it is known, and as it came out here; ``spread`` is one standard deviation."""

    what: str
    expected: float
    source: str
    simulated: float
    spread: float = 0.0

    @property
    def agrees(self) -> bool:
        """Within five deviations of what was sampled, and within 10^-6 of what was not."""
        return abs(self.simulated - self.expected) <= 5.0 * self.spread + 1e-6 * abs(self.expected)


def codes() -> Iterator[Row]:
    """Parameters of the codes, by algebra and by search."""
    for name, k in (("72", 12), ("144", 12)):
        code = bicycle(name)
        yield Row(
            f"logical qubits of the bicycle code [[{name}, 12, {code.distance}]]",
            k,
            "Bravyi and others 2024, arXiv 2308.07915",
            code.logical_qubits,
        )
    for what, memory, faults, why in (
        ("surface code of distance 5", surface_memory(5, 5, P01), 5, "its distance"),
        ("colour code of distance 5", colour_memory(5, 5, P01), 3, "(d + 1) / 2: one qubit a face"),
    ):
        found = memory.circuit.search_for_undetectable_logical_errors(
            dont_explore_detection_event_sets_with_size_above=4,
            dont_explore_edges_with_degree_above=3,
            dont_explore_edges_increasing_symptom_degree=True,
        )
        yield Row(f"faults to an unseen error: {what}", faults, why, len(found))


def memories() -> Iterator[Row]:
    """Logical errors: our circuits, decoders, strata and windows, each against another way."""
    shots = 200_000
    for basis in Basis:
        theirs = stim.Circuit.generated(
            f"surface_code:rotated_memory_{basis.lower()}", distance=3, rounds=3,
            after_clifford_depolarization=0.01, before_measure_flip_probability=0.01,
            after_reset_flip_probability=0.01, before_round_data_depolarization=0.01,
        )  # fmt: skip
        matching = pymatching.Matching.from_detector_error_model(
            theirs.detector_error_model(decompose_errors=True)
        )
        events, flips = theirs.compile_detector_sampler(seed=SEED).sample(
            shots, separate_observables=True
        )
        expected = float((matching.decode_batch(events) != flips).any(axis=1).mean())
        ours = surface_memory(3, 3, P1, basis)
        counted = count_failures(ours, compile_decoder("matching", ours.circuit), shots, SEED)
        rate = counted.rate().value
        yield Row(
            f"error a shot, surface code of distance 3 in {basis}, p = 1 %",
            expected,
            "stim's own circuit, PyMatching",
            rate,
            sqrt(2.0 * expected / shots),
        )
    memory = surface_memory(5, 5, P01)
    counted = count_failures(memory, compile_decoder("matching", memory.circuit), 10**6, SEED)
    strata = measured_memory(5, P01, 200_000, SEED).rate()
    yield Row(
        "error a shot, surface code of distance 5, p = 0.1 %, by strata",
        counted.rate().value,
        f"counted: {counted.failures} of 1,000,000",
        strata.value,
        sqrt(counted.failures) / 1e6 + (strata.upper - strata.value) / 1.645,
    )
    long = surface_memory(3, 60, P01)
    whole = count_failures(long, compile_decoder("matching", long.circuit), 50_000, SEED)
    windows = WindowedMemory(long, commit=3, buffer=3)
    streamed = count_failures(long, windows, 50_000, SEED)
    yield Row(
        "error a shot over 60 rounds, distance 3, p = 0.1 %, in windows of 6",
        whole.rate().value,
        "the same shots, decoded whole",
        streamed.rate().value,
        sqrt(max(whole.failures, 1)) / 50_000,
    )


def magic() -> Iterator[Row]:
    """15-to-1."""
    p = 0.01
    noise = FactoryNoise(p)
    enumerated, aers = enumerate_faults(p), simulate_circuit(noise)
    yield Row("15-to-1: error after, p = 1 %", enumerated.error, "all 32,768 patterns of faults",
              aers.error)  # fmt: skip
    yield Row("15-to-1: accepted, p = 1 %", enumerated.acceptance, "all 32,768 patterns of faults",
              aers.acceptance)  # fmt: skip
    small = enumerate_faults(1e-4)
    yield Row(
        "15-to-1: error after over p³, p = 0.01 %",
        35.0,
        "35 p³ in leading order, Bravyi and Kitaev 2005",
        small.error / 1e-12,
        35.0 * 1e-3 / 5.0,
    )


def joining() -> Iterator[Row]:
    """Purification, swapping, teleportation, ageing."""
    f, b = 0.7, 0.1
    step = dejmps(BellDiagonal.werner(f), BellDiagonal.werner(f))
    norm = (f + b) ** 2 + (2.0 * b) ** 2
    yield Row("DEJMPS of two Werner pairs of 0.7: fidelity", (f * f + b * b) / norm,
              "Deutsch and others 1996, PRL 77, 2818", step.pair.fidelity)  # fmt: skip
    first, second = BellDiagonal.werner(0.9), BellDiagonal(np.array([0.85, 0.05, 0.02, 0.08]))
    noisy = dejmps(first, second, NOISY)
    state, success = purified_on_aer(first, second, NOISY)
    target = bell_vector(Pauli.I)
    aers = "Aer, density matrix"
    yield Row(
        "DEJMPS of two unlike pairs, noisy gates: fidelity",
        fidelity(state, target),
        aers,
        noisy.pair.fidelity,
    )
    yield Row("DEJMPS of two unlike pairs, noisy gates: kept", success, aers, noisy.success)
    joined = swapped_on_aer(first, second, NOISY)
    yield Row(
        "two unlike pairs swapped, noisy gates: fidelity",
        fidelity(joined, target),
        aers,
        swap(first, second, NOISY).fidelity,
    )
    rng = np.random.default_rng(SEED)
    runs, kept = 4000, []
    for _ in range(runs):
        vector = rng.normal(size=2) + 1j * rng.normal(size=2)
        vector /= np.linalg.norm(vector)
        sent = teleport(density(vector), BellDiagonal(np.array([0.94, 0.01, 0.04, 0.01])), rng)
        kept.append(fidelity(sent.state, vector))
    yield Row(
        "random states teleported through a pair of 0.94: mean fidelity",
        (2.0 * 0.94 + 1.0) / 3.0,
        "(2 F + 1) / 3, Horodecki 1999, arXiv quant-ph/9807091",
        float(np.mean(kept)),
        float(np.std(kept)) / sqrt(runs),
    )
    channel = Coherence(100e-6, 100e-6).twirled(50e-6)
    yield Row("a bit in X after 50 us, T2 = 100 us: flipped", (1.0 - np.exp(-0.5)) / 2.0,
              "(1 - exp(-t / T2)) / 2", channel.flip_probability(Basis.X))  # fmt: skip
    slow = SlowNoise(3e4, 20e-6)
    mean, error = sampled_coherence(slow, 80e-6, 4, 100_000, rng)
    yield Row(
        "coherence after 80 us of slow noise, 4 pulses",
        float(np.exp(-phase_variance(slow, 80e-6, 4) / 2.0)),
        "the integral of its correlation",
        mean,
        error,
    )


def calibration() -> Iterator[Row]:
    """What went into a noise model, found again by experiments on it."""
    profile = preset("minimum")
    run = runner_on_profile(profile, here())
    t1, _ = measure_t1(run, len(profile), 0, 100.0, seed=SEED)
    yield Row("T1 in us, by inversion and wait", profile.qubits[0].t1_us, "the noise model's",
              t1.rate.value, t1.rate.standard_error)  # fmt: skip
    gate, _ = measure_one_qubit_gate(
        run, len(profile), 0, lengths=(1, 100, 300), sequences=6, seed=SEED
    )
    yield Row(
        "fidelity of sx, by randomised benchmarking",
        profile.qubits[0].gate_fidelity,
        "the noise model's",
        gate.value,
        gate.standard_error,
    )


PARTS: tuple[Callable[[], Iterator[Row]], ...] = (codes, memories, magic, joining, calibration)


@lru_cache(maxsize=1)
def rows() -> tuple[Row, ...]:
    """All of them; takes about half a minute."""
    return tuple(row for part in PARTS for row in part())
