"""Two ends over a socket: the same keys, and nothing that is changed under way goes unseen."""

import contextlib
import os
import socket
import struct
import threading

import numpy as np
import pytest

from bridge.domain.errors import BlockRejected, InputError, LinkError, MessageForged, PeerLost
from bridge.quantum.ends.authentication import BLOCK_BYTES, OneTimeKeys, check, tag
from bridge.quantum.ends.channel import Kind
from bridge.quantum.ends.end import LinkParameters
from bridge.quantum.ends.halves import KeyBlock
from bridge.quantum.ends.medium import Light, Medium
from bridge.quantum.kernels import plain
from bridge.quantum.link.randomness import Keystream, Randomness
from tests.unit.quantum.link_pair import SMALL, link_ends, run_blocks, wire, work

pytestmark = pytest.mark.usefixtures("compiled")

GOOD = Light(click=0.5, misalignment=0.01, dark_count_probability=1e-6)


def test_both_ends_have_the_same_key_in_every_block() -> None:
    sent, received = run_blocks(link_ends(GOOD), 12)
    keys = set()
    for one, other in zip(sent, received, strict=True):
        assert isinstance(one, KeyBlock)
        assert isinstance(other, KeyBlock)
        assert one.key == other.key
        assert (one.errors, one.leak_bits, one.number) == (
            other.errors,
            other.leak_bits,
            other.number,
        )
        assert one.epsilon_secrecy <= 1e-10
        assert one.epsilon_correctness <= 1e-15
        assert one.key.hex() not in repr(one)
        keys.add(one.key)
    assert len(keys) == 12


@pytest.mark.parametrize("rate", [0.001, 0.01, 0.03])
def test_the_length_is_that_of_the_formula(rate: float) -> None:
    """By the documents' words: n (1 - h(P/n)) - leak - 2 log2(1 / 2 eps) - authentication."""
    parameters = LinkParameters(block_bits=1 << 16, sample_size=1024)
    light = Light(click=0.5, misalignment=rate)
    sent, _ = run_blocks(link_ends(light, parameters), 2)
    for block in sent:
        assert isinstance(block, KeyBlock)
        share = block.phase_errors / block.length
        entropy = -share * np.log2(share) - (1 - share) * np.log2(1 - share)
        bits = block.length * (1 - entropy) - block.leak_bits - 2 * np.log2(1 / (2 * 4.995e-11))
        assert block.key_bits == int(bits) // 64 * 64 - 8 * BLOCK_BYTES
        assert block.phase_errors > block.errors


def test_error_rate_and_sifted_share_are_the_links() -> None:
    """To five standard deviations over 16 blocks."""
    sent, _ = run_blocks(link_ends(Light(0.3, 0.02)), 16)
    blocks = [block for block in sent if isinstance(block, KeyBlock)]
    assert len(blocks) == 16
    bits = sum(block.length for block in blocks)
    errors = sum(block.errors for block in blocks)
    assert abs(errors / bits - 0.02) < 5 * (0.02 * 0.98 / bits) ** 0.5
    pulses = sum(block.pulses for block in blocks)
    clicks = sum(block.clicks for block in blocks)
    sifted = sum(block.sifted for block in blocks)
    assert abs(clicks / pulses - 0.3) < 5 * (0.3 * 0.7 / pulses) ** 0.5
    assert abs(sifted / clicks - 0.5) < 5 * (0.25 / clicks) ** 0.5


@pytest.mark.skipif("QKD_BLOCKS" not in os.environ, reason="long: make blocks runs it")
def test_both_ends_agree_in_every_block_of_a_long_run() -> None:
    wanted = int(os.environ["QKD_BLOCKS"])
    parameters = LinkParameters(block_bits=1 << 12, sample_size=256)
    ends = link_ends(Light(0.6, 0.005), parameters, shared=os.urandom(1024 * BLOCK_BYTES))
    blocks = rejected = unequal = 0
    while blocks < wanted:
        sent, received = run_blocks(ends, min(1000, wanted - blocks))
        for one, other in zip(sent, received, strict=True):
            blocks += 1
            if isinstance(one, KeyBlock) and isinstance(other, KeyBlock):
                unequal += one.key != other.key
            elif isinstance(one, BlockRejected) and isinstance(other, BlockRejected):
                assert str(one) == str(other) or "verification" in str(one)
                rejected += 1
            else:
                raise AssertionError(f"block {blocks}: {one!r} and {other!r}")
        print(f"{blocks} blocks, {rejected} rejected at both ends, {unequal} unequal", flush=True)
    assert unequal == 0
    assert rejected < blocks / 2


