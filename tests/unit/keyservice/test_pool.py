import threading

import pytest

from bridge.domain.errors import InputError, PoolExhausted
from bridge.keyservice.pool import KeyPool
from bridge.quantum.distillation.pipeline import DistilledBlock

Blocks = tuple[DistilledBlock, DistilledBlock]


def test_bits_leave_in_order_and_once(blocks: Blocks) -> None:
    pool = KeyPool()
    pool.deposit(blocks[0])
    taken = b"".join(pool.take(64).key for _ in range(10))
    assert taken == blocks[0].key[:80]
    assert pool.bits == 8 * (len(blocks[0].key) - 80)


def test_a_key_says_where_it_comes_from(blocks: Blocks) -> None:
    pool = KeyPool()
    deposited = pool.deposit(blocks[0])
    provenance = pool.take(256).provenance
    assert provenance == deposited
    assert provenance.simulated
    assert provenance.qber == blocks[0].qber
    assert provenance.leak_bits == blocks[0].leak_bits
    assert provenance.epsilon == blocks[0].epsilon


def test_a_key_over_two_blocks_names_both(blocks: Blocks) -> None:
    pool = KeyPool()
    first, second = pool.deposit(blocks[0]), pool.deposit(blocks[1])
    pool.take(8 * len(blocks[0].key) - 64)
    key = pool.take(128)
    assert key.key == blocks[0].key[-8:] + blocks[1].key[:8]
    assert key.provenance.block_id == f"{first.block_id}+{second.block_id}"
    assert key.provenance.qber == max(first.qber, second.qber)
    assert key.provenance.leak_bits == first.leak_bits + second.leak_bits
    assert key.provenance.epsilon == first.epsilon + second.epsilon


def test_an_empty_pool_gives_nothing_and_loses_nothing(blocks: Blocks) -> None:
    pool = KeyPool()
    with pytest.raises(PoolExhausted, match="256 bits wanted, 0 available"):
        pool.take(256)
    pool.deposit(blocks[0])
    everything = pool.bits
    with pytest.raises(PoolExhausted):
        pool.take(everything + 8)
    assert pool.bits == everything
    assert pool.take(everything).key == blocks[0].key
    with pytest.raises(PoolExhausted):
        pool.take(8)


@pytest.mark.parametrize("bits", [0, -8, 7, 12])
def test_part_of_a_byte_is_refused(bits: int) -> None:
    with pytest.raises(InputError, match="multiple of 8"):
        KeyPool().take(bits)


def test_threads_never_share_a_bit(blocks: Blocks) -> None:
    pool = KeyPool()
    for block in blocks:
        pool.deposit(block)
    total = pool.bits
    taken: list[bytes] = []

    def drain() -> None:
        while True:
            try:
                taken.append(pool.take(64).key)
            except PoolExhausted:
                return

    threads = [threading.Thread(target=drain) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(taken) == total // 64
    # 64-bit pieces of two random keys are all different, so a piece seen twice was given twice.
    assert len(set(taken)) == len(taken)


def test_key_bits_do_not_show_in_repr(blocks: Blocks) -> None:
    pool = KeyPool()
    pool.deposit(blocks[0])
    key = pool.take(256)
    for text in (repr(pool), repr(key)):
        assert repr(key.key)[2:-1] not in text
        assert key.key.hex() not in text
    assert "key=" not in repr(key)
