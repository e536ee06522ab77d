import doctest
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.domain.errors import BlockRejected, InputError
from bridge.quantum.distillation import pipeline
from bridge.quantum.distillation.amplify import amplify, toeplitz_hash
from bridge.quantum.distillation.bounds import binary_entropy
from bridge.quantum.distillation.correct import CorrectedBlock, block_sizes, correct
from bridge.quantum.distillation.estimate import EstimatedBlock, estimate
from bridge.quantum.distillation.sift import SiftedBlock
from bridge.quantum.distillation.verify import (
    PRIME,
    TAG_BITS,
    VerifiedBlock,
    collision_probability,
    polynomial_hash,
    verify,
)
from bridge.quantum.link.randomness import Randomness


def estimated_block(length: int, error_rate: float, seed: int) -> EstimatedBlock:
    """Random bits at both ends that differ in exactly round(length * error_rate) places."""
    generator = np.random.default_rng(seed)
    sender = generator.integers(0, 2, length, dtype=np.uint8)
    receiver = sender.copy()
    errors = round(length * error_rate)
    receiver[generator.choice(length, errors, replace=False)] ^= 1
    return EstimatedBlock(
        sender=sender,
        receiver=receiver,
        sample_size=length,
        sample_errors=errors,
        phase_error_upper=0.02,
        tail=1e-22,
    )


def verified_block(length: int, seed: int = 0) -> VerifiedBlock:
    rng = Randomness.seeded(seed)
    return verify(correct(estimated_block(length, 0.01, seed), rng), rng)


# estimate


def test_the_sample_is_disclosed_and_discarded() -> None:
    sifted = SiftedBlock(
        sender=np.arange(10_000, dtype=np.uint64).astype(np.uint8) & 1,
        receiver=np.arange(10_000, dtype=np.uint64).astype(np.uint8) & 1,
        clicked=20_000,
    )
    block = estimate(sifted, 0.2, 1e-10, Randomness.seeded(1))
    assert (len(block), block.sample_size, block.sample_errors) == (8000, 2000, 0)
    assert block.epsilon == pytest.approx(1e-10)
    assert 0 < block.phase_error_upper < 0.05


def test_the_bound_is_above_the_true_error_rate_of_the_rest() -> None:
    generator = np.random.default_rng(2)
    for seed in range(20):
        sender = generator.integers(0, 2, 5000, dtype=np.uint8)
        receiver = sender ^ (generator.random(5000) < 0.02).astype(np.uint8)
        block = estimate(SiftedBlock(sender, receiver, 10_000), 0.2, 1e-6, Randomness.seeded(seed))
        assert np.mean(block.sender != block.receiver) < block.phase_error_upper


def test_a_block_too_short_to_split_is_rejected() -> None:
    one = np.ones(1, dtype=np.uint8)
    with pytest.raises(BlockRejected, match="cannot be split"):
        estimate(SiftedBlock(one, one, 2), 0.2, 1e-10, Randomness.seeded(3))


# correct


# Cascade misses an error once in some ten thousand runs, which is what verify is for: fixed cases.
@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    length=st.integers(500, 6000),
    error_rate=st.floats(0.005, 0.08),
    seed=st.integers(0, 2**32),
)
def test_cascade_corrects_and_leaks_no_less_than_shannon_allows(
    length: int, error_rate: float, seed: int
) -> None:
    block = estimated_block(length, error_rate, seed)
    corrected = correct(block, Randomness.seeded(seed))
    assert np.array_equal(corrected.receiver, block.sender)
    assert corrected.corrections >= block.sample_errors
    # log2 C(n, e) bits say where e errors are; both ends' parities are counted, so twice that.
    positions_bits = math.log2(math.comb(length, block.sample_errors))
    assert corrected.leak_bits >= 2 * positions_bits
    assert corrected.leak_bits >= length * binary_entropy(block.qber)
    assert corrected.leak_bits % 2 == 0


def test_the_leak_is_every_parity_of_a_run_counted_by_hand() -> None:
    # Eight bits, one error, top-level blocks of 4: two parities of whole blocks in the first pass,
    # two halvings, and in each of 13 further passes two parities of whole blocks. Two bits each.
    sender = np.zeros(8, dtype=np.uint8)
    receiver = sender.copy()
    receiver[5] = 1
    block = EstimatedBlock(sender, receiver, 4, 1, 0.5, 1e-3)
    assert block_sizes(8, block.qber) == [4] * 14
    corrected = correct(block, Randomness.seeded(4))
    assert not corrected.receiver.any()
    assert corrected.corrections == 1
    assert corrected.leak_bits == 2 * (2 + 2 + 13 * 2)


def test_cascade_is_efficient_at_one_percent() -> None:
    block = estimated_block(50_000, 0.01, 5)
    leak_bits = correct(block, Randomness.seeded(5)).leak_bits
    assert 1.0 < leak_bits / (2 * 50_000 * binary_entropy(0.01)) < 1.2


def test_cascade_leaves_both_inputs_as_they_were() -> None:
    block = estimated_block(1000, 0.03, 6)
    before = block.sender.copy(), block.receiver.copy()
    correct(block, Randomness.seeded(6))
    assert np.array_equal(block.sender, before[0])
    assert np.array_equal(block.receiver, before[1])


