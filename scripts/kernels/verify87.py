"""The ML-DSA-87 verification kernel, put together (FIPS 204, Algorithm 8).

The order keeps memory small: mu first, while nothing else is there; then z, the challenge, the
transforms, the product with the key, the inverse transforms, w1, hints, and the final hash.
"""

from __future__ import annotations

from scripts.kernels.asm import Asm
from scripts.kernels.decode87 import emit_decode_z
from scripts.kernels.keccak import keccak_f1600
from scripts.kernels.layout87 import (
    CD_KEY,
    CD_MESSAGE,
    KEY,
    PARTS,
    POLYS,
    SPREAD,
    STATE,
    TABLE,
)
from scripts.kernels.matrix87 import HALF_WINDOW_BYTES, PART_BYTES, emit_matrix
from scripts.kernels.ntt import TABLE_BYTES, intt, ntt, table
from scripts.kernels.sponge87 import (
    emit_compare,
    emit_final_hash,
    emit_mu,
    emit_sample_in_ball,
)
from scripts.kernels.w1 import emit_hints, emit_w1

SMALL_FROM = 128
"""The last layer of the inverse transform leaves products below 1.5 q from this index on."""

TR_BYTES = 64


TAIL_BYTES = TR_BYTES + 3 * 32
"""What follows the part in a key's first contract: tr and the addresses of the other three."""


def part_code(part: bytes, tail: bytes = b"") -> bytes:
    """The code of a contract that holds a part: STOP, the part, and in the first one the tail."""
    return b"\0" + part + tail


def build() -> bytes:
    """The kernel's code. Calldata as in ``layout87``; returns 32 bytes, 1 or 0."""
    asm = Asm()
    # From the first contract the other addresses, then tr, behind which the message comes
    for start, length, to in (
        (1 + PART_BYTES + TR_BYTES, 96, PARTS + 32),
        (1 + PART_BYTES, TR_BYTES, KEY),
    ):
        asm.push(length)
        asm.push(start)
        asm.push(to)
        asm.push(CD_KEY)
        asm.op("CALLDATALOAD")
        asm.op("EXTCODECOPY")
    asm.push(CD_KEY)
    asm.op("CALLDATALOAD")
    asm.mstore(PARTS)
    asm.push(CD_MESSAGE, "message")
    emit_mu(asm, "keccak", "message")
    asm.pop("message")
    emit_decode_z(asm)
    asm.jumpi_out("reject")
    emit_sample_in_ball(asm, "keccak")
    asm.push(TABLE_BYTES)
    asm.push_label("table")
    asm.push(TABLE)
    asm.op("CODECOPY")
    asm.call("ntt")
    emit_product(asm)
    asm.call("intt")
    emit_w1(asm, SMALL_FROM)
    emit_hints(asm, "reject")
    emit_final_hash(asm, "keccak")
    emit_compare(asm)
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
    asm.arrive(["back"])
    keccak_f1600(asm, "keccak", STATE)
    asm.arrive(["back"])
    ntt(asm, "ntt", POLYS, TABLE, SPREAD)
    asm.arrive(["back"])
    intt(asm, "intt", POLYS, TABLE, SPREAD)
    asm.data(table(), "table")
    return asm.assemble()


def emit_product(asm: Asm) -> None:
    """The matrix product with the key in four contracts, whose addresses are at PARTS."""
    asm.push(PARTS, "slot")  # of rows 0 to 3; that of rows 4 to 7 is two further
    asm.push(1, "from")

    def load(asm: Asm) -> None:
        for half in (0, 1):
            asm.push(HALF_WINDOW_BYTES)
            asm.dup("from")
            asm.push(KEY + HALF_WINDOW_BYTES * half)
            asm.dup("slot")
            if half:
                asm.push(64)
                asm.op("ADD")
            asm.op("MLOAD")
            asm.op("EXTCODECOPY")
        # The next window: 16 in a contract, then the second pair of contracts.
        asm.push(HALF_WINDOW_BYTES)
        asm.dup("from")
        asm.op("ADD")
        asm.replace("from")
        asm.push(1 + PART_BYTES)
        asm.dup("from")
        asm.op("LT")
        asm.jumpi("matrix.loaded")
        asm.push(PARTS + 32)
        asm.replace("slot")
        asm.push(1)
        asm.replace("from")
        asm.label("matrix.loaded")

    emit_matrix(asm, load)
    asm.pop("from")
    asm.pop("slot")
