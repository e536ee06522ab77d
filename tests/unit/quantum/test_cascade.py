"""Cascade in lanes against Cascade frame by frame, and its leak against theory."""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from bridge.domain.errors import BlockRejected, InputError, MessageForged, PeerLost
from bridge.quantum.distillation.bounds import binary_entropy
from bridge.quantum.ends.cascade import (
    FRAMES,
    Answering,
    Schedule,
    Searching,
    permutations,
    schedule,
    selection,
)
from bridge.quantum.ends.channel import RING_WORDS, ClassicalChannel, Kind
from bridge.quantum.ends.plain_cascade import _Frame, reconcile
from bridge.quantum.ends.turns import together
from bridge.quantum.kernels import plain
from bridge.quantum.kernels.columns import fold, fold_of, masked_parity, masked_tops, turn
from bridge.quantum.kernels.trees import empty_trees
from bridge.quantum.kernels.wire import DATA, HEAD
from tests.unit.quantum.link_pair import wire
from tests.unit.quantum.test_kernels import stream

pytestmark = pytest.mark.usefixtures("compiled")


def noisy(words: np.ndarray, rate: float, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return words ^ plain.pack(generator.random(64 * len(words)) < rate)


def linked(*, rings: bool, ring_words: int = RING_WORDS) -> tuple[ClassicalChannel, ...]:
    """Both ends of a channel, over a socket alone or over rings."""
    both = np.zeros((2, ring_words), dtype=np.uint64)
    return tuple(
        ClassicalChannel(one, 20.0, rings=(both[side], both[1 - side]) if rings else None)
        for side, one in enumerate(wire())
    )


def over_a_socket(
    sender: np.ndarray, receiver: np.ndarray, plan: Schedule, key: bytes, rings: bool = False
) -> tuple[np.ndarray, int, int, int]:
    """The corrected words, the leak at both ends (equal), the bits flipped and the rounds."""
    channels = linked(rings=rings)
    answering, searching = (kind(plan.frame_bits, key) for kind in (Answering, Searching))
    told: list[int] = []
    thread = threading.Thread(target=lambda: told.append(answering.run(sender, plan, channels[0])))
    thread.start()
    corrected = receiver.copy()
    leak, flipped, rounds = searching.run(corrected, plan, channels[1])
    thread.join()
    assert told == [leak]
    assert bytes(channels[0].written()) == bytes(channels[1].written())
    for channel in channels:
        channel.close()
    return corrected, leak, flipped, rounds


@pytest.mark.parametrize(
    ("frame_bits", "rate", "sizes", "seed"),
    [
        (64, 0.0, (8, 16), 1),
        (64, 0.02, (8, 16), 2),
        (16, 0.1, (4,), 2),
        (256, 0.01, (32, 64), 3),
        (256, 0.01, (32, 16, 64), 3),
        (256, 0.05, (16, 64), 4),
        (256, 0.08, (8,), 4),
        (512, 0.003, (64, 128), 5),
        (8192, 0.01, (64, 256), 6),
    ],
)
def test_lanes_and_frames_agree_to_the_bit_and_in_what_they_disclose(
    frame_bits: int, rate: float, sizes: tuple[int, ...], seed: int
) -> None:
    """With one, two and three permuted passes: sweeps are of two at the most."""
    key = seed.to_bytes(32, "big")
    plan = Schedule(frame_bits, sizes)
    sender = stream(seed, frame_bits)
    receiver = noisy(sender, rate, seed)
    order = permutations(frame_bits, len(plan.sizes), key)
    select = selection(frame_bits, key)
    bits, leak, flipped = reconcile(sender, receiver, plan, order, select)
    corrected, lane_leak, lane_flipped, _ = over_a_socket(sender, receiver, plan, key)
    assert plain.unpack(corrected).reshape(-1, FRAMES).T.tolist() == bits.tolist()
    assert (lane_leak, lane_flipped) == (leak, flipped)


@pytest.mark.parametrize("rate", [0.0, 0.001, 0.01, 0.03, 0.1])
def test_all_errors_go_and_are_counted(rate: float) -> None:
    sender = stream(9, 1 << 11)
    receiver = noisy(sender, rate, 9)
    plan = schedule(1 << 11, rate)
    corrected, _, flipped, _ = over_a_socket(sender, receiver, plan, bytes(32))
    assert corrected.tolist() == sender.tolist()
    assert flipped == int(plain.unpack(sender ^ receiver).sum())


def test_with_fewer_errors_than_planned_and_with_more() -> None:
    sender = stream(10, 1 << 10)
    for rate, planned in ((0.001, 0.05), (0.05, 0.001)):
        plan = schedule(1 << 10, planned)
        corrected, *_ = over_a_socket(sender, noisy(sender, rate, 1), plan, bytes(32))
        assert corrected.tolist() == sender.tolist()


def test_the_same_errors_in_two_frames_are_found() -> None:
    """In a permuted pass they fall into the same block, and hide each other there.

    With one block and one halving pass, nothing but the masked passes can find them.
    """
    plan = Schedule(64, (16,), halving=1)
    sender = stream(11, 64)
    for seed in range(40):
        places = np.random.default_rng(seed).choice(16, 2, replace=False)
        receiver = sender.copy()
        receiver[places] ^= np.uint64(1 << 10 | 1 << 51)
        key = seed.to_bytes(32, "big")
        corrected, *_ = over_a_socket(sender, receiver, plan, key)
        assert corrected.tolist() == sender.tolist()


def test_a_schedule_with_more_passes_than_there_is_room_for_is_refused() -> None:
    searching = Searching(64, bytes(32))
    for plan in (Schedule(64, (8, 8, 8, 8)), Schedule(128, (8,)), Schedule(64, (8,), folded=40)):
        with pytest.raises(InputError, match="expected frames of 64 bits"):
            searching.prepare(plan)


def test_one_folded_pass_lets_errors_through_and_many_do_not() -> None:
    """Errors that the first passes miss: with one halving and one folded pass many stay."""
    wrong = {}
    for folded in (1, 24):
        plan = Schedule(64, (8, 16), halving=1, folded=folded)
        wrong[folded] = 0
        for seed in range(24):
            sender = stream(100 + seed, 64)
            receiver = noisy(sender, 0.1, seed)
            key = seed.to_bytes(32, "big")
            corrected, *_ = over_a_socket(sender, receiver, plan, key)
            wrong[folded] += corrected.tolist() != sender.tolist()
    assert wrong[24] < wrong[1]


@pytest.mark.parametrize(("rate", "limit"), [(0.01, 1.05), (0.001, 1.15), (0.03, 1.05)])
def test_the_leak_is_near_shannons_limit_at_a_million_bits(rate: float, limit: float) -> None:
    """The mean over three blocks, each with its own number of errors."""
    leak = shannon = 0.0
    for seed in range(3):
        sender = stream(seed, 1 << 14)
        receiver = noisy(sender, rate, seed)
        plan = schedule(1 << 14, rate)
        corrected, told, flipped, _ = over_a_socket(
            sender, receiver, plan, seed.to_bytes(32, "big")
        )
        assert corrected.tolist() == sender.tolist()
        leak += told
        shannon += (1 << 20) * binary_entropy(flipped / (1 << 20))
    assert 1.0 < leak / shannon <= limit


@pytest.mark.parametrize("rate", [0.003, 0.01, 0.03])
def test_the_first_pass_discloses_what_theory_says(rate: float) -> None:
    """A parity for each block of k bits, and log2 k more for each that is odd.

    A block is odd with probability (1 - (1 - 2p)^k) / 2. To five standard deviations of the
    binomial law: a right Cascade fails in one run of 1.7 million, and the seeds are fixed.
    """
    length, frames = 1 << 15, 4
    plan = schedule(length, rate)
    size = plan.sizes[0]
    order, unused = np.arange(length, dtype=np.int32)[None, :], np.zeros(length, dtype=bool)
    odd = errors = 0
    for seed in range(frames):
        generator = np.random.default_rng(seed)
        sender = generator.random(length) < 0.5
        receiver = sender ^ (generator.random(length) < rate)
        errors += int((sender ^ receiver).sum())
        frame = _Frame(sender, receiver, plan, order, unused)
        frame.open(0)
        frame.run()
        told, left = divmod(frame.leak_bits - length // size, size.bit_length() - 1)
        assert left == 0
        assert frame.corrected == told
        odd += told
    blocks, chance = frames * length // size, (1 - (1 - 2 * rate) ** size) / 2
    assert abs(odd - blocks * chance) < 5 * (blocks * chance * (1 - chance)) ** 0.5
    assert odd < errors


def test_rings_carry_what_a_socket_does() -> None:
    sender = stream(12, 1 << 9)
    receiver = noisy(sender, 0.03, 12)
    plan = schedule(1 << 9, 0.03)
    both = [over_a_socket(sender, receiver, plan, bytes(32), rings) for rings in (False, True)]
    assert both[0][0].tolist() == both[1][0].tolist() == sender.tolist()
    assert both[0][1:] == both[1][1:]


def test_a_message_longer_than_a_ring_goes_in_parts() -> None:
    first, second = linked(rings=True, ring_words=DATA + 16)
    words = stream(5, 1000)
    thread = threading.Thread(target=first.send, args=(Kind.MATCHES, 7, words))
    thread.start()
    count, got = second.receive(Kind.MATCHES, 1000)
    thread.join()
    assert (count, got.tolist()) == (7, words.tolist())
    assert bytes(first.written()) == bytes(second.written())


def test_an_end_of_a_ring_that_is_gone_is_missed_at_once_and_a_slow_one_in_time() -> None:
    first, second = linked(rings=True)
    started = time.monotonic()
    first.close()
    with pytest.raises(PeerLost):
        second.receive(Kind.MATCHES, 10)
    assert time.monotonic() - started < 10.0  # the limit is 20 s
    third, fourth = wire()
    slow = np.zeros((2, DATA + 16), dtype=np.uint64)
    waiting = ClassicalChannel(third, 0.2, rings=(slow[0], slow[1]))
    with pytest.raises(PeerLost):
        waiting.receive(Kind.MATCHES, 10)
    with pytest.raises(PeerLost):
        waiting.send(Kind.MATCHES, 0, stream(1, 100))  # more than the ring, and nobody reads
    assert fourth.fileno() > 0


def test_rings_bring_another_kind_and_too_long_a_message_to_light() -> None:
    first, second = linked(rings=True)
    first.send(Kind.MATCHES, 0, stream(1, 4))
    with pytest.raises(MessageForged, match="expected SAMPLE"):
        second.receive(Kind.SAMPLE, 10)
    first.send(Kind.MATCHES, 0, stream(1, 4))
    with pytest.raises(MessageForged, match="at most 3 words"):
        second.receive(Kind.MATCHES, 3)
    second.wire.incoming[DATA : DATA + 64] = (1 << 32) - 1  # the length of a message without end
    first.wire.outgoing[HEAD] += np.uint64(20)
    with pytest.raises(MessageForged, match="expected a transcript of at most"):
        second.receive(Kind.MATCHES, 1 << 40)
    first.wire.outgoing[HEAD] += np.uint64(1 << 40)  # more than there is room for
    with pytest.raises(MessageForged, match="got another message"):
        second.receive(Kind.MATCHES, 10)
    one, _ = wire()
    odd = np.zeros(DATA + 12, dtype=np.uint64)
    with pytest.raises(InputError, match="a power of two, got 28"):
        ClassicalChannel(one, rings=(odd, odd))


@pytest.mark.parametrize("length", [16, 64, 4096])
def test_masked_passes_are_the_toeplitz_matrix_that_the_proof_takes(length: int) -> None:
    """Each pass's parities over the whole string, of each frame, and of nodes in frames."""
    words, select = stream(1, length), selection(length, bytes(32))
    trees = empty_trees(permutations(length, 1, bytes(32)), select, 33)
    trees.tops[1:] = 1
    bits, random = plain.unpack(words), plain.unpack(select)
    fold(words, trees)
    turn(words, trees)
    every = np.uint64((1 << 64) - 1)
    for number in range(1, 33):
        chosen = bits & random[number : number + 64 * length]
        assert fold_of(trees, number) == int(chosen.sum()) & 1
        by_frame = chosen.reshape(length, 64).T
        tops = masked_tops(trees.columns, trees.chosen, length, number, every)
        told = plain.unpack(np.array([tops], dtype=np.uint64)).astype(int)
        assert told.tolist() == (by_frame.sum(axis=1) & 1).tolist()
        for frame, node in ((0, 1), (63, 2), (number, 3), (7, length - 1), (40, 2 * length - 3)):
            depth = node.bit_length() - 1
            width = length >> depth
            start = (node - (1 << depth)) * width
            own = masked_parity(trees.columns, trees.chosen, length, number, frame, node)
            assert own == int(by_frame[frame, start : start + width].sum()) & 1
    some = masked_tops(trees.columns, trees.chosen, length, 5, np.uint64(0b1010))
    whole = masked_tops(trees.columns, trees.chosen, length, 5, every)
    assert some == int(whole) & 0b1010


def test_questions_depend_on_the_errors_alone() -> None:
    """The same errors on other bits: the same questions. That is why they disclose nothing more."""
    transcripts = []
    for seed in (1, 2):
        sender = stream(seed, 256)
        receiver = noisy(sender, 0.02, seed=5)
        first, second = wire()
        channels = ClassicalChannel(first, 20.0), ClassicalChannel(second, 20.0)
        plan = schedule(256, 0.02)
        answering, searching = (kind(256, bytes(32)) for kind in (Answering, Searching))
        thread = threading.Thread(target=answering.run, args=(sender, plan, channels[0]))
        thread.start()
        searching.run(receiver.copy(), plan, channels[1])
        thread.join()
        transcripts.append(questions(channels[1]))
        for channel in channels:
            channel.close()
    assert transcripts[0] == transcripts[1]
    assert len(transcripts[0]) > 5


ASKING = (Kind.QUESTIONS, Kind.LEVELS, Kind.OPENINGS, Kind.FOLDS)


def questions(channel: ClassicalChannel) -> list[list[int]]:
    words = channel.transcript[: channel.used].tolist()
    found, place = [], 0
    while place < len(words):
        stop = place + 1 + (words[place] & 0xFFFF_FFFF)
        if words[place] >> 32 & 0xFF in ASKING:
            found.append(words[place:stop])
        place = stop
    return found


def test_two_links_in_one_thread_do_what_two_threads_do() -> None:
    """One process has link 0's sender and link 1's receiver in one thread, the other two threads.

    Link 1 has more errors, and goes on when link 0 is done; so it is the other way around.
    """
    for rates in ((0.002, 0.05), (0.05, 0.002)):
        plan = schedule(256, 0.02)
        channels = [linked(rings=True) for _ in range(2)]
        sent = [stream(index, 256) for index in range(2)]
        got = [noisy(words, rate, 7) for words, rate in zip(sent, rates, strict=True)]
        answering = [Answering(256, bytes(32)) for _ in range(2)]
        searching = [Searching(256, bytes(32)) for _ in range(2)]
        others: dict[str, int] = {}

        def search(
            end: Searching = searching[0],
            words: np.ndarray = got[0],
            channel: ClassicalChannel = channels[0][1],
            plan: Schedule = plan,
            others: dict[str, int] = others,
        ) -> None:
            others["asked"] = end.run(words, plan, channel)[0]

        def answer(
            end: Answering = answering[1],
            words: np.ndarray = sent[1],
            channel: ClassicalChannel = channels[1][0],
            plan: Schedule = plan,
            others: dict[str, int] = others,
        ) -> None:
            others["told"] = end.run(words, plan, channel)

        threads = [threading.Thread(target=one) for one in (search, answer)]
        for thread in threads:
            thread.start()
        told, found = together(
            answering[0].turns(sent[0], plan, channels[0][0]),
            searching[1].turns(got[1], plan, channels[1][1]),
        )
        for thread in threads:
            thread.join()
        assert not isinstance(found, BlockRejected)
        assert told == others["asked"] > 0
        assert found[0] == others["told"] > 0
        for link in range(2):
            assert got[link].tolist() == sent[link].tolist()


def test_one_link_that_is_rejected_does_not_stop_the_other() -> None:
    def rejects() -> Iterator[None]:
        yield None
        raise BlockRejected("no key")

    def gives() -> Iterator[None]:
        yield None
        yield None
        return 7

    rejected, given = together(rejects(), gives())
    assert str(rejected) == "no key"
    assert given == 7

    def breaks() -> Iterator[None]:
        yield None
        raise PeerLost("gone")

    with pytest.raises(PeerLost, match="gone"):
        together(gives(), breaks())


def test_what_is_no_question_is_refused() -> None:
    plan = schedule(64, 0.02)
    for message, error in (
        ([Kind.MATCHES << 32], MessageForged),
        # Of entries: more words than they take, a pass that is not there, a node above the top
        # ones, a leaf of a permuted and of a masked pass, and fewer words than were announced.
        ([1 << 40 | Kind.QUESTIONS << 32 | 7] + [0] * 7, MessageForged),
        ([1 << 40 | Kind.QUESTIONS << 32 | 1, 33 << 22 | 2], MessageForged),
        ([1 << 40 | Kind.QUESTIONS << 32 | 1, 2], MessageForged),
        ([1 << 40 | Kind.QUESTIONS << 32 | 1, 64], MessageForged),
        ([1 << 40 | Kind.QUESTIONS << 32 | 1, 4 << 22 | 9 << 16 | 64], MessageForged),
        ([1 << 40 | Kind.QUESTIONS << 32 | 1, 4 << 22], MessageForged),
        ([1 << 40 | Kind.QUESTIONS << 32 | 1], PeerLost),
        # Of top nodes: no pass, one that is not there, no body.
        ([1 << 40 | Kind.OPENINGS << 32 | 1, 2 << 32 | 2], MessageForged),
        ([1 << 40 | Kind.OPENINGS << 32 | 1, 2 << 32 | 40], MessageForged),
        ([1 << 40 | Kind.OPENINGS << 32], MessageForged),
        # Of folded parities: a permuted pass, one that is not there, no frames.
        ([1 << 40 | Kind.FOLDS << 32 | 2, 1, 3], MessageForged),
        ([1 << 40 | Kind.FOLDS << 32 | 2, 1 << 40, 3], MessageForged),
        ([1 << 40 | Kind.FOLDS << 32 | 1, 9], MessageForged),
        # Of a level: no body; the masked pass 2; nodes above the top ones, between two levels and
        # past the last; one mark for two masks, two for one, one past the level's end.
        ([1 << 40 | Kind.LEVELS << 32], MessageForged),
        ([1 << 40 | Kind.LEVELS << 32 | 3, 2 << 32 | 4, 1, 1], MessageForged),
        ([1 << 40 | Kind.LEVELS << 32 | 3, 2, 1, 1], MessageForged),
        ([1 << 40 | Kind.LEVELS << 32 | 3, 5, 1, 1], MessageForged),
        ([1 << 40 | Kind.LEVELS << 32 | 3, 64, 1, 1], MessageForged),
        ([2 << 40 | Kind.LEVELS << 32 | 4, 4, 1, 1, 1], MessageForged),
        ([1 << 40 | Kind.LEVELS << 32 | 3, 4, 3, 1], MessageForged),
        ([1 << 40 | Kind.LEVELS << 32 | 3, 4, 1 << 4, 1], MessageForged),
    ):
        first, second = wire()
        channel = ClassicalChannel(first, 0.2)
        second.sendall(np.array(message, dtype="<u8").tobytes())
        with pytest.raises(error):
            Answering(64, bytes(32)).run(stream(1, 64), plan, channel)
        first.close()
        second.close()


def asked_next(connection: socket.socket) -> Kind:
    """The kind of the next message, which is left where it is."""
    header = connection.recv(8, socket.MSG_PEEK | socket.MSG_WAITALL)
    return Kind(header[4]) if len(header) == 8 else Kind.QUESTIONS


def answering_bits(kind: Kind, count: int, body: np.ndarray, plan: Schedule) -> int:
    """How many bits a question is answered with."""
    if kind == Kind.LEVELS:
        return sum(int(mask).bit_count() for mask in body[-count:].tolist())
    if kind == Kind.OPENINGS:
        first, stop = int(body[0]) >> 32, int(body[0]) & 0xFFFF_FFFF
        tops = [plan.frame_bits // size for size in plan.sizes] + [1] * 40
        return 64 * sum(tops[n] - (0 < n < len(plan.sizes)) for n in range(first, stop))
    if kind == Kind.FOLDS:
        return plan.passes - int(body[0]) if int(body[1]) == (1 << 64) - 1 else 1
    return count


def test_random_answers_leave_errors_and_nothing_worse() -> None:
    """Who answers at random makes the receiver end with other bits, or give up asking."""
    plan = schedule(256, 0.05)
    rng = np.random.default_rng(1)
    for _ in range(5):
        first, second = wire()
        channel = ClassicalChannel(first, 5.0)
        searching = Searching(256, os.urandom(32))
        sender = stream(1, 256)
        words = noisy(sender, 0.05, 1)

        def lie(connection: socket.socket = second) -> None:
            liar = ClassicalChannel(connection, 5.0)
            while True:
                kind = asked_next(connection)
                try:
                    count, body = liar.receive(kind, 1 << 20)
                except (PeerLost, MessageForged):
                    return  # the receiver has given up, or this end's transcript is full
                if count == 0:
                    return
                bits = answering_bits(kind, count, body, plan)
                words = rng.integers(0, 1 << 62, -(-bits // 64), dtype=np.uint64)
                liar.send(Kind.ANSWERS, bits, words)

        thread = threading.Thread(target=lie)
        thread.start()
        with contextlib.suppress(MessageForged):
            searching.run(words, plan, channel)
        channel.close()
        thread.join()
        assert words.tolist() != sender.tolist()


def test_a_schedule_that_does_not_fit_its_frame_is_refused() -> None:
    for arguments, message in (
        ((100, (8,)), "power of two from 16"),
        ((64, (64,)), "from 2 to 16 bits, got 64"),
        ((64, ()), "at least one pass"),
        ((1 << 16, (8,)), "to 32768 bits"),
    ):
        with pytest.raises(InputError, match=message):
            Schedule(*arguments)
