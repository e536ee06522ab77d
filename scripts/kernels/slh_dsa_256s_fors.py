"""SLH-DSA-SHA2-256s on the EVM, first part: the roots of the FORS trees, two trees at a time.

The trees do not depend on each other, and one run of SHA-512's compression does two messages in
lanes (``sha512``). The program takes

    0x000  PK.seed                             32 bytes
    0x020  digest                              64 bytes, of which m = 47 count
    0x060  22 trees of sk and 14 nodes         10,560 bytes

and returns the k = 22 roots, 704 bytes, as Algorithm 17 of FIPS 205 gives them to T_k.

Memory:

    0x000 .. 0x080   the buffer of F as ``winternitz`` has it
    0x0a0 .. 0x120   block of H in the first tree of a pair: compressed address (22), M_1, M_2,
                     0x80; the block before it, PK.seed || 0^96, is in the midstate
    0x140 .. 0x1c0   block of H in the second tree
    0x1c0 .. 0x2c0   midstate in both lanes
    0x2c0 .. 0x3c0   chaining value after H
    0x3c0 .. 0xdc0   message schedule. W_11 .. W_15 are the same in each H: the padding.
    0xdc0 .. 0x1080  roots
"""

from __future__ import annotations

from scripts.kernels.asm import Asm
from scripts.kernels.sha512 import BLOCK, BOTH, MASK, Compression
from scripts.kernels.winternitz import BUFFER, FORS_TREE, M_1, SHA_256, store_address

N, A, K = 32, 14, 22
MD_BYTES, TREE_BYTES = 39, 7  # of the digest: ceil(k a / 8), and (h - h') / 8
DIGEST, TREES = 0x20, 0x60  # in the calldata
F_SIZE, H_SIZE = 86 + N, 22 + 2 * N
BLOCKS = (0xA0, 0x140)
START, STATE, SCHEDULE, ROOTS = 0x1C0, 0x2C0, 0x3C0, 0xDC0

COMPRESSION = Compression(two=True, start=START, state=STATE, schedule=SCHEDULE)


def program() -> bytes:
    """The kernel's code."""
    asm = Asm()
    _midstate(asm)
    for block in BLOCKS:
        asm.push(0x80)
        asm.push(block + H_SIZE)
        asm.op("MSTORE8")
    asm.push(8 * (BLOCK + H_SIZE) * BOTH)
    asm.mstore(SCHEDULE + 32 * 15)

    asm.push(DIGEST + MD_BYTES)
    asm.op("CALLDATALOAD")
    asm.shr(256 - 8 * TREE_BYTES)
    asm.shl(104)
    asm.push(DIGEST + MD_BYTES + TREE_BYTES)
    asm.op("CALLDATALOAD")
    asm.shr(248)
    asm.shl(64)
    asm.op("OR")
    asm.push(FORS_TREE << 96)
    asm.op("OR", "base")
    asm.push(TREES, "at")
    asm.push(ROOTS, "out")
    asm.push(0, "i")
    asm.label("pair of trees")
    _leaf(asm, 0)
    _leaf(asm, 1)
    _levels(asm)
    asm.pop()
    asm.pop()

    # i is even: the root of tree i, at index i of its level, is at M_1, and that of i + 1 at M_2.
    for tree, block in enumerate(BLOCKS):
        asm.mload(block + 22 + N * tree)
        asm.dup("out")
        asm.push(N * tree)
        asm.ops("ADD MSTORE")
    for name, step in (("at", 2 * N * (1 + A)), ("out", 2 * N)):
        asm.dup(name)
        asm.push(step)
        asm.op("ADD")
        asm.replace(name)
    asm.push(2)
    asm.op("ADD", "i")
    asm.push(K)
    asm.dup("i")
    asm.op("LT")
    asm.jumpi("pair of trees")
    asm.push(N * K)
    asm.push(ROOTS)
    asm.op("RETURN")
    _compress(asm)
    return asm.assemble()


def _midstate(asm: Asm) -> None:
    """PK.seed to the buffer of F, and the chaining value after PK.seed || 0^96 to START."""
    COMPRESSION.store_iv(asm)
    asm.push(0)
    asm.op("CALLDATALOAD", "seed")
    asm.dup("seed")
    asm.mstore(BUFFER)
    for t in range(4):
        asm.dup("seed")
        asm.shr(192 - 64 * t)
        asm.push(MASK)
        asm.op("AND")
        asm.push(BOTH)
        asm.op("MUL")
        asm.mstore(SCHEDULE + 32 * t)
    asm.pop("seed")
    asm.call("compress")
    asm.push(256)
    asm.push(STATE)
    asm.push(START)
    asm.op("MCOPY")


