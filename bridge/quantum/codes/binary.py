"""Linear algebra over bits: what a set of rows spans, and what is orthogonal to it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Bits = npt.NDArray[np.uint8]


def reduced(rows: Bits) -> tuple[Bits, list[int]]:
    """The reduced echelon form of ``rows`` without rows of zeros, and each row's leading column."""
    matrix: Bits = (rows & 1).astype(np.uint8)
    leading: list[int] = []
    for column in range(matrix.shape[1]):
        done = len(leading)
        below = np.flatnonzero(matrix[done:, column])
        if len(below) == 0:
            continue
        matrix[[done, done + below[0]]] = matrix[[done + below[0], done]]
        others = np.flatnonzero(matrix[:, column])
        matrix[others[others != done]] ^= matrix[done]
        leading.append(column)
        if done + 1 == len(matrix):
            break
    return matrix[: len(leading)], leading


def rank(rows: Bits) -> int:
    """How many of ``rows`` are independent."""
    return len(reduced(rows)[1])


def kernel(rows: Bits) -> Bits:
    """A basis of what has an even overlap with each row."""
    matrix, leading = reduced(rows)
    free = [column for column in range(rows.shape[1]) if column not in set(leading)]
    basis = np.zeros((len(free), rows.shape[1]), dtype=np.uint8)
    for at, column in enumerate(free):
        basis[at, column] = 1
        basis[at, leading] = matrix[:, column]
    return basis


def independent_of(rows: Bits, candidates: Bits) -> Bits:
    """Candidates, in their order, that neither ``rows`` nor those chosen before span."""
    stacked: Bits = np.concatenate([rows, candidates])
    # The leading columns of the transpose are the first rows that are independent.
    _, leading = reduced(np.ascontiguousarray(stacked.T))
    return stacked[[at for at in leading if at >= len(rows)]]
