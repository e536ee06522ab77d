"""Bivariate bicycle and colour codes: what they are, their circuits, and how they compare."""

import numpy as np
import pytest

from bridge.domain.errors import InputError
from bridge.quantum.basis import Basis
from bridge.quantum.codes import bicycle
from bridge.quantum.codes.bicycle import GROSS, SMALL, BivariateBicycle, bicycle_memory
from bridge.quantum.codes.binary import independent_of, kernel, rank, reduced
from bridge.quantum.codes.colour import ColourTriangle, colour_memory
from bridge.quantum.codes.comparison import CONTENDERS, compare
from bridge.quantum.codes.counting import Count, count_failures
from bridge.quantum.codes.decoders import DECODERS, compile_decoder, decoder_kind
from bridge.quantum.codes.fault_model import FaultModel
from bridge.quantum.codes.fault_sampler import FaultSampler
from bridge.quantum.codes.noise import CircuitNoise
from bridge.quantum.codes.surface import surface_memory
from tests.unit.quantum.codes.physics import long_run

NOISE = CircuitNoise.uniform(0.001)


def test_rows_are_reduced_and_their_kernel_is_orthogonal() -> None:
    random = np.random.default_rng(1)
    for shape in ((4, 9), (9, 4), (6, 6), (1, 3)):
        rows = random.integers(0, 2, shape, dtype=np.uint8)
        form, leading = reduced(rows)
        assert (form[:, leading] == np.eye(len(leading))).all()
        null = kernel(rows)
        assert len(null) == shape[1] - rank(rows)
        assert not (rows.astype(int) @ null.T % 2).any()
        assert rank(null) == len(null)
    assert independent_of(
        np.eye(3, dtype=np.uint8)[:2], np.ones((2, 3), dtype=np.uint8)
    ).tolist() == [[1, 1, 1]]
    assert len(independent_of(np.eye(3, dtype=np.uint8), np.ones((2, 3), dtype=np.uint8))) == 0


@pytest.mark.parametrize("code", [GROSS, SMALL])
def test_a_bicycle_code_has_the_parameters_of_its_name(code: BivariateBicycle) -> None:
    checks = {basis: code.checks(basis).astype(int) for basis in Basis}
    assert all((matrix.sum(axis=1) == 6).all() for matrix in checks.values())
    assert all((matrix.sum(axis=0) == 3).all() for matrix in checks.values())
    assert not (checks[Basis.X] @ checks[Basis.Z].T % 2).any()
    assert code.logical_qubits == 12
    logical = {basis: code.logical(basis) for basis in Basis}
    assert not (logical[Basis.Z] @ checks[Basis.X].T % 2).any()
    # Each logical Z anticommutes with some logical X: none of them is a product of checks.
    assert rank((logical[Basis.X].astype(int) @ logical[Basis.Z].T % 2).astype(np.uint8)) == 12


def test_no_short_logical_operator_of_a_bicycle_code_is_found() -> None:
    """Random sums of logical operators and checks, made lighter greedily: none below distance."""
    random = np.random.default_rng(3)
    lightest = SMALL.half
    rows = np.concatenate([SMALL.logical(Basis.Z), SMALL.checks(Basis.Z)])
    for _ in range(60):
        order = random.permutation(rows.shape[1])
        form, _ = reduced(np.ascontiguousarray(rows[:, order]))
        logical = SMALL.logical(Basis.X)[:, order]
        real = form[(logical.astype(int) @ form.T % 2).any(axis=0)]
        lightest = min(lightest, int(real.sum(axis=1).min()))
    assert lightest == SMALL.distance


@pytest.mark.parametrize("basis", list(Basis))
def test_every_single_fault_of_a_bicycle_memory_is_corrected(basis: Basis) -> None:
    memory = bicycle_memory(SMALL, 2, NOISE, basis)
    assert (memory.qubits, memory.data_qubits, memory.logical_qubits) == (144, 72, 12)
    decoder = compile_decoder("bp-osd", memory.circuit)
    faults = FaultModel.of(decoder_kind("bp-osd").model_of(memory.circuit))
    events, flips = FaultSampler(faults).each_alone()
    chosen = np.random.default_rng(1).choice(len(events), 200, replace=False)
    assert flips[chosen].any()
    assert (decoder.decode_batch(events[chosen]) == flips[chosen]).all()


def test_another_order_of_the_layers_measures_no_bicycle_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bicycle_memory(SMALL, 2, NOISE).circuit.detector_error_model()
    monkeypatch.setattr(bicycle, "ORDER_X", (None, "A1", "B2", "B1", "B3", "A2", "A3"))
    with pytest.raises(ValueError, match="non-deterministic"):
        bicycle_memory(SMALL, 2, NOISE).circuit.detector_error_model()


