"""The pool of distilled key bits. A bit leaves it once. It lives in memory only."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

from bridge.domain.errors import InputError, PoolExhausted
from bridge.domain.keys import Provenance
from bridge.quantum.distillation.pipeline import DistilledBlock

SOURCE = "bb84-simulation"


@dataclass(frozen=True, slots=True)
class LinkKey:
    """Bits from the link, with where they came from. ``repr`` does not show them."""

    key: bytes = field(repr=False)
    provenance: Provenance


@dataclass(slots=True)
class _Stock:
    """What is left of one block."""

    rest: bytearray
    provenance: Provenance


class KeyPool:
    """Distilled bits, oldest first. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stock: deque[_Stock] = deque()

    def __repr__(self) -> str:
        return f"KeyPool({self.bits} bits, redacted)"

    @property
    def bits(self) -> int:
        """How many bits are there to take."""
        with self._lock:
            return self._available()

    def deposit(self, block: DistilledBlock) -> Provenance:
        """The provenance under which the block's key is now in the pool."""
        provenance = Provenance(
            source=SOURCE,
            simulated=True,
            block_id=str(uuid4()),
            qber=block.qber,
            leak_bits=block.leak_bits,
            epsilon=block.epsilon,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        with self._lock:
            self._stock.append(_Stock(bytearray(block.key), provenance))
        return provenance

    def take(self, bits: int) -> LinkKey:
        """``bits`` bits, a multiple of 8, that nobody was given before and nobody will be again.

        Where the key spans blocks, its provenance names all of them, the highest QBER, and the sums
        of leak and failure probability. Raises ``PoolExhausted``, taking nothing, when there are
        too few.
        """
        if bits < 8 or bits % 8:
            raise InputError(f"link key: expected a positive multiple of 8 bits, got {bits}")
        with self._lock:
            if bits > self._available():
                raise PoolExhausted(bits, self._available())
            key = bytearray()
            origins: list[Provenance] = []
            while 8 * len(key) < bits:
                stock = self._stock[0]
                count = min(bits // 8 - len(key), len(stock.rest))
                key += stock.rest[:count]
                stock.rest[:count] = bytes(count)
                del stock.rest[:count]
                origins.append(stock.provenance)
                if not stock.rest:
                    self._stock.popleft()
        return LinkKey(bytes(key), _joined(origins))

    def _available(self) -> int:
        return 8 * sum(len(stock.rest) for stock in self._stock)


def _joined(origins: list[Provenance]) -> Provenance:
    first = origins[0]
    if len(origins) == 1:
        return first
    return Provenance(
        source=first.source,
        simulated=any(origin.simulated for origin in origins),
        block_id="+".join(origin.block_id for origin in origins),
        qber=max(origin.qber for origin in origins),
        leak_bits=sum(origin.leak_bits for origin in origins),
        epsilon=sum(origin.epsilon for origin in origins),
        created_at=first.created_at,
    )
