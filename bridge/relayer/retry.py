"""When a delivery that was refused is tried again. The only table of delays."""

from __future__ import annotations

DELAYS_S = (2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0, 7200.0, 7200.0, 86400.0)
"""Seconds to wait after the first failed delivery, after the second and so on. After the last one's
attempt the message goes to the dead-letter state, about two days after its first."""
LONGEST_DELAY_S = max(DELAYS_S)


def next_attempts_at(now: float) -> list[float]:
    """When a message is tried again that fails now, by how often it failed before; Unix seconds."""
    return [now + delay for delay in DELAYS_S]
