"""`QuantumStateManager`: states that age, purify, swap and go; keys that are admitted once."""

import asyncio
import math
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

import bridge
from bridge.domain.errors import (
    CoherenceExceeded,
    InputError,
    MemoryFull,
    PoolFull,
    PurificationFailed,
    StateUnusable,
)
from bridge.quantum.distribution.generation import QuantumKeyDistribution
from bridge.quantum.ends.end import LinkParameters
from bridge.quantum.memory.bell import BellDiagonal
from bridge.quantum.memory.corrected import CorrectedKeys
from bridge.quantum.memory.correction import QuantumErrorCorrection
from bridge.quantum.memory.decoherence import Coherence, aged
from bridge.quantum.memory.dense import density, fidelity
from bridge.quantum.memory.keystore import KeyLimits
from bridge.quantum.memory.manager import QuantumStateManager
from bridge.quantum.memory.purification import GateNoise, dejmps
from bridge.quantum.memory.slots import Priority
from bridge.quantum.memory.states import Kind, kept_fidelity
from bridge.quantum.memory.swapping import chain

SMALL = LinkParameters(block_bits=1 << 14, sample_size=1024)
MEMORY = Coherence(100e-6, 100e-6)
NAN = float("nan")


def manager(slots: int = 4, **options: object) -> QuantumStateManager:
    nodes = dict.fromkeys(("a", "b", "c", "d"), (MEMORY,) * slots)
    settings = {"nodes": nodes, "rng": np.random.default_rng(3)} | options
    return QuantumStateManager(**settings)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def corrected(compiled: None) -> CorrectedKeys:
    system = QuantumKeyDistribution(parameters=SMALL)
    return QuantumErrorCorrection().apply_correction(asyncio.run(system.generate_keys()))


# states


def test_a_state_ages_in_its_memories() -> None:
    held = manager()
    pair = held.prepare(Kind.BELL, ["a", "b"], 0.95)
    ghz = held.prepare(Kind.GHZ, ["a", "b", "c"], 0.9)
    w = held.prepare(Kind.W, ["a", "b", "c", "d"])
    assert held.fidelity(pair.state_id) == pytest.approx(0.95)
    held.wait(12e-6)
    expected = aged(BellDiagonal.werner(0.95), 12e-6, MEMORY, MEMORY).fidelity
    assert held.fidelity(pair.state_id) == pytest.approx(expected)
    assert held.fidelity(ghz.state_id) == pytest.approx(
        kept_fidelity(Kind.GHZ, 12e-6, [MEMORY] * 3, 0.9)
    )
    assert held.fidelity(w.state_id) == pytest.approx(kept_fidelity(Kind.W, 12e-6, [MEMORY] * 4))
    for one in (pair, ghz, w):
        longest = one.longest_s()
        assert longest is not None
        assert one.fidelity_at(0.999 * longest) > one.least > one.fidelity_at(1.001 * longest)
        assert not one.spent_at(0.999 * longest)
        assert one.spent_at(1.001 * longest)
    # Decayed to |000>, half a GHZ state, it stays spent.
    assert ghz.fidelity_at(1.0) == pytest.approx(0.5)
    assert ghz.spent_at(1.0)
    ideal = manager(nodes={name: (Coherence(math.inf, math.inf),) for name in "abc"})
    assert ideal.prepare(Kind.GHZ, ["a", "b", "c"]).longest_s() == math.inf


def test_a_pair_beyond_its_coherence_is_not_used_and_gives_way() -> None:
    held = manager(slots=1)
    pair = held.prepare(Kind.BELL, ["a", "b"], 0.95)
    held.wait(80e-6)
    with pytest.raises(
        CoherenceExceeded, match=r"a fidelity of 0\.5: at most .* asked for 8e-05 s"
    ):
        held.teleport(density(np.array([1.0, 0.0])), pair.state_id)
    fresh = held.prepare(Kind.BELL, ["a", "b"], 0.95, Priority.BACKGROUND)
    with pytest.raises(StateUnusable, match="consumed, evicted, or never was held"):
        held.fidelity(pair.state_id)
    assert held.status().evicted == 1
    held.wait(80e-6)
    assert held.sweep() == [fresh.state_id]
    assert held.sweep() == []
    assert held.status().slots == dict.fromkeys("abcd", (0, 1))


