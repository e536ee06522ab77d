"""The expander against FIPS 204 in plain Python."""

from functools import cache

import pytest

from scripts.kernels import mldsa87
from scripts.kernels.expand87 import HALF_BYTES, program
from scripts.kernels.matrix87 import key_parts
from tests.unit.kernels.run import run

KEYS = [bytes((i * step + start) % 256 for i in range(2592)) for step, start in ((7, 1), (13, 99))]
KEYS += [bytes(2592), b"\xff" * 2592]


@cache
def code() -> bytes:
    return program()


@cache
def parts(key: bytes) -> list[bytes]:
    return key_parts(mldsa87.expand_key(key))


def test_the_expander_fits_a_contract() -> None:
    print(f"expander: {len(code()):,} bytes")
    assert len(code()) <= 24_576


@pytest.mark.parametrize("half", [0, 1])
@pytest.mark.parametrize("number", range(len(KEYS)))
def test_half_the_rows(number: int, half: int) -> None:
    ran = run(code(), half.to_bytes(32) + KEYS[number])
    assert len(ran.output) == HALF_BYTES
    assert ran.output == b"".join(parts(KEYS[number])[2 * half : 2 * half + 2])
    print(f"half of the rows: {ran.gas:,} gas")
    assert ran.gas < 3_000_000


@pytest.mark.parametrize("number", range(len(KEYS)))
def test_tr(number: int) -> None:
    ran = run(code(), (2).to_bytes(32) + KEYS[number])
    assert ran.output == mldsa87.expand_key(KEYS[number]).tr
    print(f"tr: {ran.gas:,} gas")
    assert ran.gas < 660_000
