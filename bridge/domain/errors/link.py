"""What the key link, memories and codes did not give."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.domain.errors.base import BridgeError


class LinkError(BridgeError):
    """Base of what goes wrong on the key link."""

    exit_code = 5


class BlockRejected(LinkError):
    """A block of the key link that yields no key."""

    retryable = True


class BlockTooNoisy(BlockRejected):
    """A block whose sampled QBER leaves no key; ``limit`` is the lowest that leaves none."""

    def __init__(self, qber: float, limit: float, sample_size: int) -> None:
        self.qber = qber
        self.limit = limit
        super().__init__(
            f"QBER {qber:.2%} of {sample_size} sampled bits is not below the limit {limit:.2%}"
        )


class ChannelAttacked(LinkError):
    """Somebody is on the key link, or it is broken: it gives no key.

    ``blocks`` were tried; ``qbers`` are those that were too noisy, against ``limit``; ``forged``
    says which classical message was not the other end's, if one was.
    """

    def __init__(
        self, blocks: int, qbers: Sequence[float], limit: float | None, forged: str | None
    ) -> None:
        self.blocks = blocks
        self.qbers = tuple(qbers)
        self.limit = limit
        self.forged = forged
        seen = ", ".join(f"{qber:.2%}" for qber in self.qbers)
        what = (
            f"a forged message in block {blocks}: {forged}"
            if forged is not None
            else f"QBER {seen} in {len(self.qbers)} of {blocks} blocks, expected below {limit:.2%}"
        )
        super().__init__(f"link under attack or broken: {what}")


class SourceUnhealthy(LinkError):
    """A source of randomness that failed a health test of SP 800-90B; ``test`` names it.

    ``cutoff`` is the count from which the test fails.
    """

    def __init__(self, test: str, seen: str, cutoff: int) -> None:
        self.test = test
        self.cutoff = cutoff
        super().__init__(
            f"randomness: {test} test failed: {seen}, expected fewer than {cutoff}: "
            "the source is stopped"
        )


class PeerLost(LinkError):
    """The other end of the key link is gone or too slow."""

    retryable = True


class MessageForged(LinkError):
    """A classical message of the key link that is not what the other end sent."""


class CoherenceExceeded(LinkError):
    """A memory asked for what it has lost by then; ``longest_s`` is how long it would have kept it.

    None where it never has it.
    """

    def __init__(self, what: str, asked_s: float, longest_s: float | None) -> None:
        self.asked_s = asked_s
        self.longest_s = longest_s
        limit = "it has none at any time" if longest_s is None else f"at most {longest_s:.3g} s"
        super().__init__(f"memory: {what}: {limit}, asked for {asked_s:.3g} s")


class HeraldLost(LinkError):
    """Too few pairs were heralded in the attempts that there were."""

    retryable = True

    def __init__(self, pairs: int, expected: int, attempts: int) -> None:
        self.pairs = pairs
        self.attempts = attempts
        super().__init__(
            f"memory lane: expected {expected} heralded pairs, got {pairs} of {attempts} attempts"
        )


class PurificationFailed(LinkError):
    """The two ends of a purification measured different bits: both pairs are gone."""

    retryable = True


class DecodingFailed(LinkError):
    """No decoder has an answer for the syndromes; ``failures`` says what each of them did."""

    retryable = True

    def __init__(self, what: str, failures: Sequence[str]) -> None:
        self.failures = tuple(failures)
        super().__init__(f"{what}: no decoder has an answer: {'; '.join(self.failures)}")


class StateUnusable(LinkError):
    """A state or key that is not there to be used, or not good enough to be admitted."""

    def __init__(self, state_id: str, why: str) -> None:
        super().__init__(f"state {state_id}: {why}")


class MemoryFull(LinkError):
    """No slot for a state of this priority."""

    retryable = True

    def __init__(self, node: str, wanted: int, free: int, priority: str) -> None:
        super().__init__(
            f"memory at {node}: expected {wanted} slots for a state of priority {priority}, "
            f"got {free}"
        )


class NoPath(LinkError):
    """No path between two nodes that gives key."""

    def __init__(self, source: str, target: str, why: str) -> None:
        super().__init__(f"no path from {source} to {target}: {why}")
