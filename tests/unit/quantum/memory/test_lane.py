"""The memory lane from pairs to corrected keys, and each way in which it gives none."""

import asyncio
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from bridge.domain.errors import (
    BlockRejected,
    ChannelAttacked,
    CoherenceExceeded,
    DecodingFailed,
    HeraldLost,
    InputError,
    LinkError,
    MessageForged,
)
from bridge.quantum.basis import Basis
from bridge.quantum.codes.noise import CircuitNoise
from bridge.quantum.distribution.generation import QuantumKeyDistribution, SiftedKeys
from bridge.quantum.distribution.syndromes import MemoryRecord, SyndromeRecord
from bridge.quantum.ends.channel import Kind
from bridge.quantum.ends.end import LinkParameters
from bridge.quantum.kernels.plain import unpack
from bridge.quantum.link.adversary import InterceptResend
from bridge.quantum.link.channel import Channel
from bridge.quantum.memory.bell import BellDiagonal
from bridge.quantum.memory.choosing import best_memory
from bridge.quantum.memory.corrected import CorrectedKeys, Lane
from bridge.quantum.memory.correction import QuantumErrorCorrection
from bridge.quantum.memory.decoherence import Coherence
from bridge.quantum.memory.frame import MATCHING, NOTHING, Decoder, decode_record
from bridge.quantum.memory.holding import BareMemory, DecoupledMemory, Held, PatchMemory
from bridge.quantum.memory.lane import MemoryLane
from bridge.quantum.memory.measured import Measured, MeasuredErrors, TabledErrors, measure
from bridge.quantum.memory.pauli import flipped
from bridge.quantum.memory.protection import SlowNoise
from bridge.quantum.memory.purification import GateNoise
from bridge.quantum.memory.rates import key_bits, qber_limit
from tests.unit.quantum.test_ends import Meddler

pytestmark = pytest.mark.usefixtures("compiled")

SMALL = LinkParameters(block_bits=1 << 14, sample_size=1024)
P01 = CircuitNoise.uniform(1e-3)
PATCH = PatchMemory(5, 50, P01)
NAN = float("nan")


def generate(lane: MemoryLane, **options: object) -> SiftedKeys:
    async def run() -> SiftedKeys:
        async with asyncio.timeout(240):
            return await QuantumKeyDistribution(
                **({"parameters": SMALL, "memory": lane, "pause_s": 0.001} | options)  # type: ignore[arg-type]
            ).generate_keys()

    return asyncio.run(run())


@pytest.fixture(scope="module")
def make(compiled: None) -> Callable[[], SiftedKeys]:
    """Sifted keys of pairs that patches held for 50 us; each may be corrected once."""
    held = generate(MemoryLane.encoded(PATCH))
    return lambda: replace(held)


def wrong_bits(keys: SiftedKeys) -> np.ndarray:  # type: ignore[type-arg]
    return unpack(keys.sender.bits, len(keys)) ^ unpack(keys.receiver.bits, len(keys))


# what comes of it


def test_syndromes_say_which_bits_are_wrong(make: Callable[[], SiftedKeys]) -> None:
    keys = make()
    assert keys.record is not None
    assert keys.record.held_s == pytest.approx(50e-6)
    raw = wrong_bits(keys)
    assert raw.mean() > 0.3
    frames = [decode_record(one).flips for one in (keys.record.sender, keys.record.receiver)]
    left = raw ^ frames[0] ^ frames[1]
    assert left.mean() < 0.02
    # The sample's bits were decoded before they were disclosed.
    assert keys.qber < 0.03 < keys.limit
    # A record that is out of step with the bits says nothing.
    assert (raw ^ np.roll(frames[0], 1) ^ frames[1]).mean() > 0.3