def test_two_pairs_become_a_better_one_or_none() -> None:
    outcomes = {"better": 0, "none": 0}
    held = manager()
    expected = dejmps(BellDiagonal.werner(0.8), BellDiagonal.werner(0.8))
    for _ in range(300):
        first, second = (held.prepare(Kind.BELL, ["a", "b"], 0.8) for _ in range(2))
        try:
            made = held.purify(first.state_id, second.state_id)
        except PurificationFailed:
            outcomes["none"] += 1
            assert held.status().states == 0
            continue
        outcomes["better"] += 1
        assert held.fidelity(made.state_id) == pytest.approx(expected.pair.fidelity)
        assert held.status().states == 1
        held.discard(made.state_id)
    assert abs(outcomes["better"] / 300 - expected.success) < 5 * 0.03


def test_pairs_age_before_they_are_purified_and_what_is_left_ages_after() -> None:
    held = manager(rng=np.random.default_rng(0))
    first = held.prepare(Kind.BELL, ["a", "b"], 0.95)
    held.wait(4e-6)
    second = held.prepare(Kind.BELL, ["b", "a"], 0.95)
    held.wait(2e-6)
    old, new = (aged(BellDiagonal.werner(0.95), t, MEMORY, MEMORY) for t in (6e-6, 2e-6))
    made = held.purify(first.state_id, second.state_id)
    better = dejmps(old, new).pair
    assert held.fidelity(made.state_id) == pytest.approx(better.fidelity)
    held.wait(3e-6)
    assert held.fidelity(made.state_id) == pytest.approx(
        aged(better, 3e-6, MEMORY, MEMORY).fidelity
    )


def test_a_chain_of_pairs_becomes_one_and_frees_the_nodes_between() -> None:
    gates = GateNoise(0.001, 0.002)
    held = manager(gates=gates)
    pairs = [held.prepare(Kind.BELL, list(hop), 0.97) for hop in ("ab", "bc", "cd")]
    held.wait(1e-6)
    joined = held.swap_chain([one.state_id for one in pairs])
    each = aged(BellDiagonal.werner(0.97), 1e-6, MEMORY, MEMORY)
    assert held.fidelity(joined.state_id) == pytest.approx(chain([each] * 3, gates).fidelity)
    assert [place.node for place in joined.places] == ["a", "d"]
    assert {name: taken for name, (taken, _) in held.status().slots.items()} == {
        "a": 1, "b": 0, "c": 0, "d": 1,
    }  # fmt: skip
    with pytest.raises(StateUnusable):
        held.swap(pairs[0].state_id, pairs[1].state_id)


def test_pairs_that_do_not_meet_are_not_joined() -> None:
    held = manager()
    ab, cd, ab2 = (held.prepare(Kind.BELL, list(hop)) for hop in ("ab", "cd", "ab"))
    ghz = held.prepare(Kind.GHZ, ["a", "b", "c"])
    for first, second in ((ab, cd), (ab, ab2), (ab, ab)):
        with pytest.raises(InputError, match="two pairs that meet at one node"):
            held.swap(first.state_id, second.state_id)
    for first, second in ((ab, cd), (ab, ab)):
        with pytest.raises(InputError, match="expected two pairs between a and b"):
            held.purify(first.state_id, second.state_id)
    with pytest.raises(InputError, match="expected a pair, got a ghz state"):
        held.swap(ghz.state_id, ab.state_id)
    with pytest.raises(InputError, match="at least two pairs, got 1"):
        held.swap_chain([ab.state_id])
    assert held.status().states == 4


def test_a_state_is_teleported_once() -> None:
    held = manager()
    ideal = np.array([np.cos(0.5), 1j * np.sin(0.5)])
    pair = held.prepare(Kind.BELL, ["a", "b"], 1.0)
    sent = held.teleport(density(ideal), pair.state_id)
    assert fidelity(sent.state, ideal) == pytest.approx(1.0)
    with pytest.raises(StateUnusable):
        held.teleport(density(ideal), pair.state_id)


# slots


def test_whom_others_give_way_to() -> None:
    held = manager(slots=2)
    low = held.prepare(Kind.BELL, ["a", "b"], 0.9, Priority.BACKGROUND)
    held.wait(1e-6)
    newer = held.prepare(Kind.BELL, ["a", "b"], 0.9, Priority.BACKGROUND)
    with pytest.raises(MemoryFull, match="expected 1 slots for a state of priority background"):
        held.prepare(Kind.BELL, ["a", "b"], 0.9, Priority.BACKGROUND)
    urgent = held.prepare(Kind.BELL, ["a", "b"], 0.9, Priority.URGENT)
    with pytest.raises(StateUnusable):
        held.state(low.state_id)  # of equal priority the worse one went
    normal = held.prepare(Kind.BELL, ["a", "b"], 0.9)
    with pytest.raises(StateUnusable):
        held.state(newer.state_id)
    with pytest.raises(MemoryFull) as caught:
        held.prepare(Kind.BELL, ["a", "b"], 0.9)
    assert caught.value.retryable
    assert held.status().states == 2
    assert {held.state(one.state_id).priority for one in (urgent, normal)} == {
        Priority.NORMAL,
        Priority.URGENT,
    }


