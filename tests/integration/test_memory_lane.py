"""The whole pattern: both lanes into one pool, each key with where it came from."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge import (
    QuantumKeyDistribution,
    QuantumSecureChannel,
    QuantumStateManager,
)
from bridge.domain.errors import (
    BlockRejected,
    CoherenceExceeded,
    DecodingFailed,
    PoolExhausted,
    PoolFull,
)
from bridge.keyservice.admission import PoolAdmission
from bridge.keyservice.blockrows import Purpose
from bridge.keyservice.database import Database, open_database
from bridge.keyservice.intake import PoolIntake
from bridge.keyservice.pool import KeyPool, PoolLimits
from bridge.quantum.codes.noise import CircuitNoise
from bridge.quantum.ends.end import LinkParameters
from bridge.quantum.memory.correction import QuantumErrorCorrection
from bridge.quantum.memory.frame import NOTHING, Decoder
from bridge.quantum.memory.holding import PatchMemory
from bridge.quantum.memory.lane import MemoryLane

SMALL = LinkParameters(block_bits=1 << 14, sample_size=1024)
LIMITS = PoolLimits(high_bits=1 << 22, low_bits=1 << 20, reserve_bits=0)
PATCH = PatchMemory(5, 50, CircuitNoise.uniform(1e-3))


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path / "keys.sqlite", tmp_path / "secrets" / "keyservice.key")
    yield database
    database.close()


def channel(pool: KeyPool, lane: MemoryLane | None) -> QuantumSecureChannel:
    made = QuantumSecureChannel()
    made.qkd_system = QuantumKeyDistribution(parameters=SMALL, memory=lane, timeout_s=600.0)
    made.error_correction = QuantumErrorCorrection(timeout_s=600.0)
    made.state_manager = QuantumStateManager(pool=PoolAdmission(pool.deposit))
    return made


def establish(made: QuantumSecureChannel) -> None:
    asyncio.run(made.establish_secure_channel())


def test_keys_of_both_lanes_are_in_one_pool_with_their_provenance(opened: Database) -> None:
    pool = KeyPool(opened, limits=LIMITS)
    bulk, memory = channel(pool, None), channel(pool, MemoryLane.encoded(PATCH))
    establish(bulk)
    establish(memory)
    (first,), (second,) = bulk.state_manager.keys(), memory.state_manager.keys()
    assert pool.bits == first.key_bits + second.key_bits
    assert (first.held_s, second.held_s) == (0.0, pytest.approx(50e-6))

    taken = pool.take(first.key_bits, "one")
    assert taken.provenance == first.provenance
    assert taken.provenance.source == "bb84-simulation"
    taken = pool.take(second.key_bits, "two")
    assert taken.provenance == second.provenance
    assert taken.provenance.source == "memory-simulation"
    assert taken.provenance.simulated
    assert 0.0 < taken.provenance.qber < 0.03
    assert len(taken.key) == second.key_bits // 8
    with pytest.raises(PoolExhausted):
        pool.take(8, "three", Purpose.DELIVERY)


def test_the_fast_way_into_the_pool_takes_them_too(opened: Database) -> None:
    intake = PoolIntake(opened, LIMITS)
    made = channel(KeyPool(opened, limits=LIMITS), MemoryLane.bare(1e-6))
    made.state_manager = QuantumStateManager(pool=PoolAdmission(intake.put))
    establish(made)
    (key,) = made.state_manager.keys()
    pool = KeyPool(opened, limits=LIMITS)
    assert pool.take(256, "one").provenance == key.provenance
    intake.close()


def _without_an_answer(model: object) -> object:
    raise RuntimeError("no graph")


def test_what_fails_leaves_the_pool_empty_and_the_channel_may_be_tried_again(
    opened: Database,
) -> None:
    pool = KeyPool(opened, limits=LIMITS)
    encoded = MemoryLane.encoded(PATCH)

    worn = channel(pool, MemoryLane.bare(50e-6))
    with pytest.raises(CoherenceExceeded):
        establish(worn)

    blind = channel(pool, encoded)
    blind.error_correction = QuantumErrorCorrection(decoders=[NOTHING])
    with pytest.raises(BlockRejected, match="no key left"):
        establish(blind)

    broken = channel(pool, encoded)
    broken.error_correction = QuantumErrorCorrection(
        decoders=[Decoder("broken", _without_an_answer)]  # type: ignore[arg-type]
    )
    with pytest.raises(DecodingFailed, match="broken: no graph") as caught:
        establish(broken)
    assert caught.value.retryable
    assert pool.bits == 0

    broken.error_correction = QuantumErrorCorrection()
    establish(broken)
    assert pool.bits == broken.state_manager.keys()[0].key_bits

    full = channel(
        KeyPool(opened, limits=PoolLimits(high_bits=8, low_bits=8, capacity_bits=8)), encoded
    )
    with pytest.raises(PoolFull):
        establish(full)
    assert full.state_manager.keys() == []


def test_importing_the_package_brings_no_code_library() -> None:
    program = (
        "import sys, bridge; from bridge.apps.cli.root import application; application('doctor');"
        "print([m for m in ('stim', 'pymatching', 'networkx', 'qiskit', 'numba')"
        " if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "[]"
