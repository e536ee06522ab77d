"""Expanding a public key on chain: the words that verification multiplies by, and tr.

One call expands four rows of the key: 28 polynomials from SHAKE128 (FIPS 204, Algorithm 30), four
streams at a time, bit by bit beside each other, and -t1 * 2^13 in the NTT domain as the eighth of
each row, all times 256^-1. Another call gives tr = SHAKE256(key, 64).

Rejection sampling takes three bytes at a time, little-endian, without the highest bit, and keeps
what is below q. A block of SHAKE128 has 168 bytes, 56 such candidates; three lanes of 64 bits hold
eight. Nothing branches on a candidate: a rejected one is ORed in as zero and the place stays. A
stream goes on until its 256 coefficients are there, however many blocks that takes; the last
group of eight may write past them, into memory that is not returned.

Calldata: 0 (rows 0 to 3), 1 (rows 4 to 7) or 2 (tr) as a word, then the 2,592-byte key.
Returns 32,768 bytes: index by index, row by row, a word of eight coefficients each
(``matrix87.row_word``); or the 64 bytes of tr.

Memory map: ``layout87`` and the constants below. Gas: 2,428,405 to 2,432,115 for half of the rows,
616,591 for tr (``tests/unit/kernels/test_expand87.py`` prints both).
"""

from __future__ import annotations

from scripts.kernels.asm import Asm
from scripts.kernels.decode87 import gather, swap_bytes
from scripts.kernels.keccak import keccak_f1600, keccak_f1600_x4
from scripts.kernels.keccak_lanes import interleave
from scripts.kernels.layout87 import (
    M8,
    M16,
    M32,
    M64,
    MU,
    POLYS,
    Q_LANES,
    REPEAT,
    STATE,
    TABLE,
    W1,
    lanes,
)
from scripts.kernels.mldsa87 import PUBLIC_KEY_BYTES, D, K, L, N, Q
from scripts.kernels.ntt import load_twiddles, ntt, place_twiddles
from scripts.kernels.separate import inversion, separate_x4
from scripts.kernels.sponge87 import (
    RATE_BYTES,
    absorb_block,
    emit_empty_state,
    lane,
    put_lane,
    squeeze_word,
)

CD_PART = 0x00
CD_KEY = 0x20
CD_T1 = CD_KEY + 32

ROWS = K // 2
INDEX_BYTES = 32 * ROWS
HALF_BYTES = N * INDEX_BYTES
OUT = POLYS + 512 * 32
RHO = MU
"""Four words: rho's lanes, the same in all four states."""
STREAMS = W1
"""Seven words of each stream, three lanes in each."""
STREAM_BYTES = 32 * 7
PLACES = STREAMS + 4 * STREAM_BYTES
"""Four words, where the next coefficient of each stream goes; behind them the streams' shifts."""
SHIFTS = PLACES + 4 * 32
assert SHIFTS + 4 * 32 <= TABLE

SHAKE128_LANES = 21
LAST_BIT = interleave([0x80 << 56] * 4)
GROUPS = SHAKE128_LANES // 3
LOW_23 = (1 << 23) - 1
SCALE = pow(N, -1, Q)
TEN_BITS = lanes((1 << 10) - 1)
T1_POLY_BYTES = 320
STRIDE = 32
"""Of t1's words: one set, so they stand one behind the other."""


def field_shift(p: int) -> int:
    """The bit at which polynomial ``p``'s coefficient stands in a word of the key."""
    return 32 * (2 * (3 - p) if p < 4 else 2 * (7 - p) + 1)


