"""z decoded in lanes, and its norm, against FIPS 204 in plain Python."""

import random

import pytest

from scripts.kernels import mldsa87
from scripts.kernels.asm import Asm
from scripts.kernels.decode87 import emit_decode_z
from scripts.kernels.layout87 import CD_SIGNATURE, POLYS, STRIDE, word
from tests.unit.kernels.run import return_memory, run
from tests.unit.kernels.words import REGION

GOOD = 1 << 19


def program() -> Asm:
    asm = Asm()
    asm.push(0xDEAD, "below")
    emit_decode_z(asm)
    asm.push(0)
    asm.op("MSTORE")
    asm.pop("below")
    return asm


CODE = {}


def decoded(polys: list[list[int]]) -> tuple[bool, list[list[int]], int]:
    """The verdict on the norm, the eight lanes' coefficients, and the gas."""
    if not CODE:
        asm = program()
        return_memory(asm, 0, POLYS + REGION)
        CODE["code"] = asm.assemble()
    z = b"".join(
        sum(v << (20 * i) for i, v in enumerate(poly)).to_bytes(640, "little") for poly in polys
    )
    ran = run(CODE["code"], bytes(CD_SIGNATURE) + b"\xaa" * 64 + z + b"\xff" * 83)
    lanes = [[0] * 256 for _ in range(8)]
    for set_ in (0, 1):
        for index in range(256):
            at = POLYS + word(set_, index)
            value = int.from_bytes(ran.output[at : at + 32])
            for lane in range(4):
                lanes[4 * set_ + lane][index] = value >> (64 * lane) & (1 << 64) - 1
    return int.from_bytes(ran.output[:32]) == 0, lanes, ran.gas


def test_random_coefficients() -> None:
    source = random.Random(20261124)
    polys = [[source.randrange(121, (1 << 20) - 120) for _ in range(256)] for _ in range(7)]
    good, lanes, gas = decoded(polys)
    assert good
    for poly, lane in zip(polys, lanes, strict=False):
        assert lane == [mldsa87.GAMMA1 + mldsa87.Q - v for v in poly]
    assert lanes[7] == [0] * 256
    print(f"decode z: {gas:,} gas, {len(CODE['code'])} bytes")
    assert gas < 66_000


@pytest.mark.parametrize("value", [0, 1, 119, 120, (1 << 20) - 120, (1 << 20) - 1])
@pytest.mark.parametrize("index", [0, 1, 2, 3, 4, 5, 6, 251, 252, 254, 255])
def test_one_bad_coefficient_anywhere(value: int, index: int) -> None:
    for poly in (0, 3, 4, 6):
        polys = [[GOOD] * 256 for _ in range(7)]
        polys[poly][index] = value
        assert abs(mldsa87.GAMMA1 - value) >= mldsa87.GAMMA1 - mldsa87.BETA
        assert not decoded(polys)[0]


@pytest.mark.parametrize("value", [121, (1 << 20) - 121])
def test_the_largest_good_coefficients(value: int) -> None:
    assert abs(mldsa87.GAMMA1 - value) == mldsa87.GAMMA1 - mldsa87.BETA - 1
    good, lanes, _ = decoded([[value] * 256 for _ in range(7)])
    assert good
    assert all(lane == [mldsa87.GAMMA1 + mldsa87.Q - value] * 256 for lane in lanes[:7])


def test_layout_is_dense() -> None:
    places = {word(set_, index) for set_ in (0, 1) for index in range(256)}
    assert len(places) == 512
    assert max(places) + STRIDE <= 2 * 256 * 32 + STRIDE