def test_corrected_keys_are_one_key_with_its_history(make: Callable[[], SiftedKeys]) -> None:
    keys = make()
    corrected = QuantumErrorCorrection().apply_correction(keys)
    assert corrected.lane is Lane.MEMORY
    assert corrected.held_s == pytest.approx(50e-6)
    assert 0.005 < corrected.qber < 0.02
    assert corrected.fidelity == pytest.approx(1 - 1.5 * corrected.qber)
    assert 0.5 < corrected.secret_fraction < 0.75
    assert corrected.key_bits == corrected.block.key_bits - keys.authentication_bits
    assert corrected.key == corrected.block.key[keys.authentication_bits // 8 :]
    assert corrected.epsilon < 1.1e-10
    assert corrected.frame is not None
    assert corrected.frame.decoders == ("matching", "matching")
    assert corrected.frame.failures == ()
    assert all(0.25 < count / len(keys) < 0.4 for count in corrected.frame.flipped)
    assert corrected.key.hex() not in repr(corrected)
    assert "redacted" in repr(corrected)


def test_photons_go_through_the_same_correction_without_a_record() -> None:
    system = QuantumKeyDistribution(parameters=SMALL, channel=Channel(misalignment=0.01))
    corrected = QuantumErrorCorrection().apply_correction(asyncio.run(system.generate_keys()))
    assert (corrected.lane, corrected.frame, corrected.held_s) == (Lane.BULK, None, 0.0)
    assert 0.005 < corrected.qber < 0.015
    assert corrected.key_bits > 6000
    assert corrected.taken_bits == 512


def test_error_rates_are_those_of_the_formula() -> None:
    """Residual errors of a block against link, memories and readout, basis by basis."""
    patch = PatchMemory(3, 20, P01)
    errors = MeasuredErrors(P01, shots=200_000)
    lane = MemoryLane.encoded(
        patch, pair=BellDiagonal(np.array([0.97, 0.02, 0.005, 0.005])), injection=2e-3,
        readout=4e-3, logical_errors=errors,
    )  # fmt: skip
    keys = generate(lane, parameters=LinkParameters(1 << 16, 1024))
    assert keys.record is not None
    left = wrong_bits(keys)
    for one in (keys.record.sender, keys.record.receiver):
        left ^= decode_record(one).flips
    budgets = lane.error_rates()
    for number, basis in enumerate(Basis):
        shown = left[keys.record.sender.bases == number]
        budget = budgets[basis]
        parts = (budget.link, budget.first_memory, budget.second_memory, budget.readout)
        assert budget.total == pytest.approx((1 - np.prod([1 - 2 * e for e in parts])) / 2)
        assert abs(shown.mean() - budget.total) < 5 * (budget.total / len(shown)) ** 0.5
    assert budgets[Basis.Z].link > 1.5 * budgets[Basis.X].link
    assert lane.expected_qber() == pytest.approx(sum(one.total for one in budgets.values()) / 2)


def test_purified_pairs_have_the_error_rate_that_dejmps_leaves() -> None:
    lane = MemoryLane.bare(0.0, pair=BellDiagonal.werner(0.88), purification_rounds=2, heralded=0.9)
    plain = replace(lane, purification_rounds=0)
    assert lane.expected_qber() < plain.expected_qber() / 4
    assert lane.click < plain.click
    keys = generate(lane)
    expected = lane.expected_qber() * len(keys)
    assert abs(wrong_bits(keys).sum() - expected) < 5 * expected**0.5
    # At this fidelity there is no key without it.
    with pytest.raises(CoherenceExceeded, match="it has none at any time"):
        generate(plain, parameters=SMALL)


def test_halves_that_are_teleported_have_that_error_too() -> None:
    gates = GateNoise(2e-3, 5e-3)
    lane = MemoryLane.bare(0.0, teleport=BellDiagonal.werner(0.98), gates=gates, readout=2e-3)
    plain = replace(lane, teleport=None)
    assert lane.expected_qber() > plain.expected_qber() + 0.02
    keys = generate(lane)
    expected = lane.expected_qber() * len(keys)
    assert abs(wrong_bits(keys).sum() - expected) < 5 * expected**0.5


# bare, decoupled and encoded


def test_pulses_save_the_key_from_slow_noise_and_a_patch_from_fast() -> None:
    slow, fine = SlowNoise(4e4, 500e-6), Coherence(10e-3, 10e-3)
    held = 20e-6
    left_alone = DecoupledMemory(held, fine, slow, 0)
    with pytest.raises(ChannelAttacked):
        generate(MemoryLane(left_alone, held, tries_hopeless=True), attempts=1)
    best, memory = best_memory(held, slow, fine, 1e-4)
    assert best.pulses > 0
    lane = MemoryLane(memory, held)
    keys = generate(lane)
    expected = lane.expected_qber() * len(keys)
    assert abs(wrong_bits(keys).sum() - expected) < 5 * expected**0.5
    assert QuantumErrorCorrection().apply_correction(keys).key_bits > 5000

    errors = MeasuredErrors(P01, shots=20_000)
    best, memory = best_memory(held, SlowNoise(0.0), Coherence(), 1e-4, P01, errors, (3, 5))
    assert memory == PatchMemory(5, 20, P01)
    with pytest.raises(CoherenceExceeded):
        generate(MemoryLane.bare(held))
    keys = generate(MemoryLane(memory, held))
    assert QuantumErrorCorrection().apply_correction(keys).key_bits > 5000
    assert best_memory(1e-9, SlowNoise(0.0), Coherence(), 1e-4)[1] == BareMemory(1e-9, Coherence())


def test_bare_memories_give_no_key_after_50_us_and_encoded_ones_do(
    make: Callable[[], SiftedKeys],
) -> None:
    bare = MemoryLane.bare(50e-6)
    assert bare.expected_fraction(SMALL) == 0.0
    with pytest.raises(ChannelAttacked, match="in 2 of 2 blocks") as caught:
        generate(replace(bare, tries_hopeless=True), attempts=2)
    assert all(0.25 < qber < 0.4 for qber in caught.value.qbers)
    assert QuantumErrorCorrection().apply_correction(make()).key_bits > 5000
    fresh = MemoryLane.bare(1e-6)
    assert QuantumErrorCorrection().apply_correction(generate(fresh)).key_bits > 5000


def test_what_is_known_to_be_past_use_is_not_tried_and_says_how_long_it_would_have_lasted() -> None:
    with pytest.raises(CoherenceExceeded, match=r"a QBER below .* of pairs at 31\.85%") as caught:
        generate(MemoryLane.bare(50e-6))
    longest = caught.value.longest_s
    assert longest is not None
    assert MemoryLane.bare(0.99 * longest).expected_fraction(SMALL) > 0.0
    assert MemoryLane.bare(1.01 * longest).expected_fraction(SMALL) == 0.0
    patch = PatchMemory(3, 2000, P01)
    known = MemoryLane.encoded(patch, logical_errors=MeasuredErrors(P01, shots=5000))
    with pytest.raises(CoherenceExceeded, match=r"asked for 0\.002 s"):
        generate(known)


def test_rates_that_were_measured_before_reach_as_far_as_they_say() -> None:
    """Of distance 11 at p = 0.1 %, 1.65e-8 a round: still key after a second."""
    figures = {"noise": 0.001, "logical_error": {"11": {"per_round": 1.65e-8}}}
    errors = TabledErrors.of_figures(figures, P01)
    second = MemoryLane.encoded(PatchMemory(11, 1_000_000, P01), logical_errors=errors)
    assert second.held_s == pytest.approx(1.0)
    assert second.memory_error(Basis.X) == pytest.approx(0.0162, abs=1e-4)
    assert second.expected_fraction(LinkParameters()) > 0.3
    second.require_key(LinkParameters())
    worse = replace(second, logical_errors=lambda d, r, b: errors(d, 10 * r, b))
    with pytest.raises(CoherenceExceeded, match="asked for 1 s") as caught:
        worse.require_key(LinkParameters())
    assert caught.value.longest_s is not None
    assert 0.2 < caught.value.longest_s < 0.5


def test_rates_of_another_measurement_are_refused() -> None:
    figures = {"noise": 0.001, "logical_error": {"11": {"per_round": 1.65e-8}}}
    errors = TabledErrors.of_figures(figures, P01)
    with pytest.raises(InputError, match="one of the distances 11, got 13"):
        errors(13, 10, Basis.Z)
    with pytest.raises(InputError, match="rounds: expected 0 or more, got -1"):
        errors(11, -1, Basis.Z)
    with pytest.raises(InputError, match=r"expected ones of .*, got ones of p = 0\.001"):
        TabledErrors.of_figures(figures, CircuitNoise.uniform(0.002))
    with pytest.raises(InputError, match="expected the figures of `astralink bench qec --json`"):
        TabledErrors.of_figures({"noise": 0.001}, P01)
    with pytest.raises(InputError, match="logical error of distance 3: expected 0 to 1, got nan"):
        TabledErrors(P01, {3: NAN})


def test_the_key_reckoned_beforehand_is_about_what_comes(make: Callable[[], SiftedKeys]) -> None:
    corrected = QuantumErrorCorrection().apply_correction(make())
    reckoned = key_bits(SMALL, corrected.qber)
    assert corrected.key_bits == pytest.approx(reckoned, rel=0.05)
    limit = qber_limit(SMALL)
    assert key_bits(SMALL, limit - 1e-5) >= 0
    assert key_bits(SMALL, limit + 1e-5) == 0
    assert 0.05 < limit < 0.11
    with pytest.raises(InputError, match="QBER: expected 0 to 1, got nan"):
        key_bits(SMALL, NAN)


# decoders that fail


def raising(model: object) -> Callable[[object], object]:
    def decode(events: object) -> object:
        raise RuntimeError("lost its graph")

    return decode


def out_of_shape(model: object) -> Callable[[object], object]:
    return lambda events: np.zeros(3, dtype=bool)


def real_numbers(model: object) -> Callable[[np.ndarray], object]:  # type: ignore[type-arg]
    return lambda events: np.full(len(events), NAN)


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (raising, "lost its graph"),
        (out_of_shape, r"expected a boolean for each of \d+ shots, got bool of shape \(3,\)"),
        (real_numbers, "got float64"),
    ],
)
def test_where_a_decoder_has_no_answer_the_next_is_asked(
    make: Callable[[], SiftedKeys], broken: Callable[..., object], why: str
) -> None:
    bad = Decoder("broken", broken)  # type: ignore[arg-type]
    corrected = QuantumErrorCorrection(decoders=[bad, MATCHING]).apply_correction(make())
    assert corrected.frame is not None
    assert corrected.frame.decoders == ("matching", "matching")
    assert len(corrected.frame.failures) == 2
    with pytest.raises(DecodingFailed, match=f"frame of 16384 pairs.*broken: .*{why}") as caught:
        QuantumErrorCorrection(decoders=[bad]).apply_correction(make())
    assert caught.value.retryable


