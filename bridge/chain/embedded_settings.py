"""How an embedded chain's process runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class EmbeddedSettings:
    """How the process runs; ``block_time_s`` 0 mines for transactions only."""

    port: int
    chain_id: int
    block_time_s: float
    finality: int
    state: Path | None
    log_range: int
