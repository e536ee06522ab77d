"""Patches of the rotated surface code, and the larger patches that surgery makes of them.

A data qubit sits at odd coordinates (2x + 1, 2y + 1), a check at even ones (2i, 2j); a check is of
basis X where i + j is even, of basis Z where it is odd, for the whole plane. A block is a rectangle
of data qubits. Its upper and lower edges carry checks of X on two qubits, its left and right edges
checks of Z. So the logical Z is a row and the logical X a column; blocks that touch with their
upper and lower edges are merged for ZZ, those side by side for XX (Horsman, Fowler, Devitt and Van
Meter 2012, arXiv 1111.4022).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bridge.domain.errors import InputError
from bridge.quantum.basis import Basis

Coordinate = tuple[int, int]


def checked_distance(distance: int) -> int:
    """``distance`` if it is odd and at least 3; ``InputError`` else."""
    if isinstance(distance, bool) or not isinstance(distance, int):
        raise InputError(f"distance: expected an odd number of at least 3, got {distance!r}")
    if distance < 3 or distance % 2 == 0:
        raise InputError(f"distance: expected an odd number of at least 3, got {distance}")
    return distance


@dataclass(frozen=True, slots=True)
class Check:
    """A check: its place, its basis, and its two or four data qubits.

    ``corners`` in the order of the places upper left, upper right, lower left, lower right, with
    None where the block has no qubit.
    """

    centre: Coordinate
    basis: Basis
    corners: tuple[Coordinate | None, ...]

    @property
    def support(self) -> frozenset[Coordinate]:
        """The data qubits."""
        return frozenset(corner for corner in self.corners if corner is not None)

    @property
    def steps(self) -> tuple[Coordinate | None, ...]:
        """The data qubit of each of the four layers of two-qubit gates.

        An error of the check's own qubit between the second and the third layer spreads to the last
        two data qubits. Those stand across the logical operator of the check's basis, in a column
        for Z and in a row for X, so that it takes d such errors and not d/2 to make one.
        """
        upper_left, upper_right, lower_left, lower_right = self.corners
        if self.basis is Basis.Z:
            return upper_left, lower_left, upper_right, lower_right
        return upper_left, upper_right, lower_left, lower_right


@dataclass(frozen=True, slots=True)
class Block:
    """A rectangle of ``width`` times ``height`` data qubits, both odd, from (``left``, ``top``)."""

    left: int
    top: int
    width: int
    height: int

    def __post_init__(self) -> None:
        for name in ("width", "height"):
            side = getattr(self, name)
            if side < 3 or side % 2 == 0:
                raise InputError(f"{name}: expected an odd number of at least 3, got {side}")

    @property
    def right(self) -> int:
        """The first column after the block."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """The first row after the block."""
        return self.top + self.height

    def data(self) -> tuple[Coordinate, ...]:
        """All data qubits, row by row."""
        return tuple(
            (2 * x + 1, 2 * y + 1)
            for y in range(self.top, self.bottom)
            for x in range(self.left, self.right)
        )

    def row(self, y: int) -> tuple[Coordinate, ...]:
        """The data qubits of row ``y``: a logical Z."""
        if not self.top <= y < self.bottom:
            raise InputError(f"row: expected {self.top} to {self.bottom - 1}, got {y}")
        return tuple((2 * x + 1, 2 * y + 1) for x in range(self.left, self.right))

    def column(self, x: int) -> tuple[Coordinate, ...]:
        """The data qubits of column ``x``: a logical X."""
        if not self.left <= x < self.right:
            raise InputError(f"column: expected {self.left} to {self.right - 1}, got {x}")
        return tuple((2 * x + 1, 2 * y + 1) for y in range(self.top, self.bottom))

    def logical(self, basis: Basis) -> tuple[Coordinate, ...]:
        """The first row for Z, the first column for X."""
        return self.row(self.top) if basis is Basis.Z else self.column(self.left)

    def checks(self) -> tuple[Check, ...]:
        """The checks, one fewer than data qubits, in the order of their rows."""
        return tuple(self._checks())

    def _checks(self) -> Iterator[Check]:
        for j in range(self.top, self.bottom + 1):
            for i in range(self.left, self.right + 1):
                basis = Basis.X if (i + j) % 2 == 0 else Basis.Z
                at_side = i in (self.left, self.right)
                at_end = j in (self.top, self.bottom)
                if at_side and (at_end or basis is Basis.X):
                    continue
                if at_end and basis is Basis.Z:
                    continue
                corners = tuple(
                    (2 * x + 1, 2 * y + 1)
                    if self.left <= x < self.right and self.top <= y < self.bottom
                    else None
                    for y in (j - 1, j)
                    for x in (i - 1, i)
                )
                yield Check((2 * i, 2 * j), basis, corners)

    def between(self, basis: Basis, first: int, last: int) -> tuple[Check, ...]:
        """The checks whose product is the product of two parallel logical operators.

        Rows ``first`` and ``last`` for Z, columns for X, with ``first`` <= ``last``.
        """
        axis = 1 if basis is Basis.Z else 0
        return tuple(
            check
            for check in self._checks()
            if check.basis is basis and first < check.centre[axis] // 2 <= last
        )


def patch(column: int, row: int, distance: int) -> Block:
    """The patch at a place of a grid whose patches stand one row or column of qubits apart."""
    checked_distance(distance)
    return Block(column * (distance + 1), row * (distance + 1), distance, distance)


def merged(first: Block, second: Block) -> tuple[Basis, Block, tuple[Coordinate, ...]]:
    """What surgery makes of two neighbours: the basis it measures, the block, the seam's qubits.

    ``InputError`` unless the second one stands below the first (ZZ) or to its right (XX), one row
    or column of qubits apart.
    """
    if (first.left, first.width) == (second.left, second.width) and first.bottom + 1 == second.top:
        block = Block(first.left, first.top, first.width, first.height + 1 + second.height)
        return Basis.Z, block, block.row(first.bottom)
    if (first.top, first.height) == (second.top, second.height) and first.right + 1 == second.left:
        block = Block(first.left, first.top, first.width + 1 + second.width, first.height)
        return Basis.X, block, block.column(first.right)
    raise InputError(
        "merge: expected the second patch below the first or to its right, one row or column of "
        f"qubits apart, got {first} and {second}"
    )
