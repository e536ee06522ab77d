"""Blocks of link key, and the seam behind which whatever makes them stands.

The simulated link is one `KeySource`; a faster one, or somebody else's KME, is another.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID, uuid4

from bridge.domain.errors import InputError, SourceUnhealthy
from bridge.domain.keys import Provenance
from bridge.keyservice.instants import iso
from bridge.quantum.distillation.pipeline import BlockParameters, DistilledBlock, distil_block
from bridge.quantum.link.randomness import Randomness

SIMULATED_SOURCE = "bb84-simulation"
SIMULATED_LINK = "simulated-1"
MAXIMUM_NAME = 64


def _checked() -> Randomness:
    """`checked_randomness`, which loads a compiler: not before a link runs."""
    from bridge.quantum.entropy.source import checked_randomness

    return checked_randomness()


@dataclass(frozen=True, slots=True)
class BlockHistory:
    """Where a block's bits come from.

    ``block_id`` is a UUID that both ends of the link know it by, ``owner`` the KME that may give
    its bits away, ``created_at`` Unix seconds. The others are a `Provenance`'s.
    """

    block_id: str
    link_id: str
    owner: str
    source: str
    simulated: bool
    qber: float
    leak_bits: int
    epsilon: float
    created_at: float

    def __post_init__(self) -> None:
        try:
            canonical = str(UUID(self.block_id))
        except ValueError:
            canonical = None
        if canonical != self.block_id:
            raise InputError(f"block id: expected a UUID, got {self.block_id!r}")
        for name, value in (("link id", self.link_id), ("owner", self.owner)):
            if not 1 <= len(value) <= MAXIMUM_NAME or not value.isprintable():
                raise InputError(
                    f"{name}: expected 1 to {MAXIMUM_NAME} printable characters, got {value!r}"
                )

    def provenance(self) -> Provenance:
        """The same as keys carry it."""
        return Provenance(
            source=self.source,
            simulated=self.simulated,
            block_id=self.block_id,
            qber=self.qber,
            leak_bits=self.leak_bits,
            epsilon=self.epsilon,
            created_at=iso(self.created_at),
        )


@dataclass(frozen=True, slots=True)
class LinkBlock:
    """Key from a link, with its history. ``repr`` does not show it.

    ``limit`` is the QBER at which a block like it would have given none and ``secret_fraction`` the
    key bits for each sifted bit; None where the source does not tell.
    """

    key: bytes = field(repr=False)
    history: BlockHistory
    limit: float | None = None
    secret_fraction: float | None = None

    def __post_init__(self) -> None:
        if not self.key:
            raise InputError(f"block {self.history.block_id}: expected key bytes, got none")


class KeySource(Protocol):
    """What fills a pool."""

    def next_block(self) -> LinkBlock:
        """One more block. Blocks until it is there: call it in a worker thread.

        ``BlockRejected`` for one that gave no key, a retryable `KeyServiceError` when the source
        cannot be reached now. ``SourceUnhealthy`` now and ever after, until `restart`.
        """
        ...

    def restart(self) -> None:
        """Start anew after a failure, since an operator said so."""
        ...


@dataclass(slots=True)
class SimulatedLink:
    """Distils blocks of a simulated link; ``owner`` is the KME that may give their bits away.

    All its secret bits come from one ``randomness``, whose health tests go on from block to block;
    once one has failed there is no block any more. For one thread at a time.
    """

    parameters: BlockParameters
    owner: str
    link_id: str = SIMULATED_LINK
    randomness: Callable[[], Randomness] = field(default_factory=lambda: _checked, repr=False)
    _drawn_from: Randomness | None = field(default=None, repr=False)
    _failure: SourceUnhealthy | None = field(default=None, repr=False)

    def next_block(self) -> LinkBlock:
        """See `KeySource.next_block`."""
        if self._failure is not None:
            raise self._failure
        try:
            if self._drawn_from is None:
                self._drawn_from = self.randomness()
                self._drawn_from.require_secret("a link's key")
            return self.of(distil_block(self.parameters, self._drawn_from))
        except SourceUnhealthy as failure:
            self._failure = failure
            raise

    def restart(self) -> None:
        """Draw from a source anew, which is tested before its first use."""
        self._drawn_from = self._failure = None

    def of(self, block: DistilledBlock) -> LinkBlock:
        """A distilled block under a new id."""
        history = BlockHistory(
            block_id=str(uuid4()),
            link_id=self.link_id,
            owner=self.owner,
            source=SIMULATED_SOURCE,
            simulated=True,
            qber=block.qber,
            leak_bits=block.leak_bits,
            epsilon=block.epsilon,
            created_at=time.time(),
        )
        return LinkBlock(block.key, history, block.limit, block.secret_fraction)
