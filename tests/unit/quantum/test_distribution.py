"""`QuantumKeyDistribution`: a good link, a noisy one, an attacked one, and one that is left."""

import asyncio
import socket
import threading
import time

import numpy as np
import pytest

import bridge
from bridge.domain.errors import (
    BlockTooNoisy,
    ChannelAttacked,
    InputError,
    LinkError,
    PeerLost,
    SourceUnhealthy,
)
from bridge.quantum.distribution.generation import QuantumKeyDistribution
from bridge.quantum.distribution.pulses import TouchedLight, light_of
from bridge.quantum.ends.channel import Kind
from bridge.quantum.ends.end import LinkParameters
from bridge.quantum.ends.medium import Medium
from bridge.quantum.entropy.source import CheckedSource
from bridge.quantum.kernels.plain import unpack
from bridge.quantum.link.adversary import InterceptResend
from bridge.quantum.link.attacks import BeamSplitting
from bridge.quantum.link.channel import Channel
from bridge.quantum.link.detector import Detector
from bridge.quantum.link.randomness import Randomness
from bridge.quantum.link.source import Pulses
from bridge.quantum.link.transmission import Link
from tests.unit.quantum.test_ends import Meddler

pytestmark = pytest.mark.usefixtures("compiled")

SMALL = LinkParameters(block_bits=1 << 14, sample_size=1024)


class Leaves:
    """Intercepts all of the first rounds of pulses, and is gone then."""

    def __init__(self, rounds: int) -> None:
        self._left = rounds
        self._self = InterceptResend(1.0)

    def touch(self, pulses: Pulses, rng: Randomness) -> Pulses:
        self._left -= 1
        return self._self.touch(pulses, rng) if self._left >= 0 else pulses


def end_threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("link-end")]


async def generate(**options: object) -> bridge.quantum.distribution.generation.SiftedKeys:  # type: ignore[name-defined]
    async with asyncio.timeout(60):
        return await QuantumKeyDistribution(
            **({"parameters": SMALL, "pause_s": 0.001} | options)  # type: ignore[arg-type]
        ).generate_keys()


async def test_it_is_public_and_needs_no_arguments() -> None:
    async with asyncio.timeout(120):
        keys = await bridge.QuantumKeyDistribution().generate_keys()
    assert len(keys) == 1 << 16
    assert keys.simulated
    assert keys.rejected == ()
    assert keys.authentication_bits == 512
    with pytest.raises(AttributeError, match="no attribute 'QuantumNothing'"):
        bridge.QuantumNothing  # noqa: B018


async def test_both_ends_have_their_bits_with_the_links_errors_in_them() -> None:
    channel = Channel(misalignment=0.02)
    keys = await generate(channel=channel)
    sent, seen = (unpack(end.bits) for end in (keys.sender, keys.receiver))
    assert len(sent) == len(seen) == SMALL.block_bits
    for bits in (sent, seen):
        assert abs(bits.mean() - 0.5) < 5 * 0.5 / len(bits) ** 0.5
    errors = np.count_nonzero(sent != seen)
    expected = 0.02 * len(sent)
    assert abs(errors - expected) < 5 * expected**0.5
    assert 0.0 < keys.qber < keys.limit < 0.11
    assert keys.sender.sample_errors == keys.receiver.sample_errors
    assert keys.sender.sifted.clicks == keys.receiver.sifted.clicks
    assert not end_threads()


async def test_no_bit_shows_in_repr() -> None:
    keys = await generate()
    for text in (repr(keys), repr(keys.sender), repr(keys.receiver)):
        assert "array" not in text
        assert str(int(keys.sender.bits[0])) not in text
    assert "redacted" in repr(keys)


async def test_two_calls_give_different_bits() -> None:
    system = QuantumKeyDistribution(parameters=SMALL)
    first, second = await system.generate_keys(), await system.generate_keys()
    assert (first.sender.bits != second.sender.bits).any()


async def test_noisy_blocks_are_followed_by_others_and_told() -> None:
    # A round has two deviations more pulses than a block needs, so most blocks are of one round.
    keys = await generate(adversary=Leaves(2), attempts=4)
    assert 1 <= len(keys.rejected) <= 2
    assert all(qber >= keys.limit for qber in keys.rejected)
    assert keys.authentication_bits == 512 * (1 + len(keys.rejected))
    assert keys.qber < keys.limit


