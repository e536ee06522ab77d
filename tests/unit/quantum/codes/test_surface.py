"""The surface code's circuits: against stim's own, by distance, and what they refuse."""

import math

import pytest
import stim

from bridge.domain.errors import InputError
from bridge.quantum.basis import Basis
from bridge.quantum.codes.experiment import MemoryExperiment
from bridge.quantum.codes.faulty import with_noise
from bridge.quantum.codes.noise import CircuitNoise
from bridge.quantum.codes.surface import RotatedSurface, surface_memory

NOISE = CircuitNoise(one_qubit=0.002, two_qubit=0.004, measurement=0.01, reset=0.003, idle=0.001)


def faults(circuit: stim.Circuit) -> dict[tuple[frozenset, frozenset], float]:
    """Each fault's probability, by the coordinates of the detectors that it flips."""
    where = circuit.get_detector_coordinates()
    found = {}
    for error in circuit.detector_error_model(flatten_loops=True):
        if error.type == "error":
            targets = error.targets_copy()
            flipped = frozenset(tuple(where[t.val]) for t in targets if t.is_relative_detector_id())
            logical = frozenset(t.val for t in targets if t.is_logical_observable_id())
            found[flipped, logical] = error.args_copy()[0]
    return found


@pytest.mark.parametrize("basis", list(Basis))
@pytest.mark.parametrize(("distance", "rounds"), [(3, 1), (3, 4), (5, 5), (7, 2)])
def test_under_uniform_noise_every_fault_is_that_of_stims_circuit(
    distance: int, rounds: int, basis: Basis
) -> None:
    p = 0.003
    theirs = stim.Circuit.generated(
        f"surface_code:rotated_memory_{basis.lower()}",
        distance=distance,
        rounds=rounds,
        after_clifford_depolarization=p,
        before_round_data_depolarization=p,
        before_measure_flip_probability=p,
        after_reset_flip_probability=p,
    )
    ours = faults(surface_memory(distance, rounds, CircuitNoise.uniform(p), basis).circuit)
    expected = faults(theirs)
    assert ours.keys() == expected.keys()
    assert ours == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("basis", list(Basis))
@pytest.mark.parametrize("distance", [3, 5, 7, 9, 11, 13])
def test_no_fewer_faults_than_the_distance_go_unseen(distance: int, basis: Basis) -> None:
    memory = surface_memory(distance, distance, NOISE, basis)
    assert len(memory.circuit.shortest_graphlike_error()) == distance


def test_another_order_of_the_gates_halves_the_distance(monkeypatch: pytest.MonkeyPatch) -> None:
    from bridge.quantum.codes import surface

    swapped = dict(zip(surface.ORDERS, reversed(surface.ORDERS.values()), strict=True))
    monkeypatch.setattr(surface, "ORDERS", swapped)
    memory = surface_memory(5, 5, CircuitNoise.uniform(0.001))
    assert len(memory.circuit.shortest_graphlike_error()) == 3


@pytest.mark.parametrize("distance", [3, 5, 13])
def test_a_patch_has_the_operators_of_the_code(distance: int) -> None:
    patch = RotatedSurface.of(distance)
    assert patch.qubits == 2 * distance**2 - 1
    supports = {basis: [] for basis in Basis}
    for place, basis in patch.stabilizers:
        assert len(patch.support(place)) in (2, 4)
        supports[basis].append(set(patch.support(place)))
    assert len(supports[Basis.X]) == len(supports[Basis.Z])
    logical = {basis: set(patch.logical(basis)) for basis in Basis}
    assert all(len(a & b) % 2 == 0 for a in supports[Basis.X] for b in supports[Basis.Z])
    assert all(len(logical[Basis.Z] & x) % 2 == 0 for x in supports[Basis.X])
    assert all(len(logical[Basis.X] & z) % 2 == 0 for z in supports[Basis.Z])
    assert len(logical[Basis.X] & logical[Basis.Z]) == 1


