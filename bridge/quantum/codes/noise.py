"""How often each operation of a circuit goes wrong."""

from __future__ import annotations

from dataclasses import dataclass, fields

from bridge.domain.errors import InputError


def checked_probability(name: str, value: float) -> float:
    """``value`` as a float; `InputError` unless it is a number in [0, 1]."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
        raise InputError(f"{name}: expected a probability from 0 to 1, got {value!r}")
    return float(value)


@dataclass(frozen=True, slots=True)
class CircuitNoise:
    """Probabilities of an error with each operation, all in [0, 1].

    ``one_qubit`` and ``two_qubit`` depolarise after a gate: one of the 3, or of the 15, Pauli
    operators that are not the identity, each as likely. ``idle`` does after a qubit waits; in a
    code's round each data qubit does while the others are measured and reset, once.
    ``measurement`` turns the result over, and ``reset`` leaves the orthogonal state.
    """

    one_qubit: float
    two_qubit: float
    measurement: float
    reset: float
    idle: float

    def __post_init__(self) -> None:
        for field in fields(self):
            checked_probability(field.name, getattr(self, field.name))

    @classmethod
    def uniform(cls, p: float) -> CircuitNoise:
        """The same probability ``p`` everywhere."""
        checked_probability("p", p)
        return cls(one_qubit=p, two_qubit=p, measurement=p, reset=p, idle=p)