def test_nobody_goes_where_there_is_not_enough_for_all() -> None:
    held = manager(slots=1)
    low = held.prepare(Kind.BELL, ["a", "b"], 0.9, Priority.BACKGROUND)
    held.prepare(Kind.BELL, ["c", "d"], 0.9, Priority.URGENT)
    with pytest.raises(MemoryFull, match="memory at c"):
        held.prepare(Kind.BELL, ["a", "c"], 0.9, Priority.NORMAL)
    assert held.state(low.state_id) is low
    assert held.status().evicted == 0


def test_reserved_slots_are_kept_until_used_released_or_over() -> None:
    held = manager(slots=2)
    kept = held.reserve({"a": 2, "b": 1}, for_s=10e-6)
    with pytest.raises(MemoryFull, match=r"memory at a: expected 1 slots .* got 0"):
        held.prepare(Kind.BELL, ["a", "b"])
    assert held.status().slots["a"] == (0, 0)
    held.prepare(Kind.BELL, ["a", "b"], reservation=kept)
    with pytest.raises(InputError, match="expected one that is held, it ended"):
        held.prepare(Kind.BELL, ["a", "b"], reservation=kept)
    other = held.reserve({"a": 1}, for_s=10e-6)
    held.release(other)
    third = held.reserve({"a": 1}, for_s=10e-6)
    held.wait(11e-6)
    assert held.status().slots["a"] == (1, 1)
    with pytest.raises(InputError, match="it ended"):
        held.prepare(Kind.BELL, ["a", "c"], reservation=third)
    with pytest.raises(MemoryFull, match="expected 3 slots"):
        held.reserve({"a": 3}, 1e-6)
    with pytest.raises(InputError, match="at least one slot, got 0"):
        held.reserve({"a": 0}, 1e-6)


def test_a_reservation_evicts_what_is_weaker() -> None:
    held = manager(slots=1)
    low = held.prepare(Kind.BELL, ["a", "b"], 0.9, Priority.BACKGROUND)
    held.reserve({"a": 1}, 1e-6, Priority.URGENT)
    with pytest.raises(StateUnusable):
        held.state(low.state_id)
    assert held.status().slots == {"a": (0, 0), "b": (0, 1), "c": (0, 1), "d": (0, 1)}


def test_the_slot_that_keeps_longest_is_given_first() -> None:
    nodes = {"a": (Coherence(50e-6, 20e-6), MEMORY), "b": (MEMORY,)}
    held = manager(nodes=nodes)
    assert held.prepare(Kind.BELL, ["a", "b"]).places[0].slot == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((Kind.BELL, ["a", "x"]), "node: expected one of a, b, c, d, got 'x'"),
        ((Kind.BELL, ["a"]), "bell state: expected 2 to 2 qubits, got 1"),
        ((Kind.GHZ, ["a", "b"]), "ghz state: expected 3 to 64 qubits, got 2"),
        ((Kind.BELL, ["a", "b"], 0.2), r"fidelity of a Werner pair: expected 0\.25 to 1, got 0\.2"),
        ((Kind.GHZ, ["a", "b", "c"], NAN), r"expected 0\.125 to 1, got nan"),
        ((Kind.W, ["a", "b", "c"], 1.2), r"expected 0\.125 to 1, got 1\.2"),
        ((Kind.BELL, ["a", "b"], 0.4), r"a fidelity of at least 0\.5, got 0\.4"),
        ((Kind.BELL, ["a", "b"], 0.9, Priority.NORMAL, NAN), "least fidelity: expected 0 to 1"),
    ],
)
def test_states_that_make_no_sense_are_refused(arguments: tuple[object, ...], message: str) -> None:
    held = manager()
    with pytest.raises(InputError, match=message):
        held.prepare(*arguments)  # type: ignore[arg-type]
    assert held.status().states == 0
    for wrong in (-1.0, NAN):
        with pytest.raises(InputError, match="wait: expected 0 s or more"):
            held.wait(wrong)
    with pytest.raises(InputError, match="a slot at each of at least one node, got none"):
        manager(nodes={"a": ()})
    with pytest.raises(InputError, match="expected simulated time"):
        manager(clock=lambda: 0.0).wait(1.0)


# keys


