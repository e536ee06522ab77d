"""The life of a message, stage by stage. Values are persisted and never renamed."""

from __future__ import annotations

from enum import StrEnum


class Stage(StrEnum):
    """Where a message stands. Each arrow of the flow is one file of ``bridge.relayer``."""

    OBSERVED = "observed"
    FINALIZED = "finalized"
    BATCHED = "batched"
    ATTESTED = "attested"
    DELIVERED = "delivered"
    CONFIRMED = "confirmed"


ORDER = tuple(Stage)


def may_follow(before: Stage, after: Stage) -> bool:
    """Whether a message may go from ``before`` to ``after``.

    Forward by one stage; back to ``OBSERVED`` when a reorg removes its block; back to
    ``FINALIZED`` when one removes another message under its checkpoint, which finality rules out
    but a chain that lost its blocks does; back to ``ATTESTED`` when one removes its delivery.
    """
    if ORDER.index(after) == ORDER.index(before) + 1:
        return True
    if after is Stage.OBSERVED:
        return before in (Stage.OBSERVED, Stage.FINALIZED)
    return (before, after) in (
        (Stage.BATCHED, Stage.FINALIZED),
        (Stage.DELIVERED, Stage.ATTESTED),
    )
