"""Where keys go: a sink takes each block's key, and has it kept when it returns."""

from __future__ import annotations

from typing import Protocol

from bridge.quantum.ends.halves import KeyBlock


class Sink(Protocol):
    """Takes keys. One sink belongs to one end of one link."""

    def put(self, block: KeyBlock) -> None:
        """Keep the block's key."""