def test_a_correction_without_a_leak_is_refused() -> None:
    block = estimated_block(100, 0.01, 7)
    with pytest.raises(InputError, match="leak"):
        CorrectedBlock(estimated=block, receiver=block.receiver, leak_bits=0, corrections=0)


# verify


def test_verification_counts_its_tag_and_states_its_failure_probability() -> None:
    rng = Randomness.seeded(8)
    corrected = correct(estimated_block(2400, 0.01, 8), rng)
    verified = verify(corrected, rng)
    assert verified.leak_bits == corrected.leak_bits + TAG_BITS
    assert verified.epsilon_correctness == 20 / PRIME == collision_probability(2400)


@pytest.mark.parametrize("wrong_at", [0, 1, 119, 120, 999])
def test_one_wrong_bit_is_caught(wrong_at: int) -> None:
    block = estimated_block(1000, 0.0, 9)
    receiver = block.sender.copy()
    receiver[wrong_at] ^= 1
    corrected = CorrectedBlock(estimated=block, receiver=receiver, leak_bits=2, corrections=0)
    with pytest.raises(BlockRejected, match="verification failed"):
        verify(corrected, Randomness.system())


def test_the_hash_is_the_polynomial_it_says() -> None:
    bits = np.random.default_rng(10).integers(0, 2, 300, dtype=np.uint8)
    packed = np.packbits(bits).tobytes()
    pieces = [int.from_bytes(packed[i : i + 15], "big") for i in range(0, len(packed), 15)]
    point, constant = 0x1234567890ABCDEF1234567890, 42
    count = len(pieces)
    expected = sum(c * pow(point, count - i, PRIME) for i, c in enumerate(pieces))
    assert polynomial_hash(bits, point, constant) == (expected + constant) % PRIME


# amplify


def naive_toeplitz(bits: list[int], seed: list[int]) -> list[int]:
    """T[i][j] = seed[i - j + n - 1], one bit at a time."""
    count = len(bits)
    return [
        sum(seed[i - j + count - 1] & bits[j] for j in range(count)) % 2
        for i in range(len(seed) - count + 1)
    ]


@settings(deadline=None)
@given(data=st.data(), count=st.integers(1, 40), out=st.integers(1, 40))
def test_the_toeplitz_hash_is_the_matrix_product(data: st.DataObject, count: int, out: int) -> None:
    bit = st.integers(0, 1)
    bits = data.draw(st.lists(bit, min_size=count, max_size=count))
    seed = data.draw(st.lists(bit, min_size=count + out - 1, max_size=count + out - 1))
    got = toeplitz_hash(np.array(bits, dtype=np.uint8), np.array(seed, dtype=np.uint8))
    assert got.tolist() == naive_toeplitz(bits, seed)


def test_the_toeplitz_hash_is_exact_where_sums_are_largest() -> None:
    count, out = 1 << 16, 1 << 15
    ones = np.ones(count, dtype=np.uint8)
    seed = np.ones(count + out - 1, dtype=np.uint8)
    assert not toeplitz_hash(ones, seed).any()
    assert toeplitz_hash(ones[:-1], seed).all()


def test_a_short_seed_is_refused() -> None:
    with pytest.raises(InputError, match="seed"):
        toeplitz_hash(np.ones(8, np.uint8), np.ones(7, np.uint8))


def test_both_ends_get_the_same_key_and_epsilons_add_up() -> None:
    block = verified_block(8000)
    amplified = amplify(block, 1e-10, Randomness.seeded(11))
    assert np.array_equal(amplified.sender_key, amplified.receiver_key)
    assert amplified.epsilon == pytest.approx(2e-11 + 1e-10, rel=1e-6)
    assert len(amplified.sender_key) % 8 == 0


def test_amplification_takes_nothing_without_leak_and_failure_probability() -> None:
    unverified = correct(estimated_block(8000, 0.01, 12), Randomness.seeded(12))
    with pytest.raises(InputError, match="expected a VerifiedBlock"):
        amplify(unverified, 1e-10, Randomness.seeded(12))  # type: ignore[arg-type]
    block = unverified.estimated
    with pytest.raises(TypeError, match="leak_bits"):
        VerifiedBlock(  # type: ignore[call-arg]
            estimated=block, receiver=block.sender, corrections=0, epsilon_correctness=1e-30
        )
    with pytest.raises(InputError, match="leak"):
        VerifiedBlock(block, block.sender, leak_bits=0, corrections=0, epsilon_correctness=1e-30)
    with pytest.raises(InputError, match="failure probability"):
        VerifiedBlock(block, block.sender, leak_bits=999, corrections=0, epsilon_correctness=0.0)


def test_a_block_with_no_secret_bits_left_is_rejected() -> None:
    block = verified_block(300)
    with pytest.raises(BlockRejected, match="no secret bits left at QBER"):
        amplify(block, 1e-10, Randomness.seeded(13))


def test_the_example_in_the_pipeline_runs() -> None:
    result = doctest.testmod(pipeline)
    assert result.attempted > 0
    assert result.failed == 0
