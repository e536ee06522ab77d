"""Circuit-level noise in five numbers, the seam between hardware profiles and codes."""

from __future__ import annotations

from dataclasses import dataclass, fields

from bridge.domain.errors import InputError


@dataclass(frozen=True, slots=True)
class CircuitNoise:
    """Probabilities of a depolarising error after each kind of operation, in [0, 1].

    ``one_qubit`` and ``two_qubit`` after a gate, ``measurement`` of a flipped result, ``reset`` of
    a flipped state, ``idle`` on a qubit that waits while others are worked on. Raises
    ``InputError`` for a figure outside [0, 1] or NaN.

    >>> CircuitNoise.uniform(0.001).idle
    0.001
    """

    one_qubit: float
    two_qubit: float
    measurement: float
    reset: float
    idle: float

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not 0.0 <= value <= 1.0:
                raise InputError(
                    f"noise: {field.name}: expected a probability in [0, 1], got {value}"
                )

    @classmethod
    def uniform(cls, p: float) -> CircuitNoise:
        """The same probability ``p`` everywhere."""
        return cls(p, p, p, p, p)
