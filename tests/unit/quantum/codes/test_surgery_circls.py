"""Surgery against circls, a lattice-surgery compiler of other people's."""

import math
from typing import Any

import numpy as np
import pytest
import stim

from bridge.quantum.basis import Basis
from bridge.quantum.codes.surgery import Program, Stage, compile_surgery
from bridge.quantum.codes.surgery_rates import ErrorCount, count_errors, graphlike_distances

circls = pytest.importorskip("circls", reason="needs the extra codes")

X, Z = Basis.X, Basis.Z
PLACES = {"q0": (0, 0), "q1": (0, 1), "q2": (1, 1)}
ZZ, XX = ("q0", "q1"), ("q1", "q2")

PROGRAMS = [
    ((ZZ, XX), (Z, Z, Z)),
    ((ZZ, XX), (X, X, X)),
    ((XX, ZZ), (X, Z, X)),
    ((XX, XX, ZZ), (X, X, X)),
    ((XX, ZZ, XX), (Z, X, X)),
    ((XX, ZZ, XX, ZZ), (X, X, Z)),
]


def theirs(products: list[dict[int, str]], qubits: int, distance: int, **options: Any) -> Any:
    from circls.interop.ir.gosc_gadgets import OutBit, PPMProgram, ProgramOp
    from circls.pipeline import compile_ppm_sequence

    program = PPMProgram(
        num_data=qubits,
        ops=[ProgramOp("mpp", one) for one in products],
        gadgets=[],
        out_bits=[OutBit(rec=k, flip=0) for k in range(len(products))],
    )
    return compile_ppm_sequence(program, distance=distance, **options)


@pytest.mark.parametrize(("merges", "final"), PROGRAMS)
def test_the_same_measurements_have_the_same_joint_distribution(
    merges: tuple[tuple[str, str], ...], final: tuple[Basis, ...]
) -> None:
    """Ours, theirs, and that of bare qubits: all parities that are fixed, with their values."""
    from circls.tools.reporting import affine_structure, sample_program_bits

    stages = (
        Stage(dict.fromkeys(PLACES, Z), (merges[0],)),
        *(Stage(merge=(pair,)) for pair in merges[1:]),
        Stage(measure=dict(zip(PLACES, final, strict=True))),
    )
    surgery = compile_surgery(Program("random", PLACES, stages), 3)
    record = surgery.noiseless.compile_sampler(seed=1).sample(500)
    ours = np.array(
        [record[:, sorted(one.records)].sum(axis=1) % 2 for one in surgery.outcomes.values()],
        dtype=bool,
    ).T
    products = [{0: "Z", 1: "Z"} if pair == ZZ else {1: "X", 2: "X"} for pair in merges]
    products += [{q: str(basis)} for q, basis in enumerate(final)]
    structure = affine_structure(ours)
    bare = stim.Circuit()
    for one in products:
        bare.append("MPP", stim.target_combined_paulis(stim.PauliString(one)))
    assert structure == affine_structure(bare.compile_sampler(seed=2).sample(500))
    other = theirs(products, 3, 3)
    # Their reading of results in the order of time; the other one is for measurements that commute.
    other.t_as_s = True
    assert structure == affine_structure(sample_program_bits(other, shots=500, seed=3))
    # A mistaken sign would show: one bit turned over at random is another structure.
    if structure[0]:
        at = max(structure[0]).bit_length() - 1
        ours[:, at] ^= np.random.default_rng(4).integers(0, 2, len(ours), dtype=np.uint8) > 0
        assert affine_structure(ours) != structure


@pytest.mark.parametrize("distance", [3, 5])
def test_a_merge_and_split_is_as_large_as_far_and_as_good_as_theirs(distance: int) -> None:
    from circls.tools.evaluate import inject_uniform_noise

    beside = {"q0": (0, 0), "q1": (1, 0)}
    other = theirs([{0: "X", 1: "X"}, {0: "Z"}, {1: "Z"}], 2, distance, placement=beside).circuit
    stages = (
        Stage(dict.fromkeys(beside, Z), rounds=1),
        Stage(merge=(("q0", "q1"),), measure=dict.fromkeys(beside, Z)),
    )
    surgery = compile_surgery(Program("XX", beside, stages), distance)
    ours = surgery.noiseless
    assert ours.num_qubits == other.num_qubits == 2 * (2 * distance**2 - 1) + 2 * distance + 1
    assert ours.num_observables == other.num_observables == 1
    assert ours.num_measurements == other.num_measurements
    assert ours.num_detectors == other.num_detectors

    counts = []
    for circuit in (ours, other):
        # Their noise on both: ours has no model of its own here.
        noisy = inject_uniform_noise(circuit, 0.002)
        assert graphlike_distances(noisy) == (distance,)
        counts.append(count_errors(noisy, 20_000, seed=5))
    assert _agree(*counts, within=0.15), counts
    assert not _agree(counts[0], ErrorCount(20_000, 3 * counts[1].errors), within=0.15)


def _agree(one: ErrorCount, other: ErrorCount, within: float) -> bool:
    """Whether two rates differ by less than a share, and four standard deviations."""
    mean = (one.rate + other.rate) / 2.0
    deviation = math.sqrt(mean / one.shots + mean / other.shots)
    return abs(one.rate - other.rate) < within * mean + 4.0 * deviation