def test_a_decoder_that_is_wrong_gives_no_key(make: Callable[[], SiftedKeys]) -> None:
    rng = np.random.default_rng(8)

    def careless(model: object) -> Callable[[np.ndarray], np.ndarray]:  # type: ignore[type-arg]
        right = MATCHING.compile(model)
        return lambda events: right(events) ^ (rng.random(len(events)) < 0.2)

    for wrong in (NOTHING, Decoder("careless", careless)):
        with pytest.raises(BlockRejected, match="no key left") as caught:
            QuantumErrorCorrection(decoders=[wrong]).apply_correction(make())
        assert caught.value.retryable


def test_syndromes_of_other_pairs_give_no_key(make: Callable[[], SiftedKeys]) -> None:
    keys = make()
    assert keys.record is not None
    bases = keys.record.receiver.bases
    order = np.arange(len(keys))
    for number in (0, 1):  # the same bases, but nobody's own events
        order[bases == number] = np.roll(order[bases == number], 1)
    other = replace(keys, record=replace(keys.record, receiver=keys.record.receiver.select(order)))
    with pytest.raises(BlockRejected, match="no key left"):
        QuantumErrorCorrection().apply_correction(other)


def test_keys_are_corrected_once() -> None:
    keys = generate(MemoryLane.bare(0.0))
    correction = QuantumErrorCorrection()
    correction.apply_correction(keys)
    with pytest.raises(InputError, match="not corrected before"):
        correction.apply_correction(keys)
    with pytest.raises(InputError, match="expected SiftedKeys, got bytes"):
        correction.apply_correction(b"key")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [Kind.ANSWERS, Kind.VERIFICATION, Kind.VERDICT, Kind.CONFIRMATION])
