"""The transforms in lanes against FIPS 204 in plain Python, up to the extremes."""

import random
from collections.abc import Callable
from functools import cache

import pytest

from scripts.kernels import mldsa87
from scripts.kernels.asm import Asm
from scripts.kernels.layout87 import POLYS, SPREAD, TABLE
from scripts.kernels.mldsa87 import Q
from scripts.kernels.ntt import (
    FORWARD_INPUT,
    FORWARD_OUTPUT,
    INVERSE_OUTPUT,
    TABLE_BYTES,
    intt,
    ntt,
    table,
)
from tests.unit.kernels.run import return_memory, run
from tests.unit.kernels.words import REGION, from_words, to_words


@cache
def code(inverse: bool, times: int = 1) -> bytes:
    """Calldata: the table, then the region. Everything below the region is dirty."""
    asm = Asm()
    asm.push(0xBEEF, "below")
    for at in range(0, POLYS, 32):
        asm.push((1 << 256) - 1)
        asm.mstore(at)
    asm.push(TABLE_BYTES)
    asm.push(0)
    asm.push(TABLE)
    asm.op("CALLDATACOPY")
    asm.push(REGION)
    asm.push(TABLE_BYTES)
    asm.push(POLYS)
    asm.op("CALLDATACOPY")
    for _ in range(times):
        asm.call("transform")
    asm.pop("below")
    return_memory(asm, POLYS, REGION + 64)
    asm.arrive(["back"])
    (intt if inverse else ntt)(asm, "transform", POLYS, TABLE, SPREAD)
    return asm.assemble()


def transformed(polys: list[list[int]], inverse: bool) -> list[list[int]]:
    ran = run(code(inverse), table() + to_words(polys))
    assert not any(ran.output[REGION:])  # nothing is written behind the region
    return from_words(ran.output)


def gas(inverse: bool) -> int:
    polys = [[1] * 256 for _ in range(8)]
    spent = [run(code(inverse, n), table() + to_words(polys)).gas for n in (1, 0)]
    return spent[0] - spent[1]


def check(polys: list[list[int]], inverse: bool) -> None:
    bound = INVERSE_OUTPUT if inverse else FORWARD_OUTPUT
    reference: Callable[[list[int]], list[int]] = (
        (lambda poly: mldsa87.inverse_ntt(poly, scaled=False)) if inverse else mldsa87.ntt
    )
    for poly, got in zip(polys, transformed(polys, inverse), strict=True):
        assert all(x < bound for x in got)
        if inverse:
            assert all(x < 3 * Q // 2 for x in got[128:])
        assert [x % Q for x in got] == reference(poly)


@pytest.mark.parametrize("inverse", [False, True])
def test_random(inverse: bool) -> None:
    source = random.Random(20261124)
    limit = Q if inverse else FORWARD_INPUT
    check([[source.randrange(limit) for _ in range(256)] for _ in range(8)], inverse)


@pytest.mark.parametrize("inverse", [False, True])
@pytest.mark.parametrize("pattern", ["largest", "zero", "alternating", "halves", "first", "last"])
def test_extremes(inverse: bool, pattern: str) -> None:
    top = (Q if inverse else FORWARD_INPUT) - 1
    poly = {
        "largest": [top] * 256,
        "zero": [0] * 256,
        "alternating": [top, 0] * 128,
        "halves": [0] * 128 + [top] * 128,
        "first": [top] + [0] * 255,
        "last": [0] * 255 + [top],
    }[pattern]
    check([poly] * 8, inverse)


def test_lanes_do_not_touch_each_other() -> None:
    for p in range(8):
        polys = [[0] * 256 for _ in range(8)]
        polys[p] = [FORWARD_INPUT - 1] * 256
        for other, got in enumerate(transformed(polys, False)):
            expected = mldsa87.ntt(polys[other])
            assert [x % Q for x in got] == expected


def test_there_and_back() -> None:
    source = random.Random(3)
    polys = [[source.randrange(Q) for _ in range(256)] for _ in range(8)]
    there = [[x % Q for x in poly] for poly in transformed(polys, False)]
    back = transformed(there, True)
    assert [[x * pow(256, -1, Q) % Q for x in poly] for poly in back] == polys


def test_no_lane_overflows_at_the_worst() -> None:
    """Every product of the two methods at the largest operands stays in its 64 bits."""
    largest = max((z << 32) // Q for z in mldsa87.ZETAS)
    for b in (FORWARD_OUTPUT - 1, INVERSE_OUTPUT - 1):
        assert b * largest < 1 << 64
        t = max(b * z - (b * ((z << 32) // Q) >> 32) * Q for z in mldsa87.ZETAS)
        assert 0 <= t < 3 * Q // 2
    assert all(
        0 <= FORWARD_OUTPUT * z - (FORWARD_OUTPUT * ((z << 32) // Q) >> 32) * Q < 2 * Q
        for z in mldsa87.ZETAS
    )


def test_gas() -> None:
    forward, inverse = gas(False), gas(True)
    print(f"two sets: forward {forward:,} gas, inverse {inverse:,} gas")
    assert forward < 210_000
    assert inverse < 215_000
