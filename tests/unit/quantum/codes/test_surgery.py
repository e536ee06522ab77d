"""Lattice surgery: what it does to every stabilizer state, and how many errors it takes to fail."""

import itertools
import math
from collections.abc import Iterator

import numpy as np
import pytest
import stim

from bridge.domain.errors import InputError
from bridge.quantum.basis import Basis
from bridge.quantum.codes.noise import CircuitNoise
from bridge.quantum.codes.surgery import Program, Stage, Surgery, compile_surgery
from bridge.quantum.codes.surgery_programs import (
    OPERATIONS,
    bell_pair,
    cnot,
    memory,
    merge_and_split,
    open_cnot,
    open_teleportation,
    operation,
    teleportation,
)
from bridge.quantum.codes.surgery_rates import (
    ErrorCount,
    count_errors,
    graphlike_distances,
    only_observable,
)
from tests.unit.quantum.codes.physics import long_run

X, Z = Basis.X, Basis.Z
NOISE = CircuitNoise.uniform(0.001)

EXPERIMENTS = [
    (name, key, program)
    for name in OPERATIONS
    for key, program in operation(name).experiments.items()
]
NAMES = [f"{name}-{key}" for name, key, _ in EXPERIMENTS]


@pytest.mark.parametrize(("name", "key", "program"), EXPERIMENTS, ids=NAMES)
def test_without_noise_nothing_is_detected_and_every_observable_is_even(
    name: str, key: str, program: Program
) -> None:
    surgery = compile_surgery(program, 3)
    events, flips = surgery.noiseless.compile_detector_sampler(seed=1).sample(
        200, separate_observables=True
    )
    assert not events.any()
    assert not flips.any()
    # stim proves it: the detectors and observables are deterministic.
    surgery.noiseless.detector_error_model(allow_gauge_detectors=False)


@pytest.mark.parametrize(("name", "key", "program"), EXPERIMENTS, ids=NAMES)
def test_it_takes_a_distance_of_errors_to_flip_any_correlation(
    name: str, key: str, program: Program
) -> None:
    for distance in (3, 5) if name in ("zz", "bell") else (3,):
        surgery = compile_surgery(program, distance)
        distances = graphlike_distances(surgery.circuit(NOISE))
        assert distances == (distance,) * len(surgery.observables)


def test_errors_on_more_than_two_detectors_are_no_shortcut() -> None:
    for basis in Basis:
        circuit = compile_surgery(bell_pair(basis), 3).circuit(NOISE)
        found = circuit.search_for_undetectable_logical_errors(
            dont_explore_detection_event_sets_with_size_above=6,
            dont_explore_edges_with_degree_above=4,
            dont_explore_edges_increasing_symptom_degree=False,
        )
        assert len(found) == 3


def test_both_correlation_surfaces_of_each_operation_are_there() -> None:
    def seen(program: Program) -> list[str]:
        return [str(parity) for parity in compile_surgery(program, 3).observables]

    assert seen(merge_and_split(Z, Z)) == ["ZZ(a,b)", "Z(a)", "Z(b)"]
    assert seen(merge_and_split(Z, X)) == ["X(a) X(b)"]
    assert seen(merge_and_split(X, X)) == ["XX(a,b)", "X(a)", "X(b)"]
    assert seen(merge_and_split(X, Z)) == ["Z(a) Z(b)"]
    assert seen(bell_pair(Z)) == ["Z(a) Z(b) ZZ(a,b)"]
    assert seen(bell_pair(X)) == ["X(a) X(b)"]
    assert seen(teleportation(Z)) == ["Z(far) ZZ(near,far) ZZ(source,near)"]
    assert seen(teleportation(X)) == ["X(far) X(near) X(source)"]
    assert seen(cnot(X, Z, (X, X))) == ["X(control) X(target) XX(ancilla,target)"]
    assert seen(cnot(X, Z, (Z, Z))) == ["Z(ancilla) Z(control) Z(target) ZZ(control,ancilla)"]
    # Bases that no flow joins: nothing to see, and nothing made up.
    assert seen(cnot(X, Z, (X, Z))) == []


