"""Times as people and logs read them."""

from __future__ import annotations

from datetime import UTC, datetime

from bridge.domain.errors import InputError


def iso(seconds: float) -> str:
    """ISO 8601 in UTC, to the second.

    >>> iso(0)
    '1970-01-01T00:00:00+00:00'
    """
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def seconds(text: str) -> float:
    """Unix seconds of an ISO 8601 time; one without a zone is UTC. ``InputError`` for others.

    >>> seconds("1970-01-01T01:00:00+01:00")
    0.0
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            f"time: expected ISO 8601, as 2026-01-31T12:00:00+00:00, got {text!r}"
        ) from None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
