import dataclasses

import numpy as np
import pytest

from bridge.domain.errors import BlockRejected, InputError
from bridge.quantum.distillation.bounds import secret_length
from bridge.quantum.distillation.pipeline import BlockParameters, distil_block
from bridge.quantum.link.adversary import Adversary, InterceptResend, Nobody
from bridge.quantum.link.randomness import Randomness
from bridge.quantum.link.transmission import Link


def parameters(adversary: Adversary) -> BlockParameters:
    return BlockParameters(link=Link(adversary=adversary))


def test_the_default_block_yields_thousands_of_bits_that_add_up() -> None:
    block = distil_block(BlockParameters(), Randomness.seeded(1))
    counts = block.counts
    assert counts.key_bits == 8 * len(block.key) > 4096
    assert counts.pulses > counts.clicked > counts.sifted == counts.sample + counts.estimated
    assert block.qber == pytest.approx(0.01, abs=0.005)
    assert block.qber < block.phase_error_upper < block.limit
    assert 0 < block.epsilon <= 1.0001e-10
    assert block.secret_fraction == counts.key_bits / counts.sifted
    whole = secret_length(counts.estimated, block.phase_error_upper, block.leak_bits, 5e-11)
    assert counts.key_bits == whole - whole % 8


def test_a_seed_repeats_a_block_and_the_system_does_not() -> None:
    small = BlockParameters(pulses=1 << 16)
    one, two = (distil_block(small, Randomness.seeded(7)) for _ in range(2))
    assert one == two
    one, two = (distil_block(small, Randomness.system()) for _ in range(2))
    assert one.key != two.key


def test_key_bits_are_as_many_ones_as_zeros() -> None:
    block = distil_block(BlockParameters(), Randomness.seeded(2))
    bits = np.unpackbits(np.frombuffer(block.key, dtype=np.uint8)).astype(int)
    # FIPS 140-2's monobit test in standard deviations; five are passed once in 1.7 million.
    assert abs(2 * bits.sum() - len(bits)) < 5 * len(bits) ** 0.5
    assert abs(np.mean(bits[1:] == bits[:-1]) - 0.5) < 2.5 / len(bits) ** 0.5


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_eavesdropper_on_all_pulses_is_seen_and_every_block_rejected(seed: int) -> None:
    with pytest.raises(BlockRejected, match=r"QBER 2[45]\.\d+% .* limit [45]\.\d+%"):
        distil_block(parameters(InterceptResend(1.0)), Randomness.seeded(seed))


def test_a_partial_eavesdropper_raises_the_error_rate_and_shortens_the_key() -> None:
    quiet = distil_block(parameters(Nobody()), Randomness.seeded(3))
    tapped = distil_block(parameters(InterceptResend(0.1)), Randomness.seeded(3))
    assert tapped.qber > quiet.qber + 0.015
    assert tapped.leak_bits > quiet.leak_bits
    assert 0 < tapped.counts.key_bits < 0.6 * quiet.counts.key_bits


def test_a_block_that_is_too_small_for_its_epsilon_is_rejected() -> None:
    with pytest.raises(BlockRejected, match="no secret bits"):
        distil_block(BlockParameters(pulses=2048), Randomness.seeded(4))


def test_the_key_does_not_show_in_repr() -> None:
    block = distil_block(BlockParameters(pulses=1 << 16), Randomness.seeded(5))
    assert repr(block.key) not in repr(block)
    assert "key=" not in repr(block)


def test_a_block_whose_count_and_key_differ_is_refused() -> None:
    block = distil_block(BlockParameters(pulses=1 << 16), Randomness.seeded(6))
    with pytest.raises(InputError, match="key bits"):
        dataclasses.replace(block, key=block.key[:-1])


@pytest.mark.parametrize(
    "change",
    [{"pulses": 0}, {"sample_fraction": 1.0}, {"epsilon_estimation": 0.0}],
)
def test_parameters_that_mean_nothing_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(InputError, match="expected"):
        BlockParameters(**change)  # type: ignore[arg-type]
