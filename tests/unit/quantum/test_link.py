import numpy as np
import pytest

from bridge.domain.errors import BlockRejected, InputError
from bridge.quantum.distillation.sift import SiftedBlock, sift
from bridge.quantum.link.adversary import InterceptResend, Nobody
from bridge.quantum.link.channel import Channel
from bridge.quantum.link.detector import Detector
from bridge.quantum.link.randomness import Randomness
from bridge.quantum.link.source import Pulses, emit
from bridge.quantum.link.transmission import Link, transmit

PULSES = 1 << 17


def qber(block: SiftedBlock) -> float:
    return float(np.mean(block.sender != block.receiver))


def test_sifting_keeps_half_of_the_clicks() -> None:
    block = sift(transmit(Link(), PULSES, Randomness.seeded(1)))
    assert len(block) / block.clicked == pytest.approx(0.5, abs=0.01)


def test_clicks_follow_loss_and_efficiency() -> None:
    link = Link(
        channel=Channel(length_km=10, loss_db_per_km=0.2), detector=Detector(efficiency=0.8)
    )
    transmission = transmit(link, PULSES, Randomness.seeded(2))
    assert transmission.seen.clicked.mean() == pytest.approx(0.8 * 10**-0.2, abs=0.01)


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.05])
def test_measured_error_rate_is_the_noise_that_was_set(noise: float) -> None:
    link = Link(channel=Channel(misalignment=noise), detector=Detector(dark_count_probability=0.0))
    block = sift(transmit(link, PULSES, Randomness.seeded(3)))
    deviation = (noise * (1 - noise) / len(block)) ** 0.5
    assert abs(qber(block) - noise) <= 5 * deviation


def test_a_depolarised_photon_is_wrong_half_of_the_time() -> None:
    channel = Channel(misalignment=0.01, depolarising=0.2)
    link = Link(channel=channel, detector=Detector(dark_count_probability=0.0))
    block = sift(transmit(link, PULSES, Randomness.seeded(12)))
    error = channel.flip_probability
    assert error == pytest.approx(0.1 * 0.99 + 0.9 * 0.01)
    assert abs(qber(block) - error) <= 5 * (error * (1 - error) / len(block)) ** 0.5


def test_wrong_basis_reads_random_bits() -> None:
    transmission = transmit(Link(), PULSES, Randomness.seeded(4))
    wrong = transmission.seen.clicked & (transmission.sent.bases != transmission.seen.bases)
    differ = transmission.sent.bits[wrong] != transmission.seen.bits[wrong]
    assert differ.mean() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("fraction", [0.1, 0.5, 1.0])
def test_an_eavesdropper_adds_a_quarter_of_what_she_intercepts(fraction: float) -> None:
    noise = 0.01
    link = Link(channel=Channel(misalignment=noise), adversary=InterceptResend(fraction))
    block = sift(transmit(link, PULSES, Randomness.seeded(5)))
    error = fraction / 4
    assert qber(block) == pytest.approx(error + noise - 2 * error * noise, abs=0.01)


def test_nobody_and_an_idle_eavesdropper_change_nothing() -> None:
    rng = Randomness.seeded(6)
    pulses = emit(1000, rng)
    for adversary in (Nobody(), InterceptResend(0.0)):
        after = adversary.touch(pulses, rng)
        assert np.array_equal(after.bits, pulses.bits)
        assert np.array_equal(after.bases, pulses.bases)


def test_dark_counts_alone_read_random_bits_and_double_clicks_are_kept() -> None:
    link = Link(channel=Channel(length_km=1000), detector=Detector(dark_count_probability=0.5))
    transmission = transmit(link, PULSES, Randomness.seeded(7))
    seen = transmission.seen
    assert seen.clicked.mean() == pytest.approx(0.75, abs=0.01)
    assert seen.double_clicks / PULSES == pytest.approx(0.25, abs=0.01)
    assert qber(sift(transmission)) == pytest.approx(0.5, abs=0.02)


def test_a_dead_link_is_a_rejected_block() -> None:
    link = Link(channel=Channel(length_km=5000), detector=Detector(dark_count_probability=0.0))
    with pytest.raises(BlockRejected, match="0 of 4096 pulses clicked"):
        sift(transmit(link, 4096, Randomness.seeded(8)))


@pytest.mark.parametrize(
    "build",
    [
        lambda: Channel(misalignment=0.6),
        lambda: Channel(length_km=-1),
        lambda: Detector(efficiency=0.0),
        lambda: Detector(dark_count_probability=1.0),
        lambda: InterceptResend(1.1),
        lambda: emit(0, Randomness.seeded(9)),
        lambda: Pulses(np.zeros(2, np.uint8), np.zeros(3, np.uint8)),
    ],
)
def test_what_no_link_can_have_is_refused(build) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match="expected"):
        build()


def test_secrets_do_not_show_in_repr() -> None:
    transmission = transmit(Link(), 64, Randomness.seeded(10))
    for text in (repr(transmission), repr(sift(transmission))):
        assert "array" not in text
        assert "redacted" in text


def test_system_randomness_differs_and_seeded_repeats() -> None:
    assert Randomness.system().secret_bytes(32) != Randomness.system().secret_bytes(32)
    assert Randomness.seeded(1).secret_bytes(32) == Randomness.seeded(1).secret_bytes(32)
    assert Randomness.seeded(1).secret_bytes(32) != Randomness.seeded(2).secret_bytes(32)


def test_below_is_uniform_and_a_permutation_is_one() -> None:
    rng = Randomness.seeded(11)
    counts = np.bincount([rng.below(5) for _ in range(5000)], minlength=5)
    assert counts.shape == (5,)
    assert counts.min() > 850
    assert sorted(rng.permutation(1000)) == list(range(1000))
    with pytest.raises(InputError, match="bound"):
        rng.below(0)
