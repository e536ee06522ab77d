"""SampleInBall fed with streams of our own: what no honest hash gives in a life is given here."""

from __future__ import annotations

import random

import pytest

from scripts.kernels.asm import Asm
from scripts.kernels.keccak_lanes import COMPLEMENTED
from scripts.kernels.layout87 import CD_SIGNATURE, POLYS, STATE, STREAM, TABLE
from scripts.kernels.mldsa87 import TAU, N, Q
from scripts.kernels.sponge87 import emit_sample_in_ball
from tests.unit.kernels.run import return_memory, run
from tests.unit.kernels.words import REGION, from_words

BLOCK = 136
STREAM_AT = CD_SIGNATURE + 64


def sampled(stream: bytes) -> list[int]:
    """c, when the permutation's outputs are the blocks of ``stream``.

    In the permutation's place stands a copy of the next 25 words of calldata.
    """
    asm = Asm()
    emit_sample_in_ball(asm, "keccak")
    return_memory(asm, POLYS, REGION)
    asm.arrive(["back"])
    asm.label("keccak")
    asm.push(25 * 32)
    asm.mload(TABLE)  # how many bytes were given so far
    asm.push(STREAM_AT)
    asm.op("ADD")
    asm.push(STATE)
    asm.op("CALLDATACOPY")
    asm.mload(TABLE)
    asm.push(25 * 32)
    asm.op("ADD")
    asm.mstore(TABLE)
    asm.op("JUMP")
    states = b""
    for start in range(0, len(stream), BLOCK):
        block = stream[start : start + BLOCK].ljust(BLOCK, b"\xff")
        for index in range(25):
            lane = int.from_bytes(block[8 * index : 8 * index + 8], "little")
            word = lane << 192
            if index in COMPLEMENTED:
                word ^= ((1 << 64) - 1) << 192
            states += word.to_bytes(32)
    ran = run(asm.assemble(), bytes(CD_SIGNATURE + 64) + states)
    return from_words(ran.output)[7]


def expected(stream: bytes) -> list[int]:
    """Algorithm 29 over a given stream."""
    signs, at, c = int.from_bytes(stream[:8], "little"), 8, [0] * N
    for i in range(N - TAU, N):
        while stream[at] > i:
            at += 1
        j = stream[at]
        at += 1
        c[i] = c[j]
        c[j] = Q - 1 if signs & 1 else 1
        signs >>= 1
    return c


def test_an_ordinary_stream() -> None:
    stream = random.Random(1).randbytes(BLOCK)
    assert sampled(stream) == expected(stream)


@pytest.mark.parametrize("rejected", [68, 69, 127, 128, 129, 263, 264, 265, 400])
def test_a_block_that_runs_out(rejected: int) -> None:
    """Bytes of 255 are refused until i is 255: the stream goes on into further blocks."""
    source = random.Random(rejected)
    accepted = bytes(source.randrange(N - TAU) for _ in range(TAU))
    stream = source.randbytes(8) + accepted[:1] + b"\xff" * rejected + accepted[1:]
    assert sampled(stream) == expected(stream.ljust(6 * BLOCK, b"\xff"))


def test_every_place_is_taken_from_itself_and_from_zero() -> None:
    own = bytes(8) + bytes(range(N - TAU, N))
    assert sampled(own) == expected(own) == [0] * (N - TAU) + [1] * TAU
    zero = b"\xff" * 8 + bytes(TAU)
    assert sampled(zero) == expected(zero)


def test_the_stream_has_its_room() -> None:
    assert STREAM + BLOCK <= TABLE