def test_the_man_in_the_middle_of_the_correction_gets_no_key_through(
    make: Callable[[], SiftedKeys], kind: Kind
) -> None:
    meddlers = []

    def wires() -> tuple[socket.socket, socket.socket]:
        meddlers.append(Meddler(kind, 2, 3))
        return meddlers[-1].outer

    with pytest.raises((MessageForged, BlockRejected)) as caught:
        QuantumErrorCorrection(wires=wires, timeout_s=20.0).apply_correction(make())
    assert meddlers[0].done.is_set()
    if kind is not Kind.ANSWERS:
        assert isinstance(caught.value, MessageForged)
    assert not [t for t in threading.enumerate() if t.name.startswith("distilling-end")]


def test_authentication_of_blocks_that_failed_comes_off_the_key() -> None:
    keys = generate(MemoryLane.bare(0.0))
    spent = replace(keys, authentication_bits=512 * 3)
    corrected = QuantumErrorCorrection().apply_correction(spent)
    assert corrected.key_bits == corrected.block.key_bits - 1536
    with pytest.raises(BlockRejected, match="authentication of the blocks before takes 512000"):
        QuantumErrorCorrection().apply_correction(replace(keys, authentication_bits=512_000))


@pytest.mark.parametrize(
    "kind", [Kind.DETECTIONS, Kind.MATCHES, Kind.SAMPLE, Kind.SEAL, Kind.CONFIRMATION]
)
@pytest.mark.parametrize("word", [1, 10**6])
def test_the_man_in_the_middle_of_the_sifting_is_told(kind: Kind, word: int) -> None:
    meddlers = []

    def wires() -> tuple[socket.socket, socket.socket]:
        meddlers.append(Meddler(kind, word, 63))
        return meddlers[-1].outer

    with pytest.raises(ChannelAttacked, match="a forged message in block 1"):
        generate(MemoryLane.bare(1e-6), wires=wires, timeout_s=60.0)
    assert meddlers[0].done.is_set()