def test_a_noisy_link_is_refused_at_both_ends_and_the_next_block_goes_on() -> None:
    ends = link_ends(Light(0.5, 0.2))
    sent, received = run_blocks(ends, 2)
    for outcome in (*sent, *received):
        assert isinstance(outcome, BlockRejected)
        assert "leaves no key" in str(outcome)
    ends[0].medium.light = ends[1].medium.light = GOOD
    # What is left over from the noisy blocks is in the next one; the one after is clean.
    sent, received = run_blocks(ends, 3)
    assert isinstance(sent[-1], KeyBlock)
    assert isinstance(received[-1], KeyBlock)
    assert sent[-1].key == received[-1].key


def test_keys_of_authentication_run_out_when_no_block_gives_any_back() -> None:
    ends = link_ends(Light(0.5, 0.2), shared=os.urandom(2 * BLOCK_BYTES))
    sent, received = run_blocks(ends, 3)
    for outcomes in (sent, received):
        assert [type(one) for one in outcomes] == [BlockRejected, BlockRejected, LinkError]
        assert "expected two keys for the next block, got none" in str(outcomes[-1])


def test_ends_with_different_keys_deliver_nothing() -> None:
    sender, receiver = link_ends(GOOD)
    receiver.keys = OneTimeKeys(os.urandom(BLOCK_BYTES))
    sent, received = run_blocks((sender, receiver))
    assert isinstance(sent[0], MessageForged)
    assert "the receiver's seal of the block" in str(sent[0])
    assert isinstance(received[0], PeerLost)


def test_an_end_that_is_gone_is_noticed() -> None:
    sender, receiver = link_ends(GOOD, timeout_s=0.2)
    with pytest.raises(PeerLost, match="nothing came"):
        sender.run_block()
    receiver.channel.close()
    with pytest.raises(PeerLost, match="closed it"):
        sender.run_block()


