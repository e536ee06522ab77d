"""When a delivery that was refused is tried again. The only table of delays."""

from __future__ import annotations

DELAYS_S = (2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)


def delay_s(attempts: int) -> float:
    """Seconds to wait after ``attempts`` failed deliveries (at least 1); the last one repeats."""
    return DELAYS_S[min(attempts, len(DELAYS_S)) - 1]