# heralds


@dataclass(frozen=True, slots=True)
class Interrupted(BareMemory):
    """A memory whose pairs are lost in the first blocks."""

    blocks: tuple[list[int], ...] = ()

    def sample(self, basis: Basis, shots: int, rng: np.random.Generator) -> Held:
        if self.blocks[0]:
            self.blocks[0].pop()
            raise HeraldLost(0, shots, shots)
        return BareMemory.sample(self, basis, shots, rng)

    def __hash__(self) -> int:
        return id(self)


def test_lost_heralds_end_in_another_block_and_then_in_a_clear_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lost = [1]
    lane = MemoryLane(Interrupted(0.0, Coherence(), (lost,)), 0.0)
    keys = generate(lane, attempts=3)
    assert lost == []
    assert keys.authentication_bits == 1024
    monkeypatch.setattr("bridge.quantum.memory.medium.MOST_ROUNDS", 2)
    with pytest.raises(HeraldLost, match=r"expected \d+ heralded pairs, got \d+ of \d+") as caught:
        generate(MemoryLane.bare(0.0, heralded=1e-5), attempts=2)
    assert caught.value.retryable
    assert caught.value.pairs < 1000


def test_few_heralds_make_more_attempts_and_no_difference_to_the_bits() -> None:
    for heralded in (0.02, 1.0):
        keys = generate(MemoryLane.bare(1e-6, heralded=heralded))
        assert keys.sender.sifted.pulses > 1.8 * len(keys) / heralded
        expected = MemoryLane.bare(1e-6).expected_qber() * len(keys)
        assert abs(wrong_bits(keys).sum() - expected) < 5 * expected**0.5


# records and figures


def test_records_say_when_they_do_not_fit() -> None:
    patch = PatchMemory(3, 2, P01)
    rng = np.random.default_rng(1)
    events = {basis: patch.sample(basis, 4, rng).events for basis in Basis}
    bases = np.array([0, 1, 0, 1, 1, 0, 1, 0], dtype=np.uint8)
    record = MemoryRecord(patch, bases, events)
    part = record.select(np.array([5, 1]))
    assert (part.events[Basis.Z] == events[Basis.Z][[2]]).all()
    assert (part.events[Basis.X] == events[Basis.X][[0]]).all()
    with pytest.raises(InputError, match=r"expected events of shape \(4, 2\) in Z, got \(3, 2\)"):
        MemoryRecord(patch, bases, events | {Basis.Z: events[Basis.Z][:3]})
    with pytest.raises(InputError, match="expected a basis of 0 or 1"):
        MemoryRecord(patch, bases + 1, events)
    with pytest.raises(InputError, match="as many pairs at either end, got 8 and 2"):
        SyndromeRecord(record, part, 0.0)
    with pytest.raises(InputError, match="measured in one basis, got two"):
        SyndromeRecord(record, record.select(np.roll(np.arange(8), 1)), 0.0)


def test_a_record_has_as_many_pairs_as_there_are_bits(make: Callable[[], SiftedKeys]) -> None:
    keys = make()
    assert keys.record is not None
    short = keys.record.sender.select(np.arange(100))
    with pytest.raises(InputError, match="expected a record of 16384 pairs, got one of 100"):
        replace(keys, record=SyndromeRecord(short, short, 0.0))