@pytest.mark.parametrize("distance", [3, 5, 7])
def test_a_colour_triangle_is_the_code(distance: int) -> None:
    patch = ColourTriangle.of(distance)
    assert len(patch.data) == (3 * distance**2 + 1) // 4
    assert len(patch.data) - 2 * len(patch.faces) == 1
    supports = [set(patch.support(face)) for face in patch.faces]
    assert {len(one) for one in supports} <= {4, 6}
    assert all(len(a & b) % 2 == 0 for a in supports for b in supports)
    for at, one in enumerate(patch.faces):
        for to, other in enumerate(patch.faces):
            if at != to and supports[at] & supports[to]:
                assert patch.colour(one) != patch.colour(other)
    side = {place for place in patch.data if place[1] == 0}
    assert len(side) == distance
    assert all(len(side & one) % 2 == 0 for one in supports)


@pytest.mark.parametrize("basis", list(Basis))
def test_the_colour_code_keeps_its_qubit_and_a_larger_one_better(basis: Basis) -> None:
    rates = []
    for distance in (3, 5):
        memory = colour_memory(distance, distance, NOISE, basis)
        decoder = compile_decoder("mobius", memory.circuit)
        counts = [count_failures(memory, one, 20_000, seed=2) for one in
                  (decoder, compile_decoder("none", memory.circuit))]  # fmt: skip
        assert counts[0].failures < counts[1].failures / 2
        rates.append(counts[0].rate().per_round(distance))
    assert rates[1].upper < rates[0].lower


def test_chromobius_is_for_detectors_that_have_a_colour() -> None:
    with pytest.raises(InputError, match=r"mobius decoder: expected detectors with coordinates"):
        compile_decoder("mobius", surface_memory(3, 3, NOISE).circuit)


def test_bad_codes_are_refused() -> None:
    with pytest.raises(InputError, match="distance: expected an odd number of at least 3, got 4"):
        colour_memory(4, 4, NOISE)
    with pytest.raises(InputError, match="rounds: expected at least 1, got 0"):
        bicycle_memory(SMALL, 0, NOISE)
    with pytest.raises(InputError, match=r"bicycle code: expected one of 144, 72, got '100'"):
        bicycle.bicycle("100")
    assert bicycle.bicycle("144") is GROSS


def test_counting_adds_up_and_repeats() -> None:
    memory = surface_memory(3, 3, CircuitNoise.uniform(0.01))
    decoder = compile_decoder("matching", memory.circuit)
    steps: list[int] = []
    one = count_failures(memory, decoder, 3000, 7, steps.append, batch=1024)
    again = count_failures(memory, decoder, 3000, 7, batch=1024)
    assert steps == [1024, 1024, 952]
    assert one.failures == again.failures > 0
    assert one.rate().lower < one.failures / 3000 < one.rate().upper
    with pytest.raises(InputError, match="shots, batch: expected at least 1 each, got 0 and"):
        count_failures(memory, decoder, 0, 1)
    with pytest.raises(InputError, match="failures: expected 0 to 5, got 6"):
        Count(5, 6, 0.1)


def test_codes_and_decoders_are_measured_alike() -> None:
    noise = CircuitNoise.uniform(0.004)
    chosen = {(c.code, c.decoder): c for c in CONTENDERS}
    names = (("surface d=5", "none"), ("surface d=5", "matching"), ("colour d=5", "mobius"))
    rows = [compare(chosen[name], noise, 0.02, seed=3) for name in names]
    assert [row.experiment.qubits for row in rows] == [49, 49, 28]
    assert rows[1].per_round.upper < rows[0].per_round.lower
    for row in rows:
        shot = row.count.rate()
        assert row.per_round == shot.per_round(row.experiment.rounds)
        assert row.decode_us > 0.0
    with pytest.raises(InputError, match="seconds: expected above 0, got 0"):
        compare(chosen[names[0]], noise, 0.0, seed=3)


def test_the_table_has_every_code_and_every_decoder() -> None:
    assert {c.decoder for c in CONTENDERS} == set(DECODERS)
    kinds = {c.make(NOISE).code for c in CONTENDERS}
    assert kinds == {"surface", "colour", "bicycle"}


@long_run
@pytest.mark.timeout(900)
def test_the_gross_code_is_better_than_surface_codes_of_as_many_qubits_each() -> None:
    """[[144,12,12]]: 24 qubits each. The surface code of distance 3 has 17, of distance 5 49."""
    noise = CircuitNoise.uniform(0.003)
    chosen = {(c.code, c.decoder): c for c in CONTENDERS}
    gross = compare(chosen["bicycle [[144,12,12]]", "bp-osd"], noise, 60.0, seed=1)
    surface = compare(chosen["surface d=5", "matching"], noise, 2.0, seed=1)
    assert gross.qubits_each == 24.0
    assert gross.per_round.upper < surface.per_round.lower
