"""The matrix product in lanes against plain sums, up to the extremes."""

import random

import pytest

from scripts.kernels.asm import Asm
from scripts.kernels.layout87 import KEY, POLYS
from scripts.kernels.matrix87 import HALF_WINDOW_BYTES, PART_BYTES, emit_matrix, key_parts
from scripts.kernels.mldsa87 import ExpandedKey, Q
from tests.unit.kernels.run import return_memory, run
from tests.unit.kernels.words import REGION, from_words, to_words

LARGEST = (1 << 33) - 1


def code() -> bytes:
    """Calldata: the region, then the key."""
    asm = Asm()
    asm.push(REGION)
    asm.push(0)
    asm.push(POLYS)
    asm.op("CALLDATACOPY")
    asm.push(REGION, "next")

    def load(asm: Asm) -> None:
        """The calldata has the halves of the rows one after the other."""
        for half in (0, 1):
            asm.push(HALF_WINDOW_BYTES)
            asm.dup("next")
            if half:
                asm.push(2 * PART_BYTES)
                asm.op("ADD")
            asm.push(KEY + HALF_WINDOW_BYTES * half)
            asm.op("CALLDATACOPY")
        asm.dup("next")
        asm.push(HALF_WINDOW_BYTES)
        asm.op("ADD")
        asm.replace("next")

    emit_matrix(asm, load)
    return_memory(asm, POLYS, REGION)
    return asm.assemble()


CODE = code()


def product(rows: list[list[list[int]]], columns: list[list[int]]) -> tuple[list[list[int]], int]:
    key = b"".join(key_parts(ExpandedKey(b"", rows)))
    ran = run(CODE, to_words(columns) + key)
    return from_words(ran.output), ran.gas


def expected(rows: list[list[list[int]]], columns: list[list[int]]) -> list[list[int]]:
    return [
        [sum(a[i] * b[i] for a, b in zip(row, columns, strict=True)) % Q for i in range(256)]
        for row in rows
    ]


def test_random() -> None:
    source = random.Random(20261124)
    rows = [[[source.randrange(Q) for _ in range(256)] for _ in range(8)] for _ in range(8)]
    columns = [[source.randrange(LARGEST + 1) for _ in range(256)] for _ in range(8)]
    got, gas = product(rows, columns)
    assert got == expected(rows, columns)
    print(f"matrix: {gas:,} gas, {len(CODE)} bytes")
    assert gas < 180_000


@pytest.mark.parametrize(("a", "b"), [(Q - 1, LARGEST), (0, LARGEST), (Q - 1, 0), (1, 1)])
def test_extremes(a: int, b: int) -> None:
    rows = [[[a] * 256 for _ in range(8)] for _ in range(8)]
    columns = [[b] * 256 for _ in range(8)]
    got, _ = product(rows, columns)
    assert got == expected(rows, columns)


def test_each_polynomial_meets_its_own() -> None:
    rows = [[[0] * 256 for _ in range(8)] for _ in range(8)]
    for r in range(8):
        for p in range(8):
            rows[r][p][8 * r + p] = 1
    columns = [[1000 + 100 * p + i % 10 for i in range(256)] for p in range(8)]
    got, _ = product(rows, columns)
    assert got == expected(rows, columns)
