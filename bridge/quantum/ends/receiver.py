"""The receiver's end: detects, finds its errors, compares tags, and seals the block."""

from __future__ import annotations

import hmac
from collections.abc import Generator

import numpy as np

from bridge.domain.errors import BlockRejected, MessageForged
from bridge.quantum.ends.authentication import (
    KEY_BYTES,
    TAG_BYTES,
    OneTimeKeys,
    check,
    forgery_probability,
    tag,
)
from bridge.quantum.ends.cascade import Searching, schedule
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
from bridge.quantum.ends.sender import CONFIRMED
from bridge.quantum.ends.turns import Turn
from bridge.quantum.kernels.compression import seed_words
from bridge.quantum.kernels.streams import mark, total_ones
from bridge.quantum.link.randomness import Randomness, Words


class ReceiverEnd(End):
    """The end whose bits have the errors."""

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
        self.cascade = Searching(parameters.block_words, permutation_key)
        self._bases: Words = np.empty(0, dtype=np.uint64)

    def turns(self) -> Generator[Turn, int, KeyBlock]:
        """The next block's key, in turns; see `End.run_block`."""
        receiver_key, sender_key = self.keys.take()
        self.channel.begin()
        self.number += 1
        sifted = yield from self._sift()
        # The sample follows on the last matches.
        corrected = yield from self._correct(self._estimate(sifted))
        verified = yield from self._verify(corrected, receiver_key, sender_key)
        return self.amplify(verified)

    def _sift(self) -> Generator[None, int, SiftedBits]:
        pulses = clicks = sifted = 0
        while self._place < self.parameters.sifted_bits:
            words = self.round_words()
            if len(self._bases) < words:
                self._bases = np.empty(words, dtype=np.uint64)
            bases = self._bases[:words]
            with self.stages.measure("detect"):
                self.rng.fill(bases)
                seen = self.medium.detect(bases)
            with self.stages.measure("send"):
                self.channel.send(Kind.DETECTIONS, -seen.count % 64, seen.seen, seen.bases)
            yield
            with self.stages.measure("wait"):
                _, matches = self.channel.receive(Kind.MATCHES, len(seen.bases))
            if len(matches) != len(seen.bases):
                raise MessageForged(
                    f"MATCHES: expected {len(seen.bases)} words, got {len(matches)}"
                )
            with self.stages.measure("sift"):
                sifted += self.keep(seen.bits, matches)
            pulses, clicks = pulses + 64 * words, clicks + seen.count
        return self.take(pulses, clicks, sifted)

    def _estimate(self, block: SiftedBits) -> EstimatedBits:
        size = self.parameters.sample_size
        with self.stages.measure("wait"):
            _, body = self.channel.receive(Kind.SAMPLE, size // 2 + size // 64)
        with self.stages.measure("estimate"):
            places = body[: size // 2].view(np.uint32)
            theirs = body[size // 2 :]
            taken = np.zeros(len(block.bits), dtype=np.uint64)
            found = mark(places, block.count, taken) if len(theirs) == size // 64 else 0
            if found != size:
                raise MessageForged(
                    f"SAMPLE: expected {size} different places below {block.count}, got {found}"
                )
            sample, bits = self.without_sample(block, places, taken)
            self.channel.send(Kind.SAMPLED, 0, sample)
        return EstimatedBits(
            bits=bits,
            count=self.parameters.block_bits,
            sample_size=size,
            sample_errors=total_ones(sample ^ theirs),
            sifted=block,
        )

    def _correct(self, block: EstimatedBits) -> Generator[Turn, int, CorrectedBits]:
        plan = schedule(self.parameters.block_words, self.gate(block))
        leak, corrected, rounds = yield from self.cascade.turns(block.bits, plan, self.channel)
        self.stages.add("correct", self.cascade.seconds)
        return CorrectedBits(
            bits=block.bits,
            leak_bits=leak,
            corrected=corrected,
            rounds=rounds,
            estimated=block,
        )

    def _verify(
        self, block: CorrectedBits, receiver_key: bytes, sender_key: bytes
    ) -> Generator[None, int, VerifiedBits]:
        opening = (KEY_BYTES + TAG_BYTES) // 8
        expected = opening + seed_words(len(block.bits))
        with self.stages.measure("wait"):
            _, body = self.channel.receive(Kind.VERIFICATION, expected)
        if len(body) != expected:
            raise MessageForged(f"VERIFICATION: expected {expected} words, got {len(body)}")
        with self.stages.measure("verify"):
            key, theirs = body[:opening].tobytes()[:KEY_BYTES], body[:opening].tobytes()[KEY_BYTES:]
            own = tag(key, block.bits.data.cast("B"))
            agreed = hmac.compare_digest(own, theirs)
            self.channel.send(
                Kind.VERDICT, int(agreed), np.array([block.corrected], dtype=np.uint64)
            )
        with self.stages.measure("authenticate"):
            exchanged = self.channel.used
            seal = tag(receiver_key, self.channel.written())
            self.channel.send(Kind.SEAL, 0, np.frombuffer(seal, dtype=np.uint64))
        yield
        with self.stages.measure("wait"):
            answer = self.channel.receive_tag(Kind.CONFIRMATION)
        check(sender_key, CONFIRMED + seal, answer.tobytes(), "the sender's confirmation")
        if not agreed:
            raise BlockRejected(
                f"verification failed at QBER {block.estimated.qber:.2%}: the tags of both ends "
                f"differ after {block.corrected} corrections"
            )
        return VerifiedBits(
            bits=block.bits,
            errors=block.corrected,
            leak_bits=block.leak_bits + TAG_BITS,
            seed=body[opening:],
            epsilon_correctness=forgery_probability(8 * len(block.bits)),
            epsilon_authentication=forgery_probability(8 * exchanged) + forgery_probability(64),
            corrected=block,
        )