def test_noise_stands_at_each_operation() -> None:
    ideal = stim.Circuit("R 0 1\nTICK\nH 0\nI 1\nCX 0 1\nREPEAT 2 {\n MX 0\n MR 1\n}")
    noisy = with_noise(ideal, NOISE)
    assert noisy == stim.Circuit(
        "R 0 1\nX_ERROR(0.003) 0 1\nTICK\nH 0\nDEPOLARIZE1(0.002) 0\nDEPOLARIZE1(0.001) 1\n"
        "CX 0 1\nDEPOLARIZE2(0.004) 0 1\nREPEAT 2 {\n Z_ERROR(0.01) 0\n MX 0\n"
        " X_ERROR(0.01) 1\n MR 1\n X_ERROR(0.003) 1\n}"
    )
    without = with_noise(ideal, CircuitNoise.uniform(0.0))
    assert without.num_measurements == 4
    assert "ERROR" not in str(without)
    assert "DEPOLARIZE" not in str(without)


@pytest.mark.parametrize("line", ["DEPOLARIZE1(0.1) 0", "M(0.1) 0", "MPP X0*X1", "CX rec[-1] 0"])
def test_what_has_no_noise_of_its_own_is_refused(line: str) -> None:
    with pytest.raises(InputError, match=r"circuit: expected"):
        with_noise(stim.Circuit(f"M 0\n{line}"), NOISE)


def test_noise_over_what_independent_errors_can_be_is_refused() -> None:
    with pytest.raises(InputError, match=r"idle: expected at most 0\.75 in a circuit"):
        surface_memory(3, 1, CircuitNoise.uniform(0.9))


@pytest.mark.parametrize("name", ["one_qubit", "two_qubit", "measurement", "reset", "idle"])
@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan, math.inf, "0.1", True, None])
def test_noise_that_is_no_probability_is_refused(name: str, value: object) -> None:
    given = dict.fromkeys(("one_qubit", "two_qubit", "measurement", "reset", "idle"), 0.5)
    CircuitNoise(**given)
    with pytest.raises(InputError, match=f"{name}: expected a probability from 0 to 1, got"):
        CircuitNoise(**given | {name: value})


@pytest.mark.parametrize("value", [math.nan, -1e-9, 1.5])
def test_uniform_noise_that_is_no_probability_is_refused(value: float) -> None:
    with pytest.raises(InputError, match="p: expected a probability from 0 to 1, got"):
        CircuitNoise.uniform(value)


@pytest.mark.parametrize("distance", [4, 2, 1, 0, -3, 3.0, True])
def test_a_distance_that_no_rotated_patch_has_is_refused(distance: int) -> None:
    with pytest.raises(InputError, match="distance: expected an odd number of at least 3, got"):
        surface_memory(distance, 3, NOISE)


@pytest.mark.parametrize("rounds", [0, -1, 2.5])
def test_fewer_rounds_than_one_are_refused(rounds: int) -> None:
    with pytest.raises(InputError, match="rounds: expected at least 1, got"):
        surface_memory(3, rounds, NOISE)


@pytest.mark.parametrize(
    ("text", "what"),
    [("M 0\nOBSERVABLE_INCLUDE(0) rec[-1]", "detectors"), ("M 0\nDETECTOR rec[-1]", "observables")],
)
def test_a_circuit_that_cannot_be_decoded_is_no_experiment(text: str, what: str) -> None:
    with pytest.raises(InputError, match=f"circuit: expected at least 1 of its {what}, got 0"):
        MemoryExperiment("mine", 3, 1, Basis.Z, 1, 1, 1, NOISE, stim.Circuit(text))


@pytest.mark.parametrize("shots", [0, -5])
def test_fewer_shots_than_one_are_refused(shots: int) -> None:
    memory = surface_memory(3, 3, NOISE)
    assert len(memory.sample(1, seed=1)[0]) == 1
    with pytest.raises(InputError, match=f"shots: expected at least 1, got {shots}"):
        memory.sample(shots)
