"""The three hashes of a verification: mu, SampleInBall's stream, and the final one.

SHAKE256 (FIPS 202): rate 136 bytes, 17 lanes; the message is followed by 0x1f, and 0x80 is XORed
into the last byte of the last block. Lanes are little-endian. What is absorbed is a lane four times
in its word, by one multiplication; what is squeezed stands in the word's top 64 bits. Lanes of
``COMPLEMENTED`` stand inverted in the state (``keccak``): an empty state has them all ones, and
what is squeezed from them is inverted back.
"""

from __future__ import annotations

from scripts.kernels.asm import Asm
from scripts.kernels.decode87 import swap_bytes
from scripts.kernels.keccak import COMPLEMENTED
from scripts.kernels.layout87 import (
    C_LANES,
    CD_C_TILDE,
    KEY,
    M8,
    M16,
    M32,
    M64,
    MU,
    POLYS,
    REPEAT,
    STATE,
    STREAM,
    STRIDE,
    TOP_LANE,
    word,
)
from scripts.kernels.mldsa87 import TAU, K, N, Q
from scripts.kernels.w1 import CHUNK, w1_place

RATE_BYTES = 136
RATE_LANES = 17
ALL_ONES = (1 << 256) - 1
SHAKE_PAD = 0x1F * REPEAT
LAST_BIT = (0x80 << 56) * REPEAT
LOW_192 = (1 << 192) - 1


def lane(index: int) -> int:
    """The address of a lane of the state."""
    return STATE + 32 * index


def emit_empty_state(asm: Asm, first: int = 0) -> None:
    """An empty state from lane ``first`` on."""
    for index in range(first, 25):
        asm.push(ALL_ONES if index in COMPLEMENTED else 0)
        asm.mstore(lane(index))


def put_lane(asm: Asm, index: int) -> None:
    """Store the top, which is repeated, as a lane of a state that was empty there."""
    if index in COMPLEMENTED:
        asm.op("NOT")
    asm.mstore(lane(index))


def _mix(asm: Asm, index: int) -> None:
    """XOR the top, which is repeated, into a lane of the state."""
    asm.mload(lane(index))
    asm.op("XOR")
    asm.mstore(lane(index))


def _pick(asm: Asm, source: str, number: int) -> None:
    """Lane ``number`` from the top (0 is the highest) of a word on the stack, repeated."""
    asm.dup("repeat")
    asm.dup(source)
    if number < 3:
        asm.shr(64 * (3 - number))
    asm.push(M64)
    asm.op("AND")
    asm.op("MUL")


def absorb_block(asm: Asm) -> None:
    """XOR the 136 bytes of memory at "at" into the state; "repeat" and the masks are there too."""
    for word_number in range(5):
        asm.dup("at")
        if word_number:
            asm.push(32 * word_number)
            asm.op("ADD")
        asm.op("MLOAD")
        swap_bytes(asm, "m8", "m16", "m32")
        asm.rename("block")
        for number in range(4 if word_number < 4 else 1):
            _pick(asm, "block", number)
            _mix(asm, 4 * word_number + number)
        asm.pop("block")