def test_seeded_randomness_makes_no_end() -> None:
    sender, _ = link_ends(GOOD)
    with pytest.raises(InputError, match="expected randomness from the operating system"):
        type(sender)(
            SMALL, sender.channel, sender.medium, sender.keys, Randomness.seeded(1), bytes(32)
        )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"block_bits": 1000}, "64 frames of a power of two"),
        ({"block_bits": 3 << 12}, "64 frames of a power of two"),
        ({"sample_size": 100}, "multiple of 64"),
        ({"epsilon_secrecy": 0.0}, "epsilon_secrecy: expected between"),
        ({"epsilon_correctness": 1e-30}, "epsilon_correctness: expected at least"),
    ],
)
def test_parameters_that_promise_too_much_are_refused(
    changes: dict[str, float], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        LinkParameters(**changes)  # type: ignore[arg-type]


# the man in the middle


class Meddler:
    """Between two ends: passes all messages on, but changes a bit of one of a kind."""

    def __init__(self, kind: Kind, word: int, bit: int) -> None:
        self.kind, self.word, self.bit = kind, word, bit
        self.done = threading.Event()
        pairs = wire(), wire()
        self.outer = pairs[0][0], pairs[1][0]
        self._inner = pairs[0][1], pairs[1][1]
        for source, target in (self._inner, self._inner[::-1]):
            work(threading.Thread(target=self._pass_on, args=(source, target), daemon=True))

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while True:
                header = self._read(source, 8)
                (word,) = struct.unpack("<Q", header)
                body = bytearray(header + self._read(source, 8 * (word & 0xFFFF_FFFF)))
                if word >> 32 & 0xFF == self.kind and not self.done.is_set():
                    place = 8 * min(self.word, len(body) // 8 - 1) + self.bit // 8
                    body[place] ^= 1 << self.bit % 8
                    self.done.set()
                target.sendall(body)
        except (OSError, EOFError):
            for one in self._inner:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def _read(source: socket.socket, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = source.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data


CAUGHT = (MessageForged, BlockRejected, PeerLost)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize(("word", "bit"), [(1, 5), (2, 62), (10**6, 0)])
def test_a_change_in_any_message_is_caught(kind: Kind, word: int, bit: int) -> None:
    meddler = Meddler(kind, word, bit)
    ends = link_ends(GOOD, sockets=meddler.outer, timeout_s=2.0)
    sent, received = run_blocks(ends)
    assert meddler.done.is_set(), "the message was never sent"
    assert isinstance(received[0], CAUGHT)
    if kind == Kind.CONFIRMATION:
        # The last message of any protocol: the sender cannot know what became of it.
        assert isinstance(received[0], MessageForged)
        assert "the sender's confirmation" in str(received[0])
    else:
        assert isinstance(sent[0], CAUGHT)
        assert isinstance(sent[0], MessageForged | BlockRejected) or isinstance(
            received[0], MessageForged | BlockRejected
        )


@pytest.mark.parametrize("kind", list(Kind))
def test_a_change_in_a_header_is_caught(kind: Kind) -> None:
    for bit in (33, 41):
        meddler = Meddler(kind, 0, bit)
        ends = link_ends(GOOD, sockets=meddler.outer, timeout_s=2.0)
        sent, received = run_blocks(ends)
        assert meddler.done.is_set()
        outcomes = (sent[0], received[0])
        assert any(isinstance(one, MessageForged | BlockRejected) for one in outcomes)
        assert kind == Kind.CONFIRMATION or not any(isinstance(one, KeyBlock) for one in outcomes)


def test_without_a_change_the_same_man_in_the_middle_is_not_noticed() -> None:
    meddler = Meddler(Kind.SEAL, 0, 0)
    meddler.done.set()
    sent, received = run_blocks(link_ends(GOOD, sockets=meddler.outer), 2)
    assert isinstance(sent[1], KeyBlock)
    assert isinstance(received[1], KeyBlock)
    assert sent[1].key == received[1].key


def test_a_tag_is_of_its_key_and_message_alone() -> None:
    key, other = os.urandom(32), os.urandom(32)
    check(key, b"message", tag(key, b"message"), "here")
    for wrong in (tag(other, b"message"), tag(key, b"massage"), bytes(16)):
        with pytest.raises(MessageForged, match="here: expected the tag"):
            check(key, b"message", wrong, "here")


# light, randomness, sink


def test_the_receiver_sees_the_senders_bits_where_the_bases_agree() -> None:
    light, seed = Light(0.4, 0.0), os.urandom(32)
    sender, receiver = Medium(light, seed), Medium(light, seed)
    bases = Randomness.system().words(500)
    for _ in range(2):
        sent = sender.emit(500)
        seen = receiver.detect(bases)
        mask = plain.unpack(seen.seen)
        same = (plain.unpack(sent.bases) == plain.unpack(bases))[mask]
        bits = plain.unpack(sent.bits)[mask]
        got = plain.unpack(seen.bits, seen.count)
        assert (got[same] == bits[same]).all()
        # In the other basis a coin: to five deviations.
        agree = np.mean(got[~same] == bits[~same])
        assert abs(agree - 0.5) < 5 * 0.5 / int((~same).sum()) ** 0.5
        assert (plain.unpack(seen.bases, seen.count) == plain.unpack(bases)[mask]).all()


def test_dark_counts_alone_are_clicks_of_random_bits() -> None:
    medium = Medium(Light(1e-9, 0.0, 0.01), bytes(32))
    seen = medium.detect(Randomness.system().words(1000))
    expected = 1 - 0.99**2
    assert abs(seen.count / 64_000 - expected) < 5 * (expected / 64_000) ** 0.5
    ones = int(plain.unpack(seen.bits, seen.count).sum())
    assert abs(ones / seen.count - 0.5) < 5 * 0.5 / seen.count**0.5


def test_light_that_cannot_be_is_refused() -> None:
    for arguments, message in (
        ((0.0, 0.0), "click of 0 to 1"),
        ((0.5, 0.6), "misalignment of 0 to 0.5"),
        ((0.5, 0.1, 0.9), "dark_count_probability"),
    ):
        with pytest.raises(InputError, match=message):
            Light(*arguments)


def test_the_key_stream_is_aes_in_counter_mode() -> None:
    """NIST SP 800-38A, F.5.5: the key, and the counter block's key stream by hand."""
    key = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
    stream = Keystream(key, 0xF0F1F2F3F4F5F6F7)
    counter = 0xF0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF - (0xF0F1F2F3F4F5F6F7 << 64)
    assert counter == 0xF8F9FAFBFCFDFEFF
    first = stream.read(16)
    words = np.empty(1 << 16, dtype=np.uint64)
    again = Keystream(key, 0xF0F1F2F3F4F5F6F7)
    again.fill(words)
    assert words[:2].tobytes() == first
    assert len(set(words.tolist())) == 1 << 16
    assert Keystream(key, 1).read(16) != first
    with pytest.raises(InputError, match="expected a key of 32 bytes, got 16"):
        Keystream(bytes(16))
