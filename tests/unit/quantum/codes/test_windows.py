"""Decoding in windows: as good as over the whole history, or too short."""

import numpy as np
import pytest

from bridge.domain.errors import InputError
from bridge.quantum.basis import Basis
from bridge.quantum.codes.confidence import Rate
from bridge.quantum.codes.decoders import compile_decoder
from bridge.quantum.codes.noise import CircuitNoise
from bridge.quantum.codes.surface import surface_memory
from bridge.quantum.codes.windows import WindowedDecoder
from tests.unit.quantum.codes.physics import long_run

UNEVEN = CircuitNoise(one_qubit=0.002, two_qubit=0.006, measurement=0.01, reset=0.004, idle=0.003)


def compared(
    distance: int,
    rounds: int,
    noise: CircuitNoise,
    shots: int,
    decoder: str = "matching",
    basis: Basis = Basis.Z,
    **window: int,
) -> tuple[int, int, int]:
    """Failures in windows, failures over the whole history, and answers that differ."""
    memory = surface_memory(distance, rounds, noise, basis)
    events, flips = memory.sample(shots, seed=rounds)
    whole = compile_decoder(decoder, memory.circuit).decode_batch(events)
    windowed = WindowedDecoder(distance, noise, basis, decoder=decoder, **window)
    answers = windowed.decode_batch(events, rounds)
    return (
        int((answers != flips).sum()),
        int((whole != flips).sum()),
        int((answers != whole).sum()),
    )


@pytest.mark.parametrize("basis", list(Basis))
@pytest.mark.parametrize("rounds", [3, 4, 5, 6, 7, 11, 12, 30])
def test_windows_answer_as_the_whole_history_does(rounds: int, basis: Basis) -> None:
    shots = 4000
    _, failures, differ = compared(3, rounds, UNEVEN, shots, basis=basis, commit=3, buffer=4)
    assert failures > 0
    assert differ <= max(2, shots // 500)


def test_correlated_matching_works_in_windows_too() -> None:
    noise = CircuitNoise.uniform(0.005)
    in_windows, failures, differ = compared(5, 20, noise, 5000, "correlated")
    plain = compared(5, 20, noise, 5000)[0]
    # The second pass reweights by what the first found, which a window's end changes a little.
    assert abs(in_windows - failures) <= differ < 60
    assert in_windows < plain


def test_a_window_that_looks_ahead_too_little_fails_more_often() -> None:
    noise = CircuitNoise.uniform(0.005)
    short, whole, _ = compared(5, 30, noise, 5000, commit=2, buffer=2)
    enough, _, differ = compared(5, 30, noise, 5000, commit=5, buffer=5)
    assert short > 1.05 * whole
    assert abs(enough - whole) <= differ < 20


def test_patches_of_a_stream_are_decoded_round_by_round() -> None:
    noise, distance, rounds = CircuitNoise.uniform(0.005), 3, 17
    decoder = WindowedDecoder(distance, noise)
    memory = surface_memory(distance, rounds, noise)
    events, _ = memory.sample(40, seed=8)
    layers = decoder.layered(events, rounds)
    assert layers.shape == (40, rounds + 1, 8)
    assert int(layers.sum()) == int(np.unpackbits(events).sum())
    stream = decoder.stream(40)
    for at in range(rounds):
        stream.push(layers[:, at])
    assert stream.rounds == rounds
    assert (stream.finish(layers[:, rounds]) == decoder.decode_batch(events, rounds)).all()


def test_what_a_stream_cannot_take_is_refused() -> None:
    noise = CircuitNoise.uniform(0.005)
    decoder = WindowedDecoder(3, noise)
    stream = decoder.stream(2)
    stream.push(np.zeros((2, 8), dtype=np.uint8))
    for layer in (np.zeros((1, 8), dtype=np.uint8), np.zeros((2, 8)), np.zeros(8, dtype=np.uint8)):
        with pytest.raises(InputError, match=r"layer: expected uint8 of shape \(2, 8\), got"):
            stream.push(layer)
    with pytest.raises(InputError, match="rounds: expected at least 3 in a stream, got 1"):
        stream.finish(np.zeros((2, 8), dtype=np.uint8))
    with pytest.raises(InputError, match="patches: expected at least 1, got 0"):
        decoder.stream(0)
    with pytest.raises(InputError, match="window: expected to commit and to buffer at least 2"):
        WindowedDecoder(3, noise, buffer=1)
    with pytest.raises(InputError, match="decoder: expected one that matches edges, got 'bp-osd'"):
        WindowedDecoder(3, noise, decoder="bp-osd")
    with pytest.raises(InputError, match="distance: expected an odd number"):
        WindowedDecoder(4, noise)
    with pytest.raises(InputError, match="detection events: expected 4 bytes a shot for 4 rounds"):
        decoder.decode_batch(np.zeros((1, 5), dtype=np.uint8), 4)


@long_run
def test_a_long_memory_fails_as_often_in_windows() -> None:
    shots = 40_000
    in_windows, whole, differ = compared(7, 200, CircuitNoise.uniform(0.004), shots)
    assert differ < shots / 200
    one, other = Rate.counted(in_windows, shots), Rate.counted(whole, shots)
    assert one.lower < other.value < one.upper
