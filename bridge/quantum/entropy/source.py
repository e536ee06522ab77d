"""A source of secret bytes behind the health tests; once it fails it gives nothing more."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np

from bridge.domain.errors import SourceUnhealthy
from bridge.quantum.entropy.health import DEFAULT_FALSE_ALARM, STARTUP_SAMPLES, HealthTests
from bridge.quantum.link.randomness import Randomness, Words


class CheckedSource:
    """Bytes of ``source``, each through both tests before it is used.

    ``min_entropy`` is what the source claims for a byte. The operating system's generator gives 8,
    and a claim of 7 fails what got stuck or lost half its bits. A failure is final: the source
    raises ``SourceUnhealthy`` from then on, so that nothing downstream runs on.

    >>> source = CheckedSource(os.urandom)
    >>> len(source.read(32))
    32
    """

    __slots__ = ("_failure", "_source", "_tests")

    def __init__(
        self,
        source: Callable[[int], bytes],
        min_entropy: float = 7.0,
        false_alarm: float = DEFAULT_FALSE_ALARM,
    ) -> None:
        self._source = source
        self._tests = HealthTests(min_entropy, false_alarm)
        self._failure: SourceUnhealthy | None = None
        self.read(STARTUP_SAMPLES)

    @property
    def tested(self) -> int:
        """How many bytes passed, those of the start-up test among them."""
        return self._tests.tested

    def fill(self, words: Words) -> None:
        """Overwrite a vector with words that passed; raises like `read`."""
        words[:] = np.frombuffer(self.read(words.nbytes), dtype=np.uint64)

    def read(self, count: int) -> bytes:
        """``count`` bytes that passed; ``SourceUnhealthy`` now and ever after if one fails."""
        if self._failure is not None:
            raise self._failure
        drawn = self._source(count)
        try:
            self._tests.feed(np.frombuffer(drawn, dtype=np.uint8))
        except SourceUnhealthy as failure:
            self._failure = failure
            raise
        return drawn


def checked_randomness() -> Randomness:
    """The system's randomness, its secret bytes behind the health tests."""
    return Randomness(CheckedSource(os.urandom), reproducible=False)