def program() -> bytes:
    """The code of the expander."""
    asm = Asm()
    asm.push(CD_PART)
    asm.op("CALLDATALOAD", "half")
    asm.push(2)
    asm.dup("half")
    asm.op("EQ")
    asm.jumpi("tr")
    _rho(asm)
    for quad in range(ROWS * L // 4):
        _streams(asm, quad)
        asm.call("expand4")
    _t1(asm)
    asm.push(HALF_BYTES)
    asm.push(OUT)
    asm.op("RETURN")
    asm.arrive(["half"])
    asm.label("tr")
    _tr(asm)
    asm.arrive(["half", "back"])
    _expand_four(asm)
    asm.arrive(["back"])
    keccak_f1600_x4(asm, "keccak4", STATE)
    separate_x4(asm, "separate", STREAM_BYTES)
    asm.arrive(["back"])
    keccak_f1600(asm, "keccak", STATE)
    asm.arrive(["back"])
    ntt(asm, "ntt", POLYS, TABLE, sets=1)
    place_twiddles(asm, "table")
    return asm.assemble()


def _masks(asm: Asm) -> None:
    asm.push(M8, "m8")
    asm.push(M16, "m16")
    asm.push(M32, "m32")


def _pop_masks(asm: Asm) -> None:
    for name in ("m32", "m16", "m8"):
        asm.pop(name)


def _rho(asm: Asm) -> None:
    """rho's four lanes, interleaved with themselves, at RHO."""
    _masks(asm)
    asm.push(CD_KEY)
    asm.op("CALLDATALOAD")
    swap_bytes(asm, "m8", "m16", "m32")
    asm.rename("rho")
    for number in range(4):
        asm.dup("rho")
        asm.shr(64 * (3 - number))
        asm.push(M64)
        asm.op("AND", "x")
        for bits in (32, 16, 8, 4, 2, 1):
            # Every other group of ``bits`` moves away by three times its size.
            asm.dup("x")
            asm.shl(3 * bits)
            asm.op("OR")
            asm.push(sum(((1 << bits) - 1) << at for at in range(0, 256, 4 * bits)))
            asm.op("AND", "x")
        asm.push(15)
        asm.op("MUL")
        asm.mstore(RHO + 32 * number)
    asm.pop("rho")
    _pop_masks(asm)


def _streams(asm: Asm, quad: int) -> None:
    """Lane 4 of four streams' seeds, and where their coefficients go."""
    seeds = []
    for stream in range(4):
        row, column = divmod(4 * quad + stream, L)
        seeds.append(column | row << 8 | 0x1F << 16)
        asm.push(OUT + 32 * row)
        asm.mstore(PLACES + 32 * stream)
        asm.push(field_shift(column))
        asm.mstore(SHIFTS + 32 * stream)
    # The row's byte is 4 higher in the second half.
    asm.dup("half")
    asm.push(interleave([ROWS << 8] * 4))
    asm.op("MUL")
    asm.push(interleave(seeds))
    asm.op("OR")
    asm.mstore(lane(4))


def _expand_four(asm: Asm) -> None:
    """The subroutine "expand4": SHAKE128 of four seeds, sampled into their places."""
    asm.label("expand4")
    for index in range(4):
        asm.mload(RHO + 32 * index)
        put_lane(asm, index)
    for index in range(5, 25):
        asm.push(LAST_BIT if index == SHAKE128_LANES - 1 else 0)
        put_lane(asm, index)
    asm.push(Q, "q")
    asm.push(SCALE, "scale")
    asm.label("block")
    asm.call("keccak4")
    for group in range(GROUPS):
        asm.push(sum(inversion(3 * group) & M64 << 64 * i for i in range(3)), "invert")
        asm.push(STREAMS + 32 * group, "target")
        asm.push(STATE + 96 * group, "source")
        asm.call("separate")
        for _ in range(3):
            asm.stack.pop()  # the subroutine takes its arguments
    asm.push(0, "stream")
    asm.label("stream")
    asm.dup("stream")
    asm.push(5)
    asm.op("SHL")
    asm.push(SHIFTS)
    asm.op("ADD")
    asm.op("MLOAD", "shift")
    asm.dup("stream")
    asm.push(STREAM_BYTES)
    asm.op("MUL")
    asm.push(STREAMS)
    asm.op("ADD", "from")
    asm.push(STREAM_BYTES)
    asm.dup("from")
    asm.op("ADD", "end")
    _place_of_stream(asm)
    asm.op("MLOAD", "at")
    asm.label("group")
    asm.push(OUT + HALF_BYTES)
    asm.dup("at")
    asm.op("LT")
    asm.op("ISZERO")
    asm.jumpi("stream.done")
    asm.dup("end")
    asm.dup("from")
    asm.op("LT")
    asm.op("ISZERO")
    asm.jumpi("stream.done")
    asm.dup("from")
    asm.op("MLOAD", "bits")
    asm.swap("at")
    for number in range(8):
        _candidate(asm, number)
    asm.swap("bits")
    asm.pop("bits")
    asm.push(32)
    asm.dup("from")
    asm.op("ADD")
    asm.replace("from")
    stack = list(asm.stack)
    asm.jump("group")
    asm.arrive(stack)
    asm.label("stream.done")
    _place_of_stream(asm)
    asm.op("MSTORE")
    for name in ("end", "from", "shift"):
        asm.pop(name)
    asm.push(1)
    asm.op("ADD", "stream")
    asm.push(4)
    asm.dup("stream")
    asm.op("LT")
    asm.jumpi("stream")
    asm.pop("stream")
    for stream in range(4):
        asm.push(OUT + HALF_BYTES)
        asm.mload(PLACES + 32 * stream)
        asm.op("LT")
        if stream:
            asm.op("OR")
    asm.jumpi("block")
    asm.pop("scale")
    asm.pop("q")
    asm.op("JUMP")


def _place_of_stream(asm: Asm) -> None:
    """The address of the running stream's place."""
    asm.dup("stream")
    asm.push(5)
    asm.op("SHL")
    asm.push(PLACES)
    asm.op("ADD")


def _candidate(asm: Asm, number: int) -> None:
    """Sample candidate ``number`` of "bits"; "at" is on top and moves on if it is kept."""
    asm.dup("bits")
    if number:
        asm.shr(24 * number)
    asm.push(LOW_23)
    asm.op("AND", "v")
    asm.dup("q")
    asm.dup("v")
    asm.op("LT", "kept")
    asm.swap("v")
    asm.dup("q")
    asm.swap("v")
    asm.dup("scale")
    asm.op("MULMOD")
    asm.dup("kept")
    asm.op("MUL")
    asm.dup("shift")
    asm.op("SHL")
    asm.dup("at")
    asm.op("MLOAD")
    asm.op("OR")
    asm.dup("at")
    asm.op("MSTORE")
    asm.shl(INDEX_BYTES.bit_length() - 1)
    asm.op("ADD", "at")


def _t1(asm: Asm) -> None:
    """The eighth polynomial of each row: NTT(-t1 * 2^13) times 256^-1, into its field at OUT.

    Ten bits a coefficient, little-endian: eight bytes hold six with four bits to spare, those at
    byte 15k coefficients 12k to 12k+5, those at byte 15k+7 the next six. q - t1 * 2^13 is above 0.
    """
    load_twiddles(asm, "table", TABLE)
    _masks(asm)
    asm.push(TEN_BITS, "ten")
    asm.push(Q_LANES, "q_lanes")
    asm.push(POLYS, "place")
    asm.push(ROWS * T1_POLY_BYTES)
    asm.dup("half")
    asm.op("MUL")
    asm.push(CD_T1)
    asm.op("ADD", "at")
    asm.push(15 * 21)
    asm.dup("at")
    asm.op("ADD", "end")
    asm.swap("at")
    asm.label("t1")
    for offset, first_bit, first in ((0, 0, 0), (7, 4, 6)):
        gather(asm, ROWS, T1_POLY_BYTES, offset)
        asm.rename("chunk")
        _spread_t1(asm, first_bit, first, 6)
    asm.swap("place")
    asm.push(12 * STRIDE)
    asm.op("ADD", "place")
    asm.swap("at")
    asm.push(15)
    asm.op("ADD", "at")
    asm.dup("end")
    asm.dup("at")
    asm.op("LT")
    asm.jumpi("t1")
    gather(asm, ROWS, T1_POLY_BYTES, 0)
    asm.rename("chunk")
    _spread_t1(asm, 0, 0, 4)
    for name in ("at", "end", "place", "q_lanes", "ten"):
        asm.swap(name)
        asm.pop(name)
    _pop_masks(asm)
    asm.call("ntt")
    asm.push(Q, "q")
    asm.push(SCALE, "scale")
    asm.push(OUT, "to")
    asm.push(POLYS, "place")
    asm.label("t1.out")
    asm.dup("place")
    asm.op("MLOAD", "word")
    for row in range(ROWS):
        asm.dup("q")
        asm.dup("scale")
        asm.dup("word")
        if row:
            asm.shr(64 * row)
        asm.push(M64)
        asm.op("AND")
        asm.op("MULMOD")
        asm.shl(field_shift(L))
        asm.dup("to")
        if row:
            asm.push(32 * row)
            asm.op("ADD")
        asm.op("MLOAD")
        asm.op("OR")
        asm.dup("to")
        if row:
            asm.push(32 * row)
            asm.op("ADD")
        asm.op("MSTORE")
    asm.pop("word")
    asm.push(STRIDE)
    asm.op("ADD", "place")
    asm.push(INDEX_BYTES)
    asm.dup("to")
    asm.op("ADD")
    asm.replace("to")
    asm.push(POLYS + N * STRIDE)
    asm.dup("place")
    asm.op("LT")
    asm.jumpi("t1.out")
    for name in ("place", "to", "scale", "q"):
        asm.pop(name)


def _spread_t1(asm: Asm, first_bit: int, index: int, count: int) -> None:
    for number in range(count):
        asm.dup("chunk")
        if first_bit + number:
            asm.shr(first_bit + 10 * number)
        asm.dup("ten")
        asm.op("AND")
        asm.shl(D)
        asm.dup("q_lanes")
        asm.op("SUB")
        asm.dup("place")
        if index + number:
            asm.push((index + number) * STRIDE)
            asm.op("ADD")
        asm.op("MSTORE")
    asm.pop("chunk")


def _tr(asm: Asm) -> None:
    """tr = SHAKE256(key, 64): nineteen blocks of 136 bytes and one of 8."""
    blocks, rest = divmod(PUBLIC_KEY_BYTES, RATE_BYTES)
    assert (blocks, rest) == (19, 8)
    # The key with its padding at OUT
    asm.push(PUBLIC_KEY_BYTES)
    asm.push(CD_KEY)
    asm.push(OUT)
    asm.op("CALLDATACOPY")
    asm.push(0x1F)
    asm.push(OUT + PUBLIC_KEY_BYTES)
    asm.op("MSTORE8")
    asm.push(0x80)
    asm.push(OUT + RATE_BYTES * (blocks + 1) - 1)
    asm.op("MSTORE8")
    emit_empty_state(asm)
    asm.push(REPEAT, "repeat")
    _masks(asm)
    asm.push(OUT, "at")
    asm.label("tr.block")
    absorb_block(asm)
    asm.call("keccak")
    asm.push(RATE_BYTES)
    asm.op("ADD", "at")
    asm.push(OUT + RATE_BYTES * (blocks + 1))
    asm.dup("at")
    asm.op("LT")
    asm.jumpi("tr.block")
    asm.pop("at")
    for half in (0, 1):
        squeeze_word(asm, half, 4)
        asm.mstore(OUT + 32 * half)
    asm.push(64)
    asm.push(OUT)
    asm.op("RETURN")