def emit_mu(asm: Asm, keccak: str, start: str, end: str) -> None:
    """mu = SHAKE256(tr || M', 64) to MU, its eight lanes repeated.

    tr stands at KEY. M' is the calldata between the values called ``start`` and ``end``. The
    memory from KEY + 64 on must be zero; it is used.
    """
    asm.push(REPEAT, "repeat")
    asm.push(M8, "m8")
    asm.push(M16, "m16")
    asm.push(M32, "m32")
    asm.dup(start)
    asm.dup(end)
    asm.op("SUB", "length")
    asm.dup("length")
    asm.dup(start)
    asm.push(KEY + 64)
    asm.op("CALLDATACOPY")
    asm.push(64)
    asm.op("ADD", "length")
    asm.push(0x1F)
    asm.push(KEY)
    asm.dup("length")
    asm.op("ADD")
    asm.op("MSTORE8")
    # The end of the last block: KEY + (length / 136 + 1) * 136
    asm.push(RATE_BYTES)
    asm.dup("length")
    asm.op("DIV")
    asm.push(1)
    asm.op("ADD")
    asm.push(RATE_BYTES)
    asm.op("MUL")
    asm.push(KEY)
    asm.op("ADD", "last_block")
    asm.swap("length")
    asm.pop("length")
    asm.dup("last_block")
    asm.push(32)
    asm.swap(asm.stack[-2])
    asm.op("SUB", "last")  # the word that ends with the last byte
    asm.dup("last")
    asm.op("MLOAD")
    asm.push(0x80)
    asm.op("XOR")
    asm.swap("last")
    asm.op("MSTORE")
    emit_empty_state(asm)
    asm.push(KEY, "at")
    asm.label("mu_block")
    absorb_block(asm)
    asm.call(keccak)
    asm.push(RATE_BYTES)
    asm.op("ADD", "at")
    asm.dup("last_block")
    asm.dup("at")
    asm.op("LT")
    asm.jumpi("mu_block")
    asm.pop("at")
    asm.pop("last_block")
    for index in range(8):
        asm.mload(lane(index))
        if index in COMPLEMENTED:
            asm.op("NOT")
        asm.mstore(MU + 32 * index)
    for constant in ("m32", "m16", "m8", "repeat"):
        asm.pop(constant)


def emit_sample_in_ball(asm: Asm, keccak: str) -> None:
    """SampleInBall(c_tilde) (FIPS 204, Algorithm 29) into lane 3 of the second set at POLYS.

    Those lanes must be zero. c_tilde's lanes are kept at C_LANES, four to a word.
    """
    asm.push(REPEAT, "repeat")
    asm.push(M8, "m8")
    asm.push(M16, "m16")
    asm.push(M32, "m32")
    for half in (0, 1):
        asm.push(CD_C_TILDE + 32 * half)
        asm.op("CALLDATALOAD")
        swap_bytes(asm, "m8", "m16", "m32")
        asm.rename("half")
        asm.dup("half")
        asm.mstore(C_LANES + 32 * half)
        for number in range(4):
            _pick(asm, "half", number)
            put_lane(asm, 4 * half + number)
        asm.pop("half")
    asm.push(SHAKE_PAD)
    put_lane(asm, 8)
    for index in range(9, 25):
        asm.push(LAST_BIT if index == 16 else 0)
        put_lane(asm, index)
    asm.call(keccak)
    _lane(asm, 0)
    asm.rename("signs")
    _squeeze(asm)
    asm.push(N - TAU, "i")
    asm.push(STREAM + 8, "at")
    asm.label("sample")
    asm.push(STREAM + RATE_BYTES)
    asm.dup("at")
    asm.op("LT")
    asm.jumpi("sample.byte")
    # The block is used up, which an honest signature hardly ever does: the next one.
    asm.call(keccak)
    _squeeze(asm)
    asm.push(STREAM)
    asm.replace("at")
    asm.label("sample.byte")
    asm.dup("at")
    asm.op("MLOAD")
    asm.shr(248, "j")
    asm.swap("at")
    asm.push(1)
    asm.op("ADD", "at")
    asm.swap("j")
    asm.dup("i")
    asm.dup("j")
    asm.op("GT")
    asm.jumpi("sample.skip")
    with_j = list(asm.stack)
    asm.push(STRIDE)
    asm.op("MUL")
    asm.push(POLYS + word(1, 0))
    asm.op("ADD", "place_j")
    # c[i] = c[j]; lane 3 of place i is still zero.
    asm.push(TOP_LANE)
    asm.dup("place_j")
    asm.op("MLOAD")
    asm.op("AND", "c_j")
    asm.push(STRIDE)
    asm.dup("i")
    asm.op("MUL")
    asm.push(POLYS + word(1, 0))
    asm.op("ADD", "place_i")
    asm.swap("c_j")
    asm.dup("place_i")
    asm.op("MLOAD")
    asm.op("OR")
    asm.swap("place_i")
    asm.op("MSTORE")
    # c[j] = 1 or q - 1.
    asm.push(1)
    asm.dup("signs")
    asm.op("AND")
    asm.push(Q - 2)
    asm.op("MUL")
    asm.push(1)
    asm.op("ADD")
    asm.shl(192)
    asm.push(LOW_192)
    asm.dup("place_j")
    asm.op("MLOAD")
    asm.op("AND")
    asm.op("OR")
    asm.swap("place_j")
    asm.op("MSTORE")
    asm.dup("signs")
    asm.shr(1)
    asm.replace("signs")
    asm.push(1)
    asm.dup("i")
    asm.op("ADD")
    asm.replace("i")
    asm.push(N)
    asm.dup("i")
    asm.op("LT")
    asm.jumpi("sample")
    asm.jump("sample.done")
    asm.arrive(with_j)
    asm.label("sample.skip")
    asm.pop("j")
    asm.jump("sample")
    asm.label("sample.done")
    asm.pop("at")
    asm.pop("i")
    asm.pop("signs")
    for constant in ("m32", "m16", "m8", "repeat"):
        asm.pop(constant)