async def test_the_pauses_between_noisy_blocks_grow_and_are_random() -> None:
    pauses = []

    async def note(seconds: float) -> None:
        pauses.append(seconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bridge.quantum.distribution.generation._pause", note)
        for _ in range(4):
            with pytest.raises(ChannelAttacked):
                await generate(adversary=InterceptResend(1.0), attempts=4, pause_s=1.0)
    assert len(pauses) == 12
    assert len(set(pauses)) == 12
    for place, most in enumerate((1.0, 2.0, 4.0)):
        assert all(0.0 <= pause <= most for pause in pauses[place::3])


async def test_who_intercepts_and_resends_is_told_with_what_was_seen() -> None:
    with pytest.raises(ChannelAttacked) as caught:
        await generate(adversary=InterceptResend(1.0), attempts=3)
    error = caught.value
    assert (error.blocks, len(error.qbers), error.forged) == (3, 3, None)
    assert all(0.2 < qber < 0.31 for qber in error.qbers)
    assert error.limit is not None
    assert 0.02 < error.limit < 0.11
    assert not error.retryable
    first = f"{error.qbers[0]:.2%}"
    assert f"QBER {first}, " in str(error)
    assert f"in 3 of 3 blocks, expected below {error.limit:.2%}" in str(error)
    assert isinstance(error.__cause__, BlockTooNoisy)
    assert not end_threads()


async def test_who_takes_little_is_in_the_qber_and_under_the_limit() -> None:
    # A percent beside the link's own: 2.1 +- 0.16 % in a sample of this size.
    large = LinkParameters(block_bits=1 << 14, sample_size=8192)
    keys = await generate(adversary=InterceptResend(0.04), parameters=large)
    assert 0.013 < keys.qber < keys.limit
    with pytest.raises(ChannelAttacked):
        await generate(adversary=InterceptResend(0.4), attempts=1)


@pytest.mark.parametrize(
    "kind",
    [Kind.DETECTIONS, Kind.MATCHES, Kind.SAMPLE, Kind.SAMPLED, Kind.SEAL, Kind.CONFIRMATION],
)
async def test_the_man_in_the_middle_is_told_at_once(kind: Kind) -> None:
    meddlers = []

    def wires() -> tuple[socket.socket, socket.socket]:
        meddlers.append(Meddler(kind, 2, 3))
        return meddlers[-1].outer

    with pytest.raises(ChannelAttacked, match="a forged message in block 1") as caught:
        await generate(wires=wires, timeout_s=20.0)
    assert meddlers[0].done.is_set()
    assert len(meddlers) == 1
    assert caught.value.forged is not None
    assert caught.value.limit is None
    assert not end_threads()


async def test_without_a_change_the_same_man_in_the_middle_is_not_noticed() -> None:
    def wires() -> tuple[socket.socket, socket.socket]:
        meddler = Meddler(Kind.SEAL, 0, 0)
        meddler.done.set()
        return meddler.outer

    assert len(await generate(wires=wires)) == SMALL.block_bits


async def test_a_classical_channel_that_carries_nothing_ends_in_time_and_is_tried_again() -> None:
    made = []

    def wires() -> tuple[socket.socket, socket.socket]:
        first, second = socket.socketpair(), socket.socketpair()
        made.extend((first[1], second[1]))  # what is sent to these, nobody reads
        return first[0], second[0]

    start = time.monotonic()
    with pytest.raises(PeerLost):
        await generate(wires=wires, timeout_s=0.3, attempts=2)
    assert len(made) == 4
    assert time.monotonic() - start < 20
    assert not end_threads()
    for one in made:
        one.close()


async def test_a_link_of_no_light_ends_in_time() -> None:
    dark = Channel(length_km=400.0)
    with pytest.raises(LinkError):
        await generate(channel=dark, timeout_s=0.5, attempts=1)
    assert not end_threads()


async def test_cancelled_it_leaves_no_thread_and_the_loop_was_free() -> None:
    held = threading.Event()

    class Holds:
        def touch(self, pulses: Pulses, rng: Randomness) -> Pulses:
            held.set()
            time.sleep(0.2)
            return pulses

    system = QuantumKeyDistribution(parameters=SMALL, adversary=Holds())
    task = asyncio.create_task(system.generate_keys())
    async with asyncio.timeout(30):
        await asyncio.to_thread(held.wait, 30)
    assert end_threads()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not end_threads()


async def test_a_source_that_is_stuck_gives_no_block() -> None:
    def stuck() -> Randomness:
        return Randomness(CheckedSource(lambda count: b"\x00" * count), reproducible=False)

    with pytest.raises(SourceUnhealthy, match="repetition count"):
        await generate(randomness=stuck)
    with pytest.raises(InputError, match="got a seeded one"):
        await generate(randomness=lambda: Randomness.seeded(1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attempts": 0}, "attempts: expected at least 1 block, got 0"),
        ({"pause_s": -1.0}, "pause: expected 0 to 10 s, got -1.0"),
        ({"timeout_s": 0.0}, "timeout: expected above 0 s, got 0.0"),
        ({"timeout_s": float("nan")}, "timeout: expected above 0 s, got nan"),
        ({"detector": Detector(dead_time_gates=5)}, "without dead time"),
        ({"adversary": BeamSplitting(0.1)}, "on single photons, as InterceptResend, got BeamSpl"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        QuantumKeyDistribution(**options)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        QuantumKeyDistribution(SMALL)  # type: ignore[misc]


def test_light_pulse_by_pulse_is_that_of_the_packed_medium() -> None:
    link = Link(Channel(length_km=5.0, misalignment=0.03), Detector(dark_count_probability=0.01))
    words, seed = 4000, bytes(32)
    bases = Randomness.system().words(words)
    counts = []
    for medium in (
        TouchedLight(link, seed, Randomness.system()),
        Medium(light_of(link), seed),
    ):
        sent = Medium(light_of(link), seed).emit(words)
        seen = medium.detect(bases)
        mask = unpack(seen.seen)
        assert (unpack(seen.bases, seen.count) == unpack(bases)[mask]).all()
        same = (unpack(sent.bases) == unpack(bases))[mask]
        wrong = unpack(seen.bits, seen.count) != unpack(sent.bits)[mask]
        counts.append((seen.count, int(wrong[same].sum()), int(wrong[~same].sum())))
    for one, other in zip(*counts, strict=True):
        assert abs(one - other) < 5 * (one + other) ** 0.5
