"""What the sender's and the receiver's end have in common: parameters, sifted bits, the last step.

The failure probabilities add up to ``epsilon_secrecy``: half of it for the bound on phase errors,
which fails with probability (epsilon / 2)^2 for its part (`distillation.estimate` says why), half
for amplification, less what forging a tag adds.
"""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bridge.domain.errors import BlockRejected, InputError
from bridge.quantum.distillation.bounds import binary_entropy, final_length, twin_error_count
from bridge.quantum.ends.authentication import (
    BLOCK_WORDS,
    OneTimeKeys,
    forgery_probability,
)
from bridge.quantum.ends.channel import ClassicalChannel
from bridge.quantum.ends.halves import EstimatedBits, KeyBlock, SiftedBits, VerifiedBits
from bridge.quantum.ends.medium import PULSES_A_WORD, Medium
from bridge.quantum.ends.turns import Turn, alone
from bridge.quantum.kernels.compression import compress, seed_words
from bridge.quantum.kernels.streams import compact, gather, move
from bridge.quantum.link.randomness import Randomness, Words

TAG_BITS = 128
"""Verification's tag, which is announced."""

EXPECTED_EFFICIENCY = 1.1

MOST_ROUND_WORDS = 1 << 17
"""8.4 million pulses in one round; a block takes as many rounds as it needs."""