def test_the_time_of_a_merge_is_a_distance_too() -> None:
    program = merge_and_split(Z, Z)
    for rounds, expected in ((1, 1), (2, 2), (3, 3), (4, 3)):
        circuit = compile_surgery(program, 3, rounds).circuit(NOISE)
        assert graphlike_distances(only_observable(circuit, 0)) == (min(expected, 3),)


def test_without_the_detectors_at_a_seam_the_distance_is_less() -> None:
    circuit = compile_surgery(merge_and_split(Z, X), 3).circuit(NOISE)
    damaged = stim.Circuit()
    for operation_ in circuit.flattened():
        # The seam of two patches of distance 3 runs at y = 3.5; its checks of X at 3 and 4.
        y = operation_.gate_args_copy()[1] if operation_.name == "DETECTOR" else 0.0
        if y not in (3.0, 4.0):
            damaged.append(operation_)
    assert damaged.num_detectors < circuit.num_detectors
    assert graphlike_distances(damaged)[0] < 3


# --- what surgery does to a state ---


@pytest.mark.parametrize("distance", [3, 5])
@pytest.mark.parametrize("program", [open_cnot(), open_teleportation()], ids=["cnot", "teleport"])
def test_stim_proves_the_flows_for_all_results(program: Program, distance: int) -> None:
    surgery = compile_surgery(program, distance)
    flows = surgery.flows()
    assert len(flows) == 2 * len(program.inputs)
    assert surgery.noiseless.has_all_flows(flows)
    # Without their signs' results, those that have some are wrong.
    for flow, one in zip(flows, surgery.outputs, strict=True):
        bare = stim.Flow(input=flow.input_copy(), output=flow.output_copy())
        assert surgery.noiseless.has_flow(bare) is (not one.sign.records)
        assert surgery.noiseless.has_flow(bare, unsigned=True) is (not one.sign.records)


def test_the_flows_of_a_cnot_are_its_tableau() -> None:
    surgery = compile_surgery(open_cnot(), 3)
    qubits = ("control", "target")
    for one in surgery.outputs:
        ends = [
            stim.PauliString("".join(one.basis.value if q in names else "_" for q in qubits))
            for names in (one.references, one.patches)
        ]
        assert stim.Tableau.from_named_gate("CX")(ends[0]) == ends[1]
    assert {(one.basis, one.references) for one in surgery.outputs} == {
        (basis, frozenset((q,))) for basis in Basis for q in qubits
    }


def stabilizer_states(qubits: int) -> Iterator[tuple[stim.PauliString, ...]]:
    """Generators of every stabilizer state: 6 of one qubit, 60 of two."""
    seen = set()
    for tableau in stim.Tableau.iter_all(qubits):
        generators = tuple(tableau.z_output(q) for q in range(qubits))
        canonical = tuple(
            str(g)
            for g in stim.Tableau.from_stabilizers(generators).to_stabilizers(canonicalize=True)
        )
        if canonical not in seen:
            seen.add(canonical)
            yield generators


def logical(
    surgery: Surgery, pauli: stim.PauliString, patches: tuple[str, ...]
) -> stim.PauliString:
    """A Pauli operator of logical qubits, over the circuit's."""
    result = stim.PauliString(len(surgery.numbers))
    for letter, name in zip(str(pauli)[1:], patches, strict=True):
        x, z = surgery.logical(X, name), surgery.logical(Z, name)
        result *= {"_": stim.PauliString(len(x)), "X": x, "Z": z, "Y": 1j * x * z}[letter]
    return result * pauli.sign


def run(
    surgery: Surgery,
    generators: tuple[stim.PauliString, ...],
    inputs: tuple[str, ...],
    seed: int,
) -> tuple[stim.TableauSimulator, np.ndarray]:
    """The state after the surgery on the stabilizer state of ``generators``, and the results."""
    simulator = stim.TableauSimulator(seed=seed)
    simulator.set_num_qubits(len(surgery.numbers))
    # Of a product of eigenstates of Y no logical operator of X or Z is known, nor any product.
    for name in inputs:
        for place in surgery.blocks[name].data():
            simulator.h_yz(surgery.numbers[place])
    for generator in generators:
        simulator.postselect_observable(logical(surgery, generator, inputs))
    simulator.do_circuit(surgery.noiseless)
    return simulator, np.array(simulator.current_measurement_record(), dtype=np.bool_)


