"""The ML-DSA-87 verification kernel, put together (FIPS 204, Algorithm 8).

The order keeps memory small: mu first, while nothing else is there; then z, the challenge, the
transforms, the product with the key, the inverse transforms, w1, hints, and the final hash.

Memory map: ``layout87``. Bounds: asserted below and derived where each part is written. Gas of the
kernel alone: 975,970 to 991,228 over the 70 official signatures that are valid and whose message
fits one block (``tests/unit/kernels/test_verify87.py`` prints it).
"""

from __future__ import annotations

from scripts.kernels.asm import Asm
from scripts.kernels.decode87 import emit_decode_z
from scripts.kernels.keccak import keccak_f1600
from scripts.kernels.layout87 import (
    CD_KEY,
    CD_MESSAGE,
    KEY,
    PLACES,
    POLYS,
    STATE,
    TABLE,
)
from scripts.kernels.matrix87 import HALF_WINDOW_BYTES, PART_BYTES, PARTS, emit_matrix
from scripts.kernels.mldsa87 import Q
from scripts.kernels.ntt import (
    Memory,
    intt,
    intt_output,
    load_twiddles,
    ntt,
    ntt_output,
    place_twiddles,
)
from scripts.kernels.sponge87 import (
    emit_compare,
    emit_final_hash,
    emit_mu,
    emit_sample_in_ball,
)
from scripts.kernels.w1 import emit_hints, emit_w1

SMALL_FROM = 32
"""From this index on the inverse transform leaves reduced sums, below 1.72 q."""
assert Memory(TABLE, compact=True).end <= POLYS
assert ntt_output()[1] < 1 << 33  # what matrix87 takes
assert (1 << 23) - 1 + (intt_output()[1] >> 23) * ((1 << 13) - 1) < 2 * Q  # what w1 reduces to

TR_BYTES = 64


TAIL_BYTES = TR_BYTES + 3 * 32
"""What follows the part in a key's first contract: tr and the addresses of the other three."""


def part_code(part: bytes, tail: bytes = b"") -> bytes:
    """The code of a contract that holds a part: STOP, the part, and in the first one the tail."""
    return b"\0" + part + tail


def program() -> bytes:
    """The kernel's code. Calldata as in ``layout87``; returns 32 bytes, 1 or 0."""
    return _assembly().assemble()


def parts() -> dict[str, list[tuple[int, int]]]:
    """The ranges of the code that are of each part of the work, for a measurement of gas.

    ``permutation`` is Keccak-f[1600], a subroutine of "shake" and "hash".
    """
    return _assembly().parts()


def _assembly() -> Asm:
    asm = Asm()
    asm.mark("rest")
    asm.push(CD_MESSAGE, "start")
    asm.op("CALLDATASIZE", "end")
    asm.push(CD_KEY)
    asm.op("CALLDATALOAD", "first")
    asm.dup("first")
    asm.jumpi("contracts")
    # The key is in calldata: PARTS gets the places of its parts, less the STOP of a contract.
    asm.pop("first")
    asm.push(PARTS * PART_BYTES + TR_BYTES)
    asm.dup("end")
    asm.op("SUB")
    asm.replace("end")
    for part in range(PARTS):
        asm.push((PART_BYTES * part - 1) % (1 << 256))
        asm.dup("end")
        asm.op("ADD")
        asm.mstore(PLACES + 32 * part)
    asm.push(TR_BYTES)
    asm.push(PARTS * PART_BYTES)
    asm.dup("end")
    asm.op("ADD")
    asm.push(KEY)
    asm.op("CALLDATACOPY")
    asm.jump("key")
    asm.arrive(["start", "end", "first"])
    asm.label("contracts")
    for offset, length, to in (
        (1 + PART_BYTES + TR_BYTES, 96, PLACES + 32),
        (1 + PART_BYTES, TR_BYTES, KEY),
    ):
        asm.push(length)
        asm.push(offset)
        asm.push(to)
        asm.dup("first")
        asm.op("EXTCODECOPY")
    asm.mstore(PLACES)
    asm.label("key")
    asm.mark("shake")
    emit_mu(asm, "keccak", "start", "end")
    asm.pop("end")
    asm.pop("start")
    asm.mark("decode")
    emit_decode_z(asm)
    asm.jumpi_out("reject")
    asm.mark("shake")
    emit_sample_in_ball(asm, "keccak")
    asm.mark("transform")
    load_twiddles(asm, "table", TABLE)
    asm.call("ntt")
    asm.mark("matrix")
    emit_product(asm)
    asm.mark("transform")
    asm.call("intt")
    asm.mark("hints")
    emit_w1(asm, SMALL_FROM)
    emit_hints(asm, "reject")
    asm.mark("hash")
    emit_final_hash(asm, "keccak")
    emit_compare(asm)
    asm.mark("rest")
    asm.push(0)
    asm.op("MSTORE")
    asm.push(32)
    asm.push(0)
    asm.op("RETURN")
    asm.label_out("reject")
    asm.push(0)
    asm.push(0)
    asm.op("MSTORE")
    asm.push(32)
    asm.push(0)
    asm.op("RETURN")
    asm.mark("permutation")
    asm.arrive(["back"])
    keccak_f1600(asm, "keccak", STATE)
    asm.mark("transform")
    asm.arrive(["back"])
    ntt(asm, "ntt", POLYS, TABLE)
    asm.arrive(["back"])
    intt(asm, "intt", POLYS, TABLE)
    asm.mark("rest")
    place_twiddles(asm, "table")
    return asm


def emit_product(asm: Asm) -> None:
    """The matrix product with the key, in contracts or in calldata: each part where PLACES says."""
    asm.push(PLACES, "slot")  # of rows 0 to 3; that of rows 4 to 7 is two further
    asm.push(1, "from")

    def load(asm: Asm) -> None:
        asm.push(CD_KEY)
        asm.op("CALLDATALOAD")
        asm.op("ISZERO")
        asm.jumpi("matrix.calldata")
        for half in (0, 1):
            _window(asm, half)
            _slot(asm, half)
            asm.op("EXTCODECOPY")
        asm.jump("matrix.next")
        asm.label("matrix.calldata")
        for half in (0, 1):
            asm.push(HALF_WINDOW_BYTES)
            asm.dup("from")
            _slot(asm, half)
            asm.op("ADD")
            asm.push(KEY + HALF_WINDOW_BYTES * half)
            asm.op("CALLDATACOPY")
        asm.label("matrix.next")
        # 16 windows are in a contract; then come the second pair of contracts.
        asm.push(HALF_WINDOW_BYTES)
        asm.dup("from")
        asm.op("ADD")
        asm.replace("from")
        asm.push(1 + PART_BYTES)
        asm.dup("from")
        asm.op("LT")
        asm.jumpi("matrix.loaded")
        asm.push(PLACES + 32)
        asm.replace("slot")
        asm.push(1)
        asm.replace("from")
        asm.label("matrix.loaded")

    emit_matrix(asm, load)
    asm.pop("from")
    asm.pop("slot")


def _window(asm: Asm, half: int) -> None:
    """Length, offset and memory of EXTCODECOPY for a half's window."""
    asm.push(HALF_WINDOW_BYTES)
    asm.dup("from")
    asm.push(KEY + HALF_WINDOW_BYTES * half)


def _slot(asm: Asm, half: int) -> None:
    """Where the part with a half's running window is."""
    asm.dup("slot")
    if half:
        asm.push(64)
        asm.op("ADD")
    asm.op("MLOAD")