@dataclass(frozen=True, slots=True)
class LinkParameters:
    """What both ends agree on before the first block.

    ``block_bits`` is 64 frames of a power of two; ``sample_size`` bits more are disclosed.
    """

    block_bits: int = 1 << 20
    sample_size: int = 2048
    epsilon_secrecy: float = 1e-10
    epsilon_correctness: float = 1e-15

    def __post_init__(self) -> None:
        frame = self.block_bits // 64
        if self.block_bits % 64 or frame & (frame - 1) or not 1 << 4 <= frame <= 1 << 15:
            raise InputError(
                "block: expected 64 frames of a power of two from 2^4 to 2^15 bits, "
                f"got {self.block_bits} bits"
            )
        if self.sample_size < 64 or self.sample_size % 64:
            raise InputError(
                f"sample: expected a multiple of 64 bits, at least 64, got {self.sample_size}"
            )
        for name in ("epsilon_secrecy", "epsilon_correctness"):
            if not 0.0 < getattr(self, name) < 0.5:
                raise InputError(f"{name}: expected between 0 and 0.5, got {getattr(self, name)}")
        verified = forgery_probability(self.block_bits // 8)
        if verified > self.epsilon_correctness:
            raise InputError(
                f"epsilon_correctness: expected at least {verified:.1e}, which a tag of "
                f"{TAG_BITS} bits gives, got {self.epsilon_correctness}"
            )

    @property
    def block_words(self) -> int:
        """Words of a block."""
        return self.block_bits // 64

    @property
    def sifted_bits(self) -> int:
        """What a block takes: itself and its sample."""
        return self.block_bits + self.sample_size


class Stages:
    """Seconds of a processor that this end spent in each step, summed over blocks.

    Waiting costs next to nothing of it; each step belongs to the thread that runs it.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Add the time of what runs inside to ``name``."""
        start = time.thread_time()
        try:
            yield
        finally:
            self.add(name, time.thread_time() - start)

    def add(self, name: str, seconds: float) -> None:
        """Add seconds to ``name``."""
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds


class End(ABC):
    """One end between blocks: the bits that are left over, the keys, the last error rate."""

    def __init__(
        self,
        parameters: LinkParameters,
        channel: ClassicalChannel,
        medium: Medium,
        keys: OneTimeKeys,
        rng: Randomness,
    ) -> None:
        rng.require_secret("an end of the link")
        self.parameters = parameters
        self.channel = channel
        self.medium = medium
        self.keys = keys
        self.rng = rng
        self.stages = Stages()
        self.number = 0
        self.rate: float | None = None
        # Twice a block: what is left over from one, and what one round of pulses brings.
        self._sifted: Words = np.zeros(2 * parameters.block_words + 1024, dtype=np.uint64)
        self._place = 0
        self._spare: Words = np.zeros_like(self._sifted)

    @abstractmethod
    def turns(self) -> Generator[Turn, int, KeyBlock]:
        """The next block's key, in turns (`ends.turns`)."""

    def run_block(self) -> KeyBlock:
        """The next block's key.

        Raises ``BlockRejected`` when the block leaves none, after which both ends can go on with
        the next; ``MessageForged`` or ``PeerLost`` when they cannot.
        """
        return alone(self.turns())

    def round_words(self) -> int:
        """Words of pulses in the next round: what is missing and two deviations more, to a limit.

        Both ends know all that goes into it.
        """
        missing = self.parameters.sifted_bits - self._place
        pulses = (missing + 2.0 * math.sqrt(missing)) / (0.5 * self.medium.light.click)
        return max(1, min(round(pulses / PULSES_A_WORD), MOST_ROUND_WORDS))

    def keep(self, bits: Words, matches: Words) -> int:
        """Append the bits whose bases matched to what is left over; the number of them."""
        if self._place + 64 * len(bits) > 64 * (len(self._sifted) - 1):
            grown = np.zeros(len(self._sifted) + len(bits) + 1, dtype=np.uint64)
            grown[: len(self._sifted)] = self._sifted
            self._sifted, self._spare = grown, np.zeros_like(grown)
        before = self._place
        self._place = compact(bits, matches, self._sifted, before)
        return self._place - before

    def take(self, pulses: int, clicks: int, sifted: int) -> SiftedBits:
        """The next block's bits and its sample's; the rest stays for the block after."""
        count = self.parameters.sifted_bits
        words = count // 64
        block = self._sifted[:words].copy()
        left = self._place - count
        move(self._sifted, count, left, self._spare)
        self._spare[-(-left // 64)] = 0
        self._sifted, self._spare = self._spare, self._sifted
        self._place = left
        return SiftedBits(bits=block, count=count, sifted=sifted, pulses=pulses, clicks=clicks)

    def without_sample(
        self, sifted: SiftedBits, places: npt.NDArray[np.uint32], taken: Words
    ) -> tuple[Words, Words]:
        """The sample's bits in the order of ``places``, and the rest."""
        sample = np.zeros(self.parameters.sample_size // 64, dtype=np.uint64)
        gather(sifted.bits, places, sample)
        rest = np.zeros(self.parameters.block_words + 1, dtype=np.uint64)
        count = compact(sifted.bits, ~taken, rest, 0)
        assert count == self.parameters.block_bits
        return sample, rest[:-1]

    def gate(self, block: EstimatedBits) -> float:
        """The error rate to reconcile with; ``BlockRejected`` when it leaves no key.

        Both ends know the sample and come to the same. Once a block's errors have been counted,
        its rate serves for the next, if the sample does not speak against it.
        """
        qber = block.qber
        spread = 5.0 * (max(qber, 1.0 / block.sample_size) / block.sample_size) ** 0.5
        if self.rate is not None and abs(self.rate - qber) < spread:
            qber = self.rate
        self._expect(qber, block)
        return qber

    def _expect(self, qber: float, block: EstimatedBits) -> None:
        length = block.count
        errors = min(length, round(qber * length))
        leak = int(EXPECTED_EFFICIENCY * length * binary_entropy(qber)) + TAG_BITS
        phase = twin_error_count(length, errors, self._tail)
        if final_length(length, phase, leak, self._amplification) // 64 <= BLOCK_WORDS:
            raise BlockRejected(
                f"QBER {qber:.2%} of {block.sample_size} sampled bits leaves no key of "
                f"{length} bits: up to {phase / length:.2%} phase errors and a leak of about "
                f"{leak} bits"
            )

    @property
    def _tail(self) -> float:
        return (self.parameters.epsilon_secrecy / 4.0) ** 2

    @property
    def _amplification(self) -> float:
        # A thousandth less than half leaves room for what a forged tag adds.
        return self.parameters.epsilon_secrecy * 0.4995

    def amplify(self, block: VerifiedBits) -> KeyBlock:
        """The key, of the length that the counted errors and the leak leave.

        Its first 64 bytes go back to authentication. Raises ``BlockRejected`` when nothing else is
        left; both ends come to the same.
        """
        with self.stages.measure("amplify"):
            estimated = block.corrected.estimated
            length = estimated.count
            phase = twin_error_count(length, block.errors, self._tail)
            bits = final_length(length, phase, block.leak_bits, self._amplification)
            words = bits // 64
            self.rate = block.errors / length
            if words <= BLOCK_WORDS:
                raise BlockRejected(
                    f"no key left of {length} bits: {block.errors} errors, up to {phase} phase "
                    f"errors and a leak of {block.leak_bits} bits leave {bits}, and authentication "
                    f"takes {64 * BLOCK_WORDS}"
                )
            assert len(block.seed) == seed_words(len(block.bits))
            key = compress(block.bits, block.seed, words).tobytes()
            self.keys.put(key[: 8 * BLOCK_WORDS])
        sifted = estimated.sifted
        return KeyBlock(
            number=self.number,
            key=key[8 * BLOCK_WORDS :],
            qber=estimated.qber,
            errors=block.errors,
            phase_errors=phase,
            leak_bits=block.leak_bits,
            rounds=block.corrected.rounds,
            length=length,
            sample_size=estimated.sample_size,
            pulses=sifted.pulses,
            clicks=sifted.clicks,
            sifted=sifted.sifted,
            epsilon_secrecy=2.0 * self._tail**0.5
            + self._amplification
            + block.epsilon_authentication,
            epsilon_correctness=block.epsilon_correctness,
        )