def _lane(asm: Asm, index: int) -> None:
    """Push a squeezed lane: the state has it in the word's top 64 bits."""
    asm.mload(lane(index))
    if index in COMPLEMENTED:
        asm.op("NOT")
    asm.shr(192)


def _squeeze(asm: Asm) -> None:
    """The 136 bytes of the state's first lanes to STREAM."""
    for word_number in range(5):
        squeeze_word(asm, word_number, 4 if word_number < 4 else 1)
        asm.mstore(STREAM + 32 * word_number)


def squeeze_word(asm: Asm, word_number: int, count: int) -> None:
    """Push 32 bytes of the stream as they are read: ``count`` lanes, the rest zero."""
    for number in range(count):
        _lane(asm, 4 * word_number + number)
        if number < 3:
            asm.shl(64 * (3 - number))
        if number:
            asm.op("OR")
    swap_bytes(asm, "m8", "m16", "m32")


def emit_final_hash(asm: Asm, keccak: str) -> None:
    """SHAKE256(mu || w1Encode(w1)) into the state: 136 lanes are eight blocks, a ninth pads.

    Reads MU and the words at W1.
    """
    asm.push(REPEAT, "repeat")
    asm.push(M64, "m64")
    for block in range(8):
        for index in range(RATE_LANES):
            number = RATE_LANES * block + index - 8
            if number < 0:
                asm.mload(MU + 32 * index)
            else:
                row, chunk = divmod(number, N // CHUNK)
                set_, lane_number = divmod(row, K // 2)
                asm.dup("repeat")
                asm.mload(w1_place(set_, chunk))
                if lane_number:
                    asm.shr(64 * lane_number)
                if lane_number < 3:
                    asm.dup("m64")
                    asm.op("AND")
                asm.op("MUL")
            if block:
                _mix(asm, index)
            else:
                put_lane(asm, index)
        if block == 0:
            emit_empty_state(asm, RATE_LANES)
        asm.call(keccak)
    asm.push(SHAKE_PAD)
    _mix(asm, 0)
    asm.push(LAST_BIT)
    _mix(asm, 16)
    asm.call(keccak)
    asm.pop("m64")
    asm.pop("repeat")


def emit_compare(asm: Asm) -> None:
    """Leave "equal": 1 when the state's first 64 bytes are c_tilde, kept at C_LANES, else 0."""
    for index in range(8):
        _lane(asm, index)
        asm.mload(C_LANES + 32 * (index // 4))
        if index % 4 < 3:
            asm.shr(64 * (3 - index % 4))
        asm.push(M64)
        asm.op("AND")
        asm.op("XOR")
        if index:
            asm.op("OR")
    asm.op("ISZERO", "equal")