CASES = [
    (open_cnot(), ("control", "target"), ("control", "target"), stim.Tableau.from_named_gate("CX")),
    (open_teleportation(), ("source",), ("far",), stim.Tableau(1)),
]


@pytest.mark.parametrize(("program", "inputs", "outputs", "gate"), CASES, ids=["cnot", "teleport"])
def test_every_stabilizer_state_comes_out_right_whatever_the_results(
    program: Program, inputs: tuple[str, ...], outputs: tuple[str, ...], gate: stim.Tableau
) -> None:
    surgery = compile_surgery(program, 3)
    merges = [parity for name, parity in surgery.outcomes.items()]
    frames, results, wrong = set(), set(), 0
    states = list(stabilizer_states(len(inputs)))
    assert len(states) == {1: 6, 2: 60}[len(inputs)]
    for number, generators in enumerate(states):
        for seed in range(24 // len(inputs) ** 2):
            simulator, record = run(surgery, generators, inputs, 100 * number + seed)
            results.add(tuple(bool(record[sorted(m.records)].sum() % 2) for m in merges))
            frame = surgery.frame(record)
            expected = [logical(surgery, gate(g), outputs) for g in generators]
            uncorrected = [simulator.peek_observable_expectation(e) for e in expected]
            wrong += any(value == -1 for value in uncorrected)
            assert all(value in (1, -1) for value in uncorrected)
            correct = stim.PauliString("".join(frame[name] for name in outputs))
            frames.add(str(correct))
            simulator.do(logical(surgery, correct, outputs))
            assert all(simulator.peek_observable_expectation(e) == 1 for e in expected)
    assert wrong  # the frame is not for show
    # All frames came up, and all results of the merges and measurements were seen.
    assert frames == {"+" + "".join(f) for f in _frames(program)}
    assert len(results) == 2 ** len(merges)


def _frames(program: Program) -> set[str]:
    """X on the target and Z on the control for a CNOT; any on what was teleported."""
    if program.name == "CNOT":
        return {a + b for a, b in itertools.product("_Z", "_X")}
    return {"_", "X", "Y", "Z"}


@pytest.mark.parametrize(("program", "inputs", "outputs", "gate"), CASES, ids=["cnot", "teleport"])
def test_a_merge_s_result_turned_over_turns_the_output_over(
    program: Program, inputs: tuple[str, ...], outputs: tuple[str, ...], gate: stim.Tableau
) -> None:
    surgery = compile_surgery(program, 3)
    for name, outcome in surgery.outcomes.items():
        (touched,) = [one for one in surgery.outputs if name in one.sign.outcomes]
        wrong = 0
        for generators in stabilizer_states(len(inputs)):
            simulator, record = run(surgery, generators, inputs, 5)
            # A record that is in this outcome and in no other sign.
            others = [o.sign.records for o in surgery.outputs if o is not touched]
            lie = next(r for r in outcome.records if not any(r in o for o in others))
            record[lie] ^= True
            frame = surgery.frame(record)
            correct = stim.PauliString("".join(frame[patch] for patch in outputs))
            simulator.do(logical(surgery, correct, outputs))
            expected = [logical(surgery, gate(g), outputs) for g in generators]
            wrong += any(simulator.peek_observable_expectation(e) != 1 for e in expected)
        # A Pauli operator turns over the sign of all states but its own eigenstates.
        assert wrong == {1: 4, 2: 48}[len(inputs)]


def test_a_frame_takes_all_results_and_no_others() -> None:
    surgery = compile_surgery(open_cnot(), 3)
    with pytest.raises(InputError, match=r"record: expected \d+ results, got \(3,\)"):
        surgery.frame(np.zeros(3, dtype=np.bool_))


# --- rates ---


def test_rates_fall_with_distance_and_noise() -> None:
    def rate(distance: int, p: float) -> ErrorCount:
        circuit = compile_surgery(bell_pair(Z), distance).circuit(CircuitNoise.uniform(p))
        return count_errors(circuit, 20_000, seed=7)

    near, far, quiet = rate(3, 0.002), rate(5, 0.002), rate(3, 0.0005)
    assert near.interval(0.999)[0] > far.interval(0.999)[1] > 0.0
    assert near.interval(0.999)[0] > quiet.interval(0.999)[1]
    # The same seed gives the same count.
    assert rate(3, 0.002) == near


@pytest.mark.parametrize("basis", list(Basis))
def test_one_patch_is_stim_s_own_memory(basis: Basis) -> None:
    ours = compile_surgery(memory(basis), 5)
    stims = stim.Circuit.generated(
        f"surface_code:rotated_memory_{basis.lower()}",
        distance=5,
        rounds=5,
        after_clifford_depolarization=0.004,
        before_round_data_depolarization=0.004,
        before_measure_flip_probability=0.004,
        after_reset_flip_probability=0.004,
    )
    noisy = ours.circuit(CircuitNoise.uniform(0.004))
    assert ours.qubits == 49
    assert noisy.num_detectors == stims.num_detectors
    assert noisy.num_measurements == stims.num_measurements
    counts = [count_errors(circuit, 20_000, seed=9) for circuit in (noisy, stims)]
    mean = sum(count.rate for count in counts) / 2
    deviation = math.sqrt(2 * mean / 20_000)
    assert abs(counts[0].rate - counts[1].rate) < 0.1 * mean + 4 * deviation, counts
    # Half as much again would show.
    more = count_errors(ours.circuit(CircuitNoise.uniform(0.006)), 20_000, seed=9)
    assert abs(more.rate - counts[1].rate) > 0.1 * mean + 4 * deviation


def test_above_the_threshold_distance_does_harm() -> None:
    noise = CircuitNoise.uniform(0.02)
    near, far = (
        count_errors(compile_surgery(memory(X), d).circuit(noise), 20_000, seed=3) for d in (3, 7)
    )
    assert near.interval(0.999)[1] < far.interval(0.999)[0]


@long_run
@pytest.mark.parametrize(("name", "key", "program"), EXPERIMENTS, ids=NAMES)
def test_each_operation_improves_with_each_step_of_distance(
    name: str, key: str, program: Program
) -> None:
    assert graphlike_distances(compile_surgery(program, 7).circuit(NOISE)) == (7,) * len(
        compile_surgery(program, 3).observables
    )
    often = 10 if name == "memory" else 1  # alone, a patch fails a tenth as often
    for p, shots in ((0.001, 150_000 * often), (0.002, 40_000 * often)):
        counts = [
            count_errors(
                compile_surgery(program, d).circuit(CircuitNoise.uniform(p)),
                shots,
                seed=11,
                most_errors=200,
            )
            for d in (3, 5, 7)
        ]
        for near, far in itertools.pairwise(counts):
            assert near.interval(0.99)[0] > far.interval(0.99)[1], (p, counts)


def test_counts_add_up_and_bound_their_rate() -> None:
    total = ErrorCount(100, 3, (1, 2)) + ErrorCount(50, 1, (1, 0))
    assert total == ErrorCount(150, 4, (2, 2))
    lower, upper = total.interval()
    assert lower < total.rate < upper
    none, every = ErrorCount(100, 0, (0,)), ErrorCount(100, 100, (100,))
    assert none.interval(0.9)[0] == 0.0
    assert math.isclose(none.interval(0.9)[1], 1 - 0.05 ** (1 / 100))
    assert every.interval(0.9)[1] == 1.0
    with pytest.raises(InputError, match="errors: expected 0 to 1, got 2"):
        ErrorCount(1, 2)
    with pytest.raises(InputError, match="confidence: expected inside"):
        total.interval(1.0)
    with pytest.raises(InputError, match="confidence"):
        total.interval(math.nan)


# --- bad input ---


@pytest.mark.parametrize("distance", [2, 4, 1, -5])
def test_an_even_or_small_distance_is_refused(distance: int) -> None:
    with pytest.raises(InputError, match=f"at least 3, got {distance}"):
        compile_surgery(memory(Z), distance)


@pytest.mark.parametrize("p", [-0.1, 1.1, math.nan, math.inf])
def test_what_is_no_probability_is_refused(p: float) -> None:
    with pytest.raises(InputError, match=r"expected a probability .*, got"):
        CircuitNoise.uniform(p)


def test_programs_that_cannot_be_are_refused() -> None:
    places = {"a": (0, 0), "b": (0, 1), "c": (1, 1), "d": (2, 0)}

    def compiled(*stages: Stage, inputs: tuple[str, ...] = ()) -> Surgery:
        return compile_surgery(Program("wrong", places, stages, inputs), 3)

    every = {"a": Z, "b": Z, "c": Z, "d": Z}
    with pytest.raises(InputError, match="one row or column of qubits apart"):
        compiled(Stage(every, (("a", "d"),)))
    with pytest.raises(InputError, match="in one column for ZZ or one row for XX"):
        compiled(Stage(every, (("a", "b"), ("b", "c"))))
    with pytest.raises(InputError, match="merge: expected patches that are there, got 'b'"):
        compiled(Stage({"a": Z}, (("a", "b"),)))
    with pytest.raises(InputError, match="measure: expected a patch that is there, got 'b'"):
        compiled(Stage({"a": Z}, measure={"b": Z}))
    with pytest.raises(InputError, match="not there yet, got 'a'"):
        compiled(Stage({"a": Z}), inputs=("a",))
    with pytest.raises(InputError, match="expected one of a, b, c, d, got 'e'"):
        compiled(Stage({"e": Z}))
    with pytest.raises(InputError, match="basis: expected X or Z, got 'Y'"):
        compiled(Stage({"a": "Y"}))  # type: ignore[dict-item]
    with pytest.raises(InputError, match="rounds: expected at least 1, got 0"):
        compile_surgery(memory(Z), 3, 0)
    with pytest.raises(InputError, match="rounds: expected at least 1, got 0"):
        compiled(Stage(every, rounds=0))
    with pytest.raises(InputError, match="places: expected one patch at each"):
        compile_surgery(Program("wrong", {"a": (0, 0), "b": (0, 0)}, ()), 3)
    with pytest.raises(InputError, match=r"operation: expected one of memory, .*, got 'swap'"):
        operation("swap")


def test_a_circuit_with_nothing_to_decode_is_refused() -> None:
    nothing = compile_surgery(cnot(X, Z, (X, Z)), 3).circuit(NOISE)
    with pytest.raises(InputError, match="circuit: expected detectors and observables"):
        count_errors(nothing, 10)
    with pytest.raises(InputError, match="circuit: expected observables, got 0"):
        graphlike_distances(nothing)
    quiet = compile_surgery(memory(Z), 3).noiseless
    with pytest.raises(InputError, match="expected an error that flips observable 0 unseen"):
        graphlike_distances(quiet)
    with pytest.raises(InputError, match="shots: expected at least 1, got 0"):
        count_errors(compile_surgery(memory(Z), 3).circuit(NOISE), 0)


def test_three_patches_in_a_column_make_a_ghz_state() -> None:
    places = {"a": (0, 0), "b": (0, 1), "c": (0, 2)}
    for basis, seen in (
        (X, {"X(a) X(b) X(c)"}),
        (Z, {"Z(a) Z(b) ZZ(a,b)", "Z(b) Z(c) ZZ(b,c)", "Z(a) Z(c) ZZ(a,b) ZZ(b,c)"}),
    ):
        stages = (
            Stage(dict.fromkeys(places, X), (("a", "b"), ("b", "c"))),
            Stage(measure=dict.fromkeys(places, basis)),
        )
        surgery = compile_surgery(Program("GHZ", places, stages), 3)
        assert (
            not surgery.noiseless.compile_detector_sampler(seed=2)
            .sample(50, append_observables=True)
            .any()
        )
        assert graphlike_distances(surgery.circuit(NOISE)) == (3,) * (1 if basis is X else 2)
        parities = [parity.outcomes for parity in surgery.observables]
        assert all(_spans(parities, frozenset(wanted.split())) for wanted in seen)
        assert not _spans(parities, frozenset(("Z(a)", "Z(b)")))


def _spans(parities: list[frozenset[str]], wanted: frozenset[str]) -> bool:
    for count in range(1, len(parities) + 1):
        for some in itertools.combinations(parities, count):
            total: frozenset[str] = frozenset()
            for one in some:
                total ^= one
            if total == wanted:
                return True
    return False
