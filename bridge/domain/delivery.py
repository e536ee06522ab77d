"""The life of a message, stage by stage. Values are persisted and never renamed."""

from __future__ import annotations

from enum import StrEnum


class Stage(StrEnum):
    """Where a message stands. Each arrow of the flow is one file of ``bridge.relayer``.

    ``HELD``, ``DEAD_LETTER`` and ``DROPPED`` are beside the flow: no attempt is made while an
    endpoint has no verdict that is asked for; or any more, since the table of retries is used up or
    since an operator said so.
    """

    OBSERVED = "observed"
    FINALIZED = "finalized"
    BATCHED = "batched"
    ATTESTED = "attested"
    DELIVERED = "delivered"
    CONFIRMED = "confirmed"
    HELD = "held"
    DEAD_LETTER = "dead_letter"
    DROPPED = "dropped"


ORDER = (
    Stage.OBSERVED,
    Stage.FINALIZED,
    Stage.BATCHED,
    Stage.ATTESTED,
    Stage.DELIVERED,
    Stage.CONFIRMED,
)
"""The way of a message that arrives."""

_BACK = {
    (Stage.OBSERVED, Stage.OBSERVED),
    (Stage.FINALIZED, Stage.OBSERVED),
    (Stage.BATCHED, Stage.FINALIZED),
    (Stage.ATTESTED, Stage.BATCHED),
    (Stage.DELIVERED, Stage.ATTESTED),
}
_ASIDE = {
    (Stage.ATTESTED, Stage.HELD),
    (Stage.HELD, Stage.ATTESTED),
    (Stage.HELD, Stage.DROPPED),
    (Stage.HELD, Stage.DELIVERED),
    (Stage.ATTESTED, Stage.DEAD_LETTER),
    (Stage.ATTESTED, Stage.DROPPED),
    (Stage.DEAD_LETTER, Stage.DROPPED),
    (Stage.DEAD_LETTER, Stage.ATTESTED),
    (Stage.DROPPED, Stage.ATTESTED),
    (Stage.DEAD_LETTER, Stage.DELIVERED),
    (Stage.DROPPED, Stage.DELIVERED),
}


def may_follow(before: Stage, after: Stage) -> bool:
    """Whether a message may go from ``before`` to ``after``.

    Forward by one stage; back to ``OBSERVED`` when a reorg removes its block; back to
    ``FINALIZED`` when one removes another message under its checkpoint, which finality rules out
    but a chain that lost its blocks does; back to ``BATCHED`` when one removes the attestation, to
    ``ATTESTED`` when one removes its delivery. What was held or given up may be taken up again,
    and anybody may deliver it.
    """
    if after in ORDER[1:] and before is ORDER[ORDER.index(after) - 1]:
        return True
    return (before, after) in _BACK | _ASIDE
