"""The two bases in which qubits are prepared, kept and measured here."""

from __future__ import annotations

from enum import StrEnum

from bridge.domain.errors import InputError


class Basis(StrEnum):
    """A Pauli basis. In a link's string of bases a bit of 0 means Z, one of 1 means X."""

    Z = "Z"
    X = "X"

    @property
    def other(self) -> Basis:
        """The basis that anticommutes with this one."""
        return Basis.Z if self is Basis.X else Basis.X

    @classmethod
    def named(cls, name: str | Basis) -> Basis:
        """The basis of that name; ``InputError`` for any other."""
        try:
            return cls(name)
        except ValueError:
            raise InputError(f"basis: expected X or Z, got {name!r}") from None
