"""How often each operation of a circuit fails."""

from __future__ import annotations

from dataclasses import dataclass, fields

from bridge.domain.errors import InputError


@dataclass(frozen=True, slots=True)
class CircuitNoise:
    """Probabilities of a depolarising error after each operation; a flip for the last but one two.

    ``one_qubit`` and ``two_qubit`` gates, ``measurement`` (the result is flipped), ``reset`` (the
    state is flipped), ``idle`` (a data qubit, once a round). Each from 0 to 1.
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
                raise InputError(f"noise: expected {field.name} of 0 to 1, got {value}")

    @classmethod
    def uniform(cls, p: float) -> CircuitNoise:
        """The same probability for all."""
        return cls(p, p, p, p, p)
