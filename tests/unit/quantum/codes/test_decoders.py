"""The table of decoders: one interface, each better than doing nothing, and their bad input."""

import numpy as np
import pytest
import stim

from bridge.domain.errors import InputError
from bridge.quantum.basis import Basis
from bridge.quantum.codes.colour import colour_memory
from bridge.quantum.codes.decoders import DECODERS, compile_decoder, decoder_kind
from bridge.quantum.codes.experiment import MemoryExperiment
from bridge.quantum.codes.fault_model import FaultModel
from bridge.quantum.codes.fault_sampler import FaultSampler
from bridge.quantum.codes.latency import correction_latency
from bridge.quantum.codes.noise import CircuitNoise
from bridge.quantum.codes.surface import surface_memory

MEMORY = surface_memory(3, 3, CircuitNoise.uniform(0.01), Basis.X)
SHOTS = 2000
EVENTS, FLIPS = MEMORY.sample(SHOTS, seed=5)


COLOUR = colour_memory(3, 3, CircuitNoise.uniform(0.003))
SURFACE_DECODERS = [name for name in DECODERS if name != "mobius"]


def failures(name: str) -> int:
    wrong = compile_decoder(name, MEMORY.circuit).decode_batch(EVENTS) != FLIPS
    return int(wrong.any(axis=1).sum())


def memory_for(name: str) -> MemoryExperiment:
    return COLOUR if name == "mobius" else MEMORY


def test_every_decoder_is_far_better_than_none() -> None:
    counts = {name: failures(name) for name in SURFACE_DECODERS}
    assert counts["none"] == int(FLIPS.any(axis=1).sum()) > SHOTS / 10
    others = {name: count for name, count in counts.items() if name != "none"}
    assert max(others.values()) < counts["none"] / 2
    # What a fault ties together, plain matching takes apart; the same shots, so no chance in it.
    assert counts["correlated"] < counts["matching"]
    assert counts["belief-matching"] < counts["matching"]


@pytest.mark.parametrize("name", list(DECODERS))
def test_one_shot_is_corrected_as_in_a_batch(name: str) -> None:
    memory = memory_for(name)
    events, _ = memory.sample(50, seed=6)
    decoder = compile_decoder(name, memory.circuit)
    batch = decoder.decode_batch(events)
    assert batch.shape == (50, 1)
    assert batch.dtype == np.uint8
    assert [decoder.correct(row).tolist() for row in events] == batch.tolist()
    assert decoder.decode_batch(events[:0]).shape == (0, 1)


@pytest.mark.parametrize("name", [name for name in SURFACE_DECODERS if name != "none"])
def test_every_single_fault_is_corrected(name: str) -> None:
    memory = surface_memory(3, 2, CircuitNoise.uniform(0.001))
    faults = FaultModel.of(decoder_kind(name).model_of(memory.circuit))
    events, flips = FaultSampler(faults).each_alone()
    assert (compile_decoder(name, memory.circuit).decode_batch(events) == flips).all()
    assert flips.any()


@pytest.mark.parametrize(
    "events",
    [
        np.zeros(MEMORY.circuit.num_detectors, dtype=np.uint8),
        np.zeros(3, dtype=bool),
        np.zeros((1, 3), dtype=np.uint8),
    ],
)
def test_events_of_another_shape_are_refused(events: np.ndarray) -> None:
    decoder = compile_decoder("matching", MEMORY.circuit)
    decoder.correct(np.zeros(3, dtype=np.uint8))
    with pytest.raises(InputError, match=r"detection events: expected uint8 of shape \(3,\)"):
        decoder.correct(events)
    with pytest.raises(InputError, match=r"detection events: expected uint8 of shape \(shots, 3\)"):
        decoder.decode_batch(events[None])


def test_a_decoder_that_is_not_in_the_table_is_refused() -> None:
    with pytest.raises(InputError, match=r"decoder: expected one of none, matching, .* got 'mwpm'"):
        compile_decoder("mwpm", MEMORY.circuit)


@pytest.mark.parametrize("name", list(DECODERS))
def test_a_circuit_without_detectors_is_refused(name: str) -> None:
    circuit = stim.Circuit("X_ERROR(0.1) 0\nM 0\nOBSERVABLE_INCLUDE(0) rec[-1]")
    with pytest.raises(InputError, match="circuit: expected at least 1 of its detectors, got 0"):
        compile_decoder(name, circuit)
    with pytest.raises(InputError, match="decoder: expected a model with detectors"):
        decoder_kind(name).compile(circuit.detector_error_model())


def test_latency_counts_every_shot() -> None:
    decoder = compile_decoder("matching", MEMORY.circuit)
    latency = correction_latency(decoder, EVENTS[:500])
    assert latency.shots == 500
    assert 0.0 < latency.median_us <= latency.p99_us <= latency.largest_us
    with pytest.raises(InputError, match="detection events: expected at least 1 shot, got 0"):
        correction_latency(decoder, EVENTS[:0])