def _leaf(asm: Asm, tree: int) -> None:
    """The leaf of tree i + ``tree`` to its place in the block of H. Leaves its index."""
    asm.dup("i")
    if tree:
        asm.push(tree)
        asm.op("ADD")
    # i 2^a + 14 bits of md, from bit 14 i on
    asm.dup(asm.stack[-1])
    asm.shl(A)
    asm.swap(asm.stack[-2])
    asm.push(A)
    asm.op("MUL", "bits")
    asm.dup("bits")
    asm.shr(3)
    asm.push(DIGEST)
    asm.ops("ADD CALLDATALOAD")
    asm.swap("bits")
    asm.push(7)
    asm.op("AND")
    asm.push(256 - A)
    asm.ops("SUB SHR")
    asm.push((1 << A) - 1)
    asm.ops("AND OR")
    asm.rename(f"index {tree}")

    asm.dup(f"index {tree}")
    asm.dup("base")
    asm.op("OR")
    store_address(asm)
    asm.dup("at")
    asm.push(N * (1 + A) * tree)
    asm.ops("ADD CALLDATALOAD")
    asm.mstore(M_1)
    asm.push(32)
    _place(asm, tree)
    asm.push(F_SIZE)
    asm.push(BUFFER)
    asm.push(SHA_256)
    asm.op("GAS")
    asm.op("STATICCALL")
    asm.pop()


def _place(asm: Asm, tree: int) -> None:
    """Where the node of this index goes in the block of H: M_1 if it is even, M_2 if it is odd."""
    asm.dup(f"index {tree}")
    asm.push(1)
    asm.op("AND")
    asm.shl(5)
    asm.push(BLOCKS[tree] + 22)
    asm.op("ADD", "place")


def _levels(asm: Asm) -> None:
    """From the leaves to the roots; the indices become those of the roots."""
    asm.push(1, "height")
    asm.label("level")
    for tree, block in enumerate(BLOCKS):
        asm.dup("height")
        asm.shl(5)
        asm.dup("at")
        asm.op("ADD")
        if tree:
            asm.push(N * (1 + A) * tree)
            asm.op("ADD")
        asm.op("CALLDATALOAD", "sibling")
        _place(asm, tree)
        asm.push(2 * (block + 22) + N)
        asm.ops("SUB MSTORE")
        asm.dup(f"index {tree}")
        asm.shr(1)
        asm.replace(f"index {tree}")
        asm.dup(f"index {tree}")
        asm.dup("height")
        asm.shl(32)
        asm.op("OR")
        asm.dup("base")
        asm.op("OR")
        asm.mstore(block + 22 - 32)
    _unpack(asm)
    asm.call("compress")
    # Two words of each message: the first message in the upper 128 bits.
    for half in (0, 2):
        asm.mload(STATE + 32 * half)
        asm.shl(64)
        asm.mload(STATE + 32 * half + 32)
        asm.op("OR", f"half {half}")
    asm.dup("half 2")
    asm.shr(128)
    asm.dup("half 0")
    asm.shr(128)
    asm.shl(128)
    asm.op("OR")
    _place(asm, 0)
    asm.op("MSTORE")
    asm.push((1 << 128) - 1)
    asm.op("AND")
    asm.swap("half 0")
    asm.shl(128)
    asm.op("OR")
    _place(asm, 1)
    asm.op("MSTORE")
    asm.push(1)
    asm.op("ADD", "height")
    asm.push(A + 1)
    asm.dup("height")
    asm.op("LT")
    asm.jumpi("level")
    asm.pop("height")


def _unpack(asm: Asm) -> None:
    """The words W_0 .. W_10 of both blocks into the schedule: those that are not all padding."""
    asm.push(MASK, "lower")
    asm.push(MASK << 128, "upper")
    for t in range(-(-(H_SIZE + 1) // 8)):
        asm.mload(BLOCKS[0] + 8 * t - 8)
        asm.dup("upper")
        asm.op("AND")
        asm.mload(BLOCKS[1] + 8 * t - 24)
        asm.dup("lower")
        asm.ops("AND OR")
        asm.mstore(SCHEDULE + 32 * t)
    asm.pop("upper")
    asm.pop("lower")


def _compress(asm: Asm) -> None:
    asm.arrive(["return"])
    asm.label("compress")
    COMPRESSION.emit(asm)
    asm.op("JUMP")
