"""Corrected keys of either lane into a pool, with their provenance."""

from __future__ import annotations

from typing import Protocol

from bridge.domain.errors import InputError
from bridge.keyservice.linkblock import SIMULATED_LINK, SIMULATED_SOURCE, BlockHistory, LinkBlock
from bridge.keyservice.pool import LOCAL
from bridge.quantum.memory.corrected import CorrectedKeys, Lane

MEMORY_LINK = "simulated-memory-1"
LINK_IDS = {Lane.BULK: SIMULATED_LINK, Lane.MEMORY: MEMORY_LINK}

assert Lane.BULK.value == SIMULATED_SOURCE


class Deposits(Protocol):
    """A way into a pool: `KeyPool.deposit` or `PoolIntake.put`."""

    def __call__(self, block: LinkBlock, /) -> None:
        """Keep a block; kept when it returns."""
        ...


class PoolAdmission:
    """The pool of a `QuantumStateManager`: what it admits goes to ``deposit``, as ``owner``'s."""

    def __init__(self, deposit: Deposits, owner: str = LOCAL) -> None:
        if not callable(deposit):
            raise InputError(f"admission: expected a way into a pool, got {deposit!r}")
        self._deposit = deposit
        self._owner = owner

    def admit(self, state_id: str, keys: CorrectedKeys) -> None:
        """Keep a key under ``state_id``; raises what the pool does."""
        history = BlockHistory(
            block_id=state_id,
            link_id=LINK_IDS[keys.lane],
            owner=self._owner,
            source=keys.lane.value,
            simulated=keys.simulated,
            qber=keys.qber,
            leak_bits=keys.leak_bits,
            epsilon=keys.epsilon,
            created_at=keys.created_at,
        )
        self._deposit(LinkBlock(keys.key, history, None, keys.secret_fraction))