def test_a_larger_distance_fails_less_and_rounds_compose() -> None:
    rng = np.random.default_rng(2)
    small = measure(PatchMemory(3, 30, P01), Basis.Z, 20_000, rng)
    large = measure(PatchMemory(5, 30, P01), Basis.Z, 20_000, rng)
    assert large.per_shot < small.per_shot / 3
    twice = measure(PatchMemory(3, 60, P01), Basis.Z, 20_000, rng)
    assert small.over(60) == pytest.approx(twice.per_shot, rel=0.15)
    assert measure(PatchMemory(3, 30, P01), Basis.X, 20_000, rng).per_shot == pytest.approx(
        small.per_shot, rel=0.3
    )
    none = measure(PatchMemory(3, 30, P01), Basis.Z, 20_000, rng, [NOTHING])
    assert none.per_shot > 10 * small.per_shot
    assert Measured(100, 0, 10).per_shot == pytest.approx(0.5 / 101)
    assert flipped([small.per_round] * 30) == pytest.approx(small.per_shot)


@pytest.mark.parametrize(
    ("make_it", "message"),
    [
        (lambda: PatchMemory(4, 3, P01), "an odd distance from 3, got 4"),
        (lambda: PatchMemory(1, 3, P01), "an odd distance from 3, got 1"),
        (lambda: PatchMemory(3, 0, P01), "1 to 1000000 rounds, got 0"),
        (lambda: CircuitNoise.uniform(NAN), "p: expected a probability from 0 to 1, got nan"),
        (lambda: CircuitNoise.uniform(1.5), "p: expected a probability from 0 to 1, got 1.5"),
        (lambda: MemoryLane.bare(NAN), "holding time: expected 0 s or more, got nan"),
        (lambda: MemoryLane.bare(-1.0), "holding time: expected 0 s or more, got -1.0"),
        (lambda: MemoryLane.bare(0.0, readout=NAN), "readout: expected 0 to 1, got nan"),
        (lambda: MemoryLane.bare(0.0, heralded=0.0), "heralded: expected above 0 and up to 1"),
        (lambda: MemoryLane.bare(0.0, purification_rounds=99), "expected 0 to 8 rounds, got 99"),
        (
            lambda: MemoryLane(BareMemory(1e-6, Coherence()), 2e-6),
            "a memory that holds for 2e-06 s, got one for 1e-06 s",
        ),
        (lambda: MemoryLane.encoded(PATCH, cycle_s=0.0), "cycle: expected above 0 s, got 0.0"),
        (lambda: MemoryLane.encoded(PATCH).error_rates(), "expected logical error rates of Patch"),
        (lambda: PATCH.sample(Basis.Z, 10**8, np.random.default_rng(1)), "bytes of detection"),
        (lambda: QuantumErrorCorrection(decoders=[]), "at least one decoder, got none"),
        (lambda: QuantumErrorCorrection(timeout_s=NAN), "timeout: expected above 0 s, got nan"),
        (
            lambda: QuantumKeyDistribution(
                memory=MemoryLane.bare(0.0), adversary=InterceptResend(0.1)
            ),
            "expected no channel, detector or adversary of photons",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(make_it: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_it()


def test_a_logical_error_rate_that_is_none_is_refused() -> None:
    lane = MemoryLane.encoded(PATCH, logical_errors=lambda *_: NAN)
    with pytest.raises(InputError, match="logical error of distance 5: expected 0 to 1, got nan"):
        generate(lane)


def test_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "stim", None)
    monkeypatch.delitem(sys.modules, "bridge.quantum.codes.surface", raising=False)
    with pytest.raises(
        InputError, match=r"expected the library stim, it is not installed: .*\[codes\]"
    ):
        PatchMemory(3, 7, CircuitNoise.uniform(0.0123)).circuit(Basis.Z)


def test_two_keys_that_differ_are_no_key(make: Callable[[], SiftedKeys]) -> None:
    corrected = QuantumErrorCorrection().apply_correction(make())
    other = replace(corrected.block, key=bytes(len(corrected.block.key)))
    with pytest.raises(InputError, match="the same key at both ends, got two"):
        CorrectedKeys.of(corrected.block, other, None, 0.0, 0, 0.0)
    assert issubclass(HeraldLost, LinkError)
