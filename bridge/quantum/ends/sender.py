"""The sender's end: emits, answers parities, draws sample, tag and seed, and confirms."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from bridge.domain.errors import BlockRejected, MessageForged
from bridge.quantum.ends.authentication import (
    KEY_BYTES,
    OneTimeKeys,
    check,
    forgery_probability,
    tag,
)
from bridge.quantum.ends.cascade import Answering, schedule
from bridge.quantum.ends.channel import ClassicalChannel, Kind
from bridge.quantum.ends.end import TAG_BITS, End, LinkParameters
from bridge.quantum.ends.halves import (
    CorrectedBits,
    EstimatedBits,
    KeyBlock,
    SiftedBits,
    VerifiedBits,
)
from bridge.quantum.ends.medium import Medium
from bridge.quantum.ends.turns import Turn
from bridge.quantum.kernels.compression import seed_words
from bridge.quantum.kernels.conversation import ROUNDS
from bridge.quantum.kernels.streams import compact_pair, draw_distinct, total_ones
from bridge.quantum.link.randomness import Randomness, Words

CONFIRMED = b"astralink link block confirmed"


class SenderEnd(End):
    """The end whose bits are the key."""

    def __init__(
        self,
        parameters: LinkParameters,
        channel: ClassicalChannel,
        medium: Medium,
        keys: OneTimeKeys,
        rng: Randomness,
        permutation_key: bytes,
    ) -> None:
        super().__init__(parameters, channel, medium, keys, rng)
        self.cascade = Answering(parameters.block_words, permutation_key)
        self._scratch: dict[str, Words] = {}

    def turns(self) -> Generator[Turn, int, KeyBlock]:
        """The next block's key, in turns; see `End.run_block`."""
        receiver_key, sender_key = self.keys.take()
        self.channel.begin()
        self.number += 1
        sifted = yield from self._sift()
        corrected = yield from self._correct((yield from self._estimate(sifted)))
        verified = yield from self._verify(corrected, receiver_key, sender_key)
        return self.amplify(verified)

    def _buffer(self, name: str, words: int) -> Words:
        held = self._scratch.get(name)
        if held is None or len(held) < words:
            held = np.empty(words, dtype=np.uint64)
            self._scratch[name] = held
        return held[:words]

    def _sift(self) -> Generator[None, int, SiftedBits]:
        pulses = clicks = sifted = 0
        while self._place < self.parameters.sifted_bits:
            words = self.round_words()
            with self.stages.measure("emit"):
                emission = self.medium.emit(words)
            yield
            with self.stages.measure("wait"):
                count, body = self.channel.receive(Kind.DETECTIONS, 2 * words)
            with self.stages.measure("sift"):
                if len(body) < words or total_ones(body[:words]) != _click_count(
                    count, body, words
                ):
                    raise MessageForged(
                        f"DETECTIONS: expected {words} words of pulses and a basis for each click, "
                        f"got {len(body)} words"
                    )
                seen, bases = body[:words], body[words:]
                bits = self._buffer("bits", words + 1)
                own = self._buffer("bases", words + 1)
                clicked = compact_pair(emission.bits, emission.bases, seen, bits, own)
                filled = -(-clicked // 64)
                matches: Words = np.invert(own[:filled] ^ bases)
                _clear_end(matches, clicked)
                sifted += self.keep(bits[:filled], matches)
            with self.stages.measure("send"):
                self.channel.send(Kind.MATCHES, 0, matches)
            pulses, clicks = pulses + 64 * words, clicks + clicked
        return self.take(pulses, clicks, sifted)

    def _estimate(self, block: SiftedBits) -> Generator[None, int, EstimatedBits]:
        size = self.parameters.sample_size
        with self.stages.measure("estimate"):
            places = np.empty(size, dtype=np.uint32)
            taken = np.zeros(len(block.bits), dtype=np.uint64)
            while draw_distinct(self.rng.words(4 * size), block.count, taken, places) != size:
                taken[:] = 0
            sample, bits = self.without_sample(block, places, taken)
            self.channel.send(Kind.SAMPLE, 0, places.view(np.uint64), sample)
        yield
        with self.stages.measure("wait"):
            _, theirs = self.channel.receive(Kind.SAMPLED, len(sample))
        if len(theirs) != len(sample):
            raise MessageForged(f"SAMPLED: expected {len(sample)} words, got {len(theirs)}")
        return EstimatedBits(
            bits=bits,
            count=self.parameters.block_bits,
            sample_size=size,
            sample_errors=total_ones(sample ^ theirs),
            sifted=block,
        )

    def _correct(self, block: EstimatedBits) -> Generator[Turn, int, CorrectedBits]:
        plan = schedule(self.parameters.block_words, self.gate(block))
        leak = yield from self.cascade.turns(block.bits, plan, self.channel)
        self.stages.add("correct", self.cascade.seconds)
        return CorrectedBits(
            bits=block.bits,
            leak_bits=leak,
            corrected=-1,
            rounds=int(self.cascade.tally[ROUNDS]),
            estimated=block,
        )

    def _verify(
        self, block: CorrectedBits, receiver_key: bytes, sender_key: bytes
    ) -> Generator[None, int, VerifiedBits]:
        with self.stages.measure("verify"):
            # The tag's key is drawn when correction is over, and the seed when the light is.
            key = self.rng.secret_bytes(KEY_BYTES)
            own = tag(key, block.bits.data.cast("B"))
            seed = self.rng.words(seed_words(len(block.bits)))
            opening = np.frombuffer(key + own, dtype=np.uint64)
            self.channel.send(Kind.VERIFICATION, 0, opening, seed)
        yield
        with self.stages.measure("wait"):
            agreed, verdict = self.channel.receive(Kind.VERDICT, 1)
            exchanged = self.channel.used
            seal = self.channel.receive_tag(Kind.SEAL)
        with self.stages.measure("authenticate"):
            written = self.channel.written()[: 8 * exchanged]
            check(receiver_key, written, seal.tobytes(), "the receiver's seal of the block")
            # The receiver's seal is right: it has seen the same messages, to the last of them.
            answer = np.frombuffer(tag(sender_key, CONFIRMED + seal.tobytes()), dtype=np.uint64)
            self.channel.send(Kind.CONFIRMATION, 0, answer)
        if len(verdict) != 1 or agreed != 1:
            raise BlockRejected(
                f"verification failed at QBER {block.estimated.qber:.2%}: the tags of both ends "
                "differ"
            )
        return VerifiedBits(
            bits=block.bits,
            errors=int(verdict[0]),
            leak_bits=block.leak_bits + TAG_BITS,
            seed=seed,
            epsilon_correctness=forgery_probability(8 * len(block.bits)),
            epsilon_authentication=forgery_probability(8 * exchanged) + forgery_probability(64),
            corrected=block,
        )


def _click_count(count: int, body: Words, words: int) -> int:
    """What the bases' length and the low bits of the count say together; -1 when they differ."""
    clicked = 64 * (len(body) - words) - count
    return clicked if 0 <= count < 64 else -1


def _clear_end(words: Words, count: int) -> None:
    """Clear the bits past ``count`` in the last word."""
    if count % 64:
        words[-1] &= np.uint64((1 << count % 64) - 1)
