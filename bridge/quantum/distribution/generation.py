"""`QuantumKeyDistribution`: sifted key of both ends, or a clear word on why there is none."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenacity import (
    AsyncRetrying,
    retry_if_exception,
    stop_after_attempt,
    wait_random_exponential,
)

from bridge.domain.errors import (
    BlockRejected,
    BlockTooNoisy,
    ChannelAttacked,
    InputError,
    LinkError,
    MessageForged,
    PeerLost,
)
from bridge.quantum.distribution.pulses import TouchedLight
from bridge.quantum.distribution.sifting import SiftingReceiver, SiftingSender, qber_limit
from bridge.quantum.distribution.syndromes import SyndromeRecord
from bridge.quantum.ends.authentication import BLOCK_BYTES, OneTimeKeys
from bridge.quantum.ends.channel import ClassicalChannel
from bridge.quantum.ends.end import LinkParameters
from bridge.quantum.ends.halves import EstimatedBits
from bridge.quantum.entropy.source import checked_randomness
from bridge.quantum.link.adversary import Adversary, Nobody
from bridge.quantum.link.channel import Channel
from bridge.quantum.link.detector import Detector
from bridge.quantum.link.randomness import Randomness
from bridge.quantum.link.transmission import Link

if TYPE_CHECKING:
    from bridge.quantum.memory.lane import MemoryLane

Wires = Callable[[], tuple[socket.socket, socket.socket]]
"""Makes the classical channel: two sockets, connected, or to a man in the middle."""

DEFAULT = LinkParameters(block_bits=1 << 16, sample_size=4096)
LONGEST_PAUSE_S = 10.0


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class SiftedKeys:
    """The sifted bits of both ends, which still differ by the link's noise.

    Each end's `EstimatedBits` are what reconciliation starts from: packed, bit i is bit i % 64 of
    word i // 64, ``count`` bits, without the sample that was disclosed. ``limit`` is the QBER from
    which no key would be left. ``rejected`` has the QBER of each block that was given up before,
    and ``authentication_bits`` what all of them used up of the key that both ends had: it comes off
    what is distilled. ``record`` is what the memories say that held the pairs, where pairs were
    held: then the bits are as they were measured, and ``qber`` is that of a sample which was
    decoded before it was disclosed. ``repr`` shows no bit.
    """

    sender: EstimatedBits
    receiver: EstimatedBits
    limit: float
    rejected: tuple[float, ...]
    authentication_bits: int
    created_at: float
    simulated: bool = True
    record: SyndromeRecord | None = None

    def __post_init__(self) -> None:
        if self.record is not None and len(self.record) != self.sender.count:
            raise InputError(
                f"sifted keys: expected a record of {self.sender.count} pairs, "
                f"got one of {len(self.record)}"
            )
        if self.sender.count != self.receiver.count:
            raise InputError(
                "sifted keys: expected as many bits at either end, got "
                f"{self.sender.count} and {self.receiver.count}"
            )

    def __len__(self) -> int:
        return self.sender.count

    @property
    def qber(self) -> float:
        """The error rate of the sample."""
        return self.sender.qber

    def __repr__(self) -> str:
        held = "" if self.record is None else f"held {self.record.held_s:g} s, "
        return (
            f"SiftedKeys({len(self)} bits at either end, qber={self.qber:.4f}, "
            f"limit={self.limit:.4f}, {held}simulated, redacted)"
        )


class QuantumKeyDistribution:
    """A simulated link, and both of its ends: BB84 with single photons, or pairs in memories.

    ``parameters`` is the size of a block; ``channel``, ``detector`` and ``adversary`` what is
    between the ends; ``attempts`` how many blocks may fail before the link counts as attacked.
    Between two of them is a pause of random length, up to ``pause_s`` doubled each time. A block
    has ``timeout_s``. ``wires`` makes the classical channel, and ``randomness`` the secret bits:
    the system's, behind health tests. With ``memory`` the bits are those of pairs that were held in
    its memories, their record beside; the photons' channel, detector and adversary then have no use
    and are refused.

    >>> keys = asyncio.run(QuantumKeyDistribution().generate_keys())
    >>> len(keys), keys.qber < keys.limit
    (65536, True)
    """

    def __init__(
        self,
        *,
        parameters: LinkParameters = DEFAULT,
        channel: Channel | None = None,
        detector: Detector | None = None,
        adversary: Adversary | None = None,
        attempts: int = 5,
        pause_s: float = 0.1,
        timeout_s: float = 120.0,
        wires: Wires = socket.socketpair,
        randomness: Callable[[], Randomness] = checked_randomness,
        memory: MemoryLane | None = None,
    ) -> None:
        if attempts < 1:
            raise InputError(f"attempts: expected at least 1 block, got {attempts}")
        if not 0.0 <= pause_s <= LONGEST_PAUSE_S:
            raise InputError(f"pause: expected 0 to {LONGEST_PAUSE_S:g} s, got {pause_s}")
        if not 0.0 < timeout_s < float("inf"):
            raise InputError(f"timeout: expected above 0 s, got {timeout_s}")
        if adversary is not None and not hasattr(adversary, "touch"):
            raise InputError(
                "adversary: expected one on single photons, as InterceptResend, got "
                f"{type(adversary).__name__}"
            )
        if memory is not None and (channel or detector or adversary) is not None:
            raise InputError(
                "memory: expected no channel, detector or adversary of photons beside it, got some"
            )
        self.memory = memory
        self.link = Link(channel or Channel(), detector or Detector(), adversary or Nobody())
        if self.link.detector.remembers:
            raise InputError(
                "detector: expected one without dead time and afterpulses, got "
                f"{self.link.detector.dead_time_gates} gates and "
                f"{self.link.detector.afterpulse_probability}"
            )
        self.parameters = parameters
        self.attempts = attempts
        self.pause_s = pause_s
        self.timeout_s = timeout_s
        self._wires = wires
        self._randomness = randomness

    async def generate_keys(self) -> SiftedKeys:
        """The sifted bits of both ends of the first block that leaves a key.

        Runs in threads of its own, which end with it, also when it is cancelled. A noisy block, or
        one whose ends lost each other, is followed by another. Raises ``ChannelAttacked`` when all
        ``attempts`` blocks in a row were too noisy, and at once when a classical message was
        forged; ``PeerLost`` and ``HeraldLost`` when the last block ended so; ``SourceUnhealthy``;
        ``CoherenceExceeded`` when memories are foretold to have lost what gives key.
        """
        if self.memory is not None:
            await asyncio.to_thread(self.memory.require_key, self.parameters)
        noisy: list[BlockTooNoisy] = []
        tried = 0
        retrying = AsyncRetrying(
            stop=stop_after_attempt(self.attempts),
            wait=wait_random_exponential(multiplier=self.pause_s, max=LONGEST_PAUSE_S),
            retry=retry_if_exception(_may_be_retried),
            sleep=_pause,
            reraise=True,
        )
        try:
            async for attempt in retrying:
                with attempt:
                    tried += 1
                    try:
                        sender, receiver, limit, record = await self._run_block()
                    except BlockTooNoisy as error:
                        noisy.append(error)
                        raise
                    return SiftedKeys(
                        sender=sender,
                        receiver=receiver,
                        limit=limit,
                        rejected=tuple(one.qber for one in noisy),
                        authentication_bits=8 * BLOCK_BYTES * tried,
                        created_at=time.time(),
                        record=record,
                    )
        except MessageForged as error:
            qbers = [one.qber for one in noisy]
            raise ChannelAttacked(tried, qbers, None, str(error)) from error
        except BlockTooNoisy as error:
            if len(noisy) < tried:
                raise
            qbers = [one.qber for one in noisy]
            raise ChannelAttacked(tried, qbers, error.limit, None) from error
        raise AssertionError("a block is good, or the last one's error was raised")

    async def _run_block(
        self,
    ) -> tuple[EstimatedBits, EstimatedBits, float, SyndromeRecord | None]:
        rng = self._randomness()
        rng.require_secret("a key of the link")
        seed, shared, order = (rng.secret_bytes(n) for n in (32, BLOCK_BYTES, 32))
        randomness = self._randomness(), self._randomness()
        sockets = self._wires()
        ends = self._ends(sockets, randomness, seed, shared, order)
        with ThreadPoolExecutor(len(ends), thread_name_prefix="link-end") as threads:
            runs = [threads.submit(_run, end, sockets) for end in ends]
            over = _when_done(runs)
            late = False
            try:
                async with asyncio.timeout(self.timeout_s):
                    await over.wait()
            except TimeoutError:
                late = True
            finally:
                # Whoever still waits for the other end sees that it is gone. What is being reckoned
                # is over in less than a round of pulses.
                _cut(sockets)
                await _uninterrupted(over)
                for one in sockets:
                    one.close()
        if late:
            raise PeerLost(f"link: expected a block within {self.timeout_s:g} s, got none")
        failures = [failure for failure in (run.exception() for run in runs) if failure]
        if failures:
            raise min(failures, key=_rank)
        sender, receiver = (run.result() for run in runs)
        return sender, receiver, qber_limit(ends[0], sender), self._record(ends)

    def _ends(
        self,
        sockets: tuple[socket.socket, socket.socket],
        randomness: tuple[Randomness, Randomness],
        seed: bytes,
        shared: bytes,
        order: bytes,
    ) -> tuple[SiftingSender, SiftingReceiver]:
        if self.memory is not None:
            return self._holding_ends(self.memory, sockets, randomness, seed, shared, order)
        made = []
        kinds = (SiftingSender, SiftingReceiver)
        for kind, wire, rng in zip(kinds, sockets, randomness, strict=True):
            light = TouchedLight(self.link, seed, Randomness.system())
            channel = ClassicalChannel(wire, self.timeout_s)
            made.append(kind(self.parameters, channel, light, OneTimeKeys(shared), rng, order))
        sender, receiver = made
        assert isinstance(sender, SiftingSender)
        assert isinstance(receiver, SiftingReceiver)
        return sender, receiver

    def _holding_ends(
        self,
        memory: MemoryLane,
        sockets: tuple[socket.socket, socket.socket],
        randomness: tuple[Randomness, Randomness],
        seed: bytes,
        shared: bytes,
        order: bytes,
    ) -> tuple[SiftingSender, SiftingReceiver]:
        from bridge.quantum.memory.medium import PairMedium
        from bridge.quantum.memory.sifting import PairReceiver, PairSender

        def common(
            wire: socket.socket, rng: Randomness
        ) -> tuple[LinkParameters, ClassicalChannel, PairMedium, OneTimeKeys, Randomness, bytes]:
            pairs = PairMedium(memory, seed, Randomness.system().noise)
            channel = ClassicalChannel(wire, self.timeout_s)
            return self.parameters, channel, pairs, OneTimeKeys(shared), rng, order

        first, second = (common(*one) for one in zip(sockets, randomness, strict=True))
        return PairSender(*first), PairReceiver(*second)

    def _record(self, ends: tuple[SiftingSender, SiftingReceiver]) -> SyndromeRecord | None:
        if self.memory is None:
            return None
        from bridge.quantum.memory.sifting import HeldEnd

        sender, receiver = ends
        assert isinstance(sender, HeldEnd)
        assert isinstance(receiver, HeldEnd)
        assert sender.held is not None
        assert receiver.held is not None
        return SyndromeRecord(sender.held, receiver.held, self.memory.held_s)


def _run(
    end: SiftingSender | SiftingReceiver, sockets: tuple[socket.socket, socket.socket]
) -> EstimatedBits:
    try:
        return end.sift_block()
    except BaseException:
        _cut(sockets)  # so that the other end does not wait
        raise


def _cut(sockets: tuple[socket.socket, socket.socket]) -> None:
    for one in sockets:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


def _when_done(runs: list[Future[EstimatedBits]]) -> asyncio.Event:
    """Set when all have ended, however they did."""
    over, loop = asyncio.Event(), asyncio.get_running_loop()

    def note(_: Future[EstimatedBits]) -> None:
        if all(run.done() for run in runs):
            loop.call_soon_threadsafe(over.set)

    for run in runs:
        run.add_done_callback(note)
    return over


async def _uninterrupted(over: asyncio.Event) -> None:
    """Wait for what ends soon, however often the waiting task is cancelled."""
    cancelled = False
    while not over.is_set():
        try:
            await over.wait()
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError


def _rank(failure: BaseException) -> int:
    """The more telling of both ends' failures first: a lost peer may be a forgery's other side."""
    order = (MessageForged, BlockRejected, PeerLost)
    if not isinstance(failure, LinkError):
        return -1
    return next((place for place, kind in enumerate(order) if isinstance(failure, kind)), -1)


async def _pause(seconds: float) -> None:
    await asyncio.sleep(seconds)


def _may_be_retried(error: BaseException) -> bool:
    return isinstance(error, LinkError) and error.retryable
