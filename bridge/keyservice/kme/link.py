"""The simulated link between two KMEs: one process that feeds both ends.

Where hardware is, each end's device feeds the KME beside it, and nothing but the classical channel
is between them. Here one process distils, so it knows both ends' key, and says so: "simulated".
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

import structlog

from bridge.domain.errors import BlockRejected, KmeUnreachable, LinkError, SourceUnhealthy
from bridge.keyservice.kme.peer import LinkEnd
from bridge.keyservice.linkblock import KeySource, LinkBlock

_log = structlog.stdlib.get_logger(__name__)

IDLE_S = 0.2
AWAY_S = 1.0


@dataclass(slots=True)
class LinkFeeder:
    """Keeps the pools of two KMEs between their water marks, from one source of blocks.

    After ``patience`` rejected blocks in a row the link has failed.
    """

    source: KeySource
    ends: tuple[LinkEnd, LinkEnd]
    patience: int = 5
    fed: int = 0
    _rejected_in_a_row: int = 0
    _filling: frozenset[str] = frozenset()

    def run(self, stop: threading.Event) -> None:
        """Feeds until ``stop`` is set; ``LinkError`` when the link has failed.

        ``SourceUnhealthy`` is one: no block comes of this source any more.
        """
        while not stop.is_set():
            try:
                if not self.step():
                    stop.wait(IDLE_S)
            except KmeUnreachable as error:
                _log.warning("link.kme_away", reason=str(error))
                stop.wait(AWAY_S)

    def step(self) -> bool:
        """One block for the emptier of the KMEs that are low; whether there was one.

        Raises ``KmeUnreachable``, and ``LinkError`` when the link has failed.
        """
        levels = [end.level() for end in self.ends]
        self._filling = frozenset(
            level.kme_id
            for level in levels
            if level.bits < level.low_bits
            or (level.kme_id in self._filling and level.bits < level.high_bits)
        )
        if not self._filling:
            return False
        owner = min(
            (level for level in levels if level.kme_id in self._filling),
            key=lambda level: level.bits,
        ).kme_id
        block = self._next()
        if block is None:
            return True
        self.deposit(replace(block, history=replace(block.history, owner=owner)))
        return True

    def deposit(self, block: LinkBlock) -> None:
        """The same block to both ends, to its owner last: it gives away what both have."""
        names = {end.level().kme_id: end for end in self.ends}
        owner = names.pop(block.history.owner)
        (other,) = names.values()
        other.deposit(block)
        owner.deposit(block)
        self.fed += 1
        _log.info(
            "link.block_fed",
            block_id=block.history.block_id,
            owner=block.history.owner,
            key_bits=8 * len(block.key),
            simulated=block.history.simulated,
        )

    def _next(self) -> LinkBlock | None:
        try:
            block = self.source.next_block()
        except SourceUnhealthy as failure:
            _log.error("link.stopped", reason=str(failure))
            raise
        except BlockRejected as rejection:
            self._rejected_in_a_row += 1
            _log.warning("link.block_rejected", reason=str(rejection))
            if self._rejected_in_a_row >= self.patience:
                raise LinkError(
                    f"link under attack or broken: {self._rejected_in_a_row} blocks in a row gave "
                    f"no key, the last: {rejection}"
                ) from rejection
            return None
        self._rejected_in_a_row = 0
        return block