def test_keys_are_admitted_with_fidelity_age_and_provenance(corrected: CorrectedKeys) -> None:
    now = corrected.created_at + 5.0
    held = manager(wall=lambda: now)
    key = held.initialize_state(replace(corrected))
    assert (key.key_bits, key.fidelity) == (corrected.key_bits, corrected.fidelity)
    assert key.age_s(now) == pytest.approx(5.0)
    origin = key.provenance
    assert (origin.source, origin.simulated) == ("bb84-simulation", True)
    assert (origin.qber, origin.leak_bits) == (corrected.qber, corrected.leak_bits)
    assert origin.block_id == key.state_id
    assert held.keys() == [key]
    assert held.status().key_bits == corrected.key_bits
    assert held.take_key(key.state_id) == corrected.key
    with pytest.raises(StateUnusable, match="it was taken"):
        held.take_key(key.state_id)
    assert held.keys() == []


def test_a_key_is_admitted_once_by_whomever(corrected: CorrectedKeys) -> None:
    keys = replace(corrected)
    manager().initialize_state(keys)
    with pytest.raises(StateUnusable, match="admitted before"):
        manager().initialize_state(keys)
    with pytest.raises(InputError, match="expected CorrectedKeys, got bytes"):
        manager().initialize_state(keys.key)  # type: ignore[arg-type]


def test_one_of_many_threads_admits_a_key(corrected: CorrectedKeys) -> None:
    keys, held = replace(corrected), manager()
    start = threading.Barrier(8)

    def admit() -> bool:
        start.wait(30)
        try:
            held.initialize_state(keys)
        except StateUnusable:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(f.result() for f in [threads.submit(admit) for _ in range(8)]) == 1


def test_keys_below_the_limits_stay_out(corrected: CorrectedKeys) -> None:
    late = manager(wall=lambda: corrected.created_at + 3601.0, limits=KeyLimits(most_age_s=3600.0))
    with pytest.raises(StateUnusable, match="at most 3600 s, got 3601 s"):
        late.initialize_state(replace(corrected))
    strict = manager(limits=KeyLimits(least_fidelity=0.9999))
    with pytest.raises(StateUnusable, match=r"fidelity of at least 0\.9999, got 0\.98"):
        strict.initialize_state(replace(corrected))
    small = manager(limits=KeyLimits(capacity_bits=corrected.key_bits + 8))
    first = small.initialize_state(replace(corrected), Priority.BACKGROUND)
    with pytest.raises(StateUnusable, match="expected at most 8 bits, which are free"):
        small.initialize_state(replace(corrected), Priority.BACKGROUND)
    second = small.initialize_state(replace(corrected), Priority.URGENT)
    (left,) = small.keys()
    assert left.state_id == second.state_id
    with pytest.raises(StateUnusable):
        small.take_key(first.state_id)


def test_keys_that_grow_old_go(corrected: CorrectedKeys) -> None:
    times = [corrected.created_at]
    held = manager(wall=lambda: times[0])
    key = held.initialize_state(replace(corrected))
    times[0] += 25 * 3600.0
    held.sweep()
    with pytest.raises(StateUnusable, match="too old"):
        held.take_key(key.state_id)


def test_where_there_is_a_pool_it_alone_has_the_key(corrected: CorrectedKeys) -> None:
    class Full:
        taken: list[str] = []  # noqa: RUF012
        left = 1

        def admit(self, state_id: str, keys: CorrectedKeys) -> None:
            if self.left == 0:
                raise PoolFull(keys.key_bits, 0)
            self.left -= 1
            self.taken.append(state_id)

    pool = Full()
    held, keys = manager(pool=pool), replace(corrected)
    key = held.initialize_state(replace(corrected))
    assert pool.taken == [key.state_id]
    with pytest.raises(StateUnusable, match="the pool has it"):
        held.take_key(key.state_id)
    with pytest.raises(PoolFull):
        held.initialize_state(keys)
    pool.left = 1  # what was not kept may be tried again
    assert held.initialize_state(keys).key_bits == keys.key_bits


@pytest.mark.parametrize(
    "wrong",
    [{"least_fidelity": NAN}, {"least_fidelity": 1.5}, {"most_age_s": NAN}, {"capacity_bits": 0}],
)
def test_limits_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=f"{next(iter(wrong))}: expected"):
        KeyLimits(**wrong)  # type: ignore[arg-type]


async def test_the_pattern_works_as_it_is_written(compiled: None) -> None:
    channel = bridge.QuantumSecureChannel()
    assert isinstance(channel.qkd_system, bridge.QuantumKeyDistribution)
    assert isinstance(channel.error_correction, bridge.QuantumErrorCorrection)
    assert isinstance(channel.state_manager, bridge.QuantumStateManager)
    async with asyncio.timeout(120):
        await channel.establish_secure_channel()
    (key,) = channel.state_manager.keys()
    assert key.key_bits > 40_000
    assert key.provenance.simulated
    assert len(channel.state_manager.take_key(key.state_id)) == key.key_bits // 8
