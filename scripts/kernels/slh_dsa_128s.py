"""SLH-DSA-SHA2-128s on the EVM: from a signature and the digest of its message to the root.

The readable form of what is computed is ``slh_dsa_reference`` beside this file. The program takes

    0x00  PK.seed || anything        32 bytes
    0x20  digest                     32 bytes, of which m = 30 count
    0x40  SIG without R              7,840 bytes

and returns the root that the signature leads to, 16 bytes and 16 of no meaning. Nothing is checked
in here: the contract that calls it has checked the lengths, and compares the root with PK.root.

Memory: the buffer of F and H as ``winternitz`` has it, M_2 behind M_1; then

    0x90 .. 0xd0    PK.seed || 0^48: the first block of T_k and T_len
    0xd0 .. 0xe6    compressed address
    0xe6 .. 0x316   k = 14 roots, or len = 35 values of a WOTS+ signature, then chain ends
    0x320 .. 0x343  35 bytes 1 + digit

The levels of a path are unrolled: their heights are constants.
"""

from __future__ import annotations

from scripts.kernels.asm import Asm
from scripts.kernels.merkle_path import lane, places
from scripts.kernels.winternitz import (
    BUFFER,
    CHAIN_BYTE,
    FORS_ROOTS,
    FORS_TREE,
    HASH_BYTE,
    M_1,
    SHA_256,
    TREE,
    WOTS_PK,
    Chains,
    checksum_digits,
    hash_from_flag,
    lanes,
    spread,
    store_address,
    sum_of_bytes,
)

N, H_PRIME, D, A, K, LEN = 16, 9, 7, 12, 14, 35
M_2 = M_1 + N
T_BUFFER = 0x90
T_ADDRESS = T_BUFFER + 64
T_VALUES = T_ADDRESS + 22
DIGITS = 0x320
SIGNATURE = 0x40  # in the calldata
F_SIZE, H_SIZE = 86 + N, 86 + 2 * N

CHAINS = Chains(n=N, count=LEN, values=T_VALUES, digits=DIGITS)


def program() -> bytes:
    """The kernel's code."""
    asm = Asm()
    asm.jump("start")
    layer_stack = ["tree", "leaf", "at", "layer"]
    CHAINS.emit(asm, layer_stack, "chains done")

    asm.arrive([])
    asm.label("start")
    asm.push(0)
    asm.op("CALLDATALOAD")
    asm.shr(128)
    asm.shl(128, "seed")
    asm.dup("seed")
    asm.mstore(BUFFER)
    asm.mstore(T_BUFFER)
    asm.push(0x20)
    asm.op("CALLDATALOAD", "digest")
    asm.dup("digest")
    asm.shr(16)
    asm.push((1 << H_PRIME) - 1)
    asm.op("AND", "leaf")
    asm.dup("digest")
    asm.shr(32)
    asm.push((1 << 54) - 1)
    asm.op("AND", "tree")
    _fors(asm)  # tree, leaf, node

    asm.push(0, "layer")
    asm.push(SIGNATURE + N * K * (1 + A), "at")
    asm.swap("node")
    asm.label("layer")
    _one_time_key(asm, layer_stack)
    _path(asm)  # and the node

    # The next layer: leaf = tree mod 2^h', tree = tree >> h'.
    asm.dup("tree")
    asm.push((1 << H_PRIME) - 1)
    asm.op("AND")
    asm.replace("leaf")
    asm.dup("tree")
    asm.shr(H_PRIME)
    asm.replace("tree")
    asm.dup("at")
    asm.push(N * (LEN + H_PRIME))
    asm.op("ADD")
    asm.replace("at")
    asm.dup("layer")
    asm.push(1 << 168)
    asm.op("ADD")
    asm.replace("layer")
    asm.dup("layer")
    asm.push(D << 168)
    asm.op("XOR")
    asm.jumpi("layer")

    asm.shl(128)
    asm.push(0)
    asm.op("MSTORE")
    asm.push(32)
    asm.push(0)
    asm.op("RETURN")
    return asm.assemble()


def _sibling(asm: Asm, at: str, offset: int, level: int) -> None:
    """Copy the sibling of the node of ``level`` beside it, from calldata at ``at`` + offset."""
    asm.push(N)
    asm.dup(at)
    asm.push(offset)
    asm.op("ADD")
    lane(asm, "siblings", level)
    asm.op("CALLDATACOPY")


def _fors(asm: Asm) -> None:
    """FIPS 205, Algorithm 17. Takes the digest, leaves the FORS public key on top."""
    asm.dup("tree")
    asm.shl(104)
    asm.dup("leaf")
    asm.shl(64)
    asm.op("OR", "pair")
    asm.dup("pair")
    asm.push(FORS_TREE << 96)
    asm.op("OR", "base")
    asm.push(SIGNATURE, "at")
    asm.push(T_VALUES, "out")
    asm.push(0, "first")  # i * 2^a
    asm.label("fors tree")
    asm.dup("digest")
    asm.shr(256 - A, "index")
    asm.dup("digest")
    asm.shl(A)
    asm.replace("digest")
    places(asm, A, N, M_1)
    # the leaf: F of the secret value
    asm.dup("index")
    asm.dup("first")
    asm.op("OR")
    asm.rename("index")
    asm.dup("index")
    asm.dup("base")
    asm.op("OR")
    store_address(asm)
    asm.push(N)
    asm.dup("at")
    asm.push(M_1)
    asm.op("CALLDATACOPY")
    asm.push(32)  # nothing was called before the first tree
    lane(asm, "places", 0)
    asm.push(F_SIZE)
    asm.push(BUFFER)
    asm.push(SHA_256)
    asm.op("GAS")
    asm.op("STATICCALL", "flag")
    for height in range(1, A + 1):
        _sibling(asm, "at", N * height, height - 1)
        asm.dup("index")
        asm.shr(height)
        asm.push(height << 32)
        asm.op("OR")
        asm.dup("base")
        asm.op("OR")
        store_address(asm)
        if height < A:
            lane(asm, "places", height)
        else:
            asm.dup("out")
        hash_from_flag(asm, H_SIZE)
    for name in ("flag", "index", "siblings", "places"):
        asm.pop(name)
    asm.pop()
    # the next tree
    asm.push(1 << A)
    asm.op("ADD", "first")
    asm.dup("at")
    asm.push(N * (1 + A))
    asm.op("ADD")
    asm.replace("at")
    asm.dup("out")
    asm.push(N)
    asm.op("ADD")
    asm.replace("out")
    asm.dup("first")
    asm.push(K << A)
    asm.op("XOR")
    asm.jumpi("fors tree")
    for name in ("first", "out", "at", "base"):
        asm.pop(name)
    asm.push(FORS_ROOTS << 96)
    asm.op("OR")
    asm.mstore(T_ADDRESS + 22 - 32)
    _compress(asm, K, None)
    asm.mload(M_1)
    asm.shr(128, "node")
    asm.swap("digest")
    asm.pop("digest")
    asm.swap("tree")
    asm.swap("node")


def _compress(asm: Asm, count: int, place: str | None) -> None:
    """T_k or T_len over ``count`` values, to M_1 or to the lane 0 of ``place``."""
    asm.op("RETURNDATASIZE")
    if place is None:
        asm.push(M_1)
    else:
        lane(asm, place, 0)
    asm.push(86 + N * count)
    asm.push(T_BUFFER)
    asm.push(SHA_256)
    asm.op("GAS")
    asm.op("STATICCALL", "flag")
    if place is None:
        asm.pop("flag")


def _one_time_key(asm: Asm, stack: list[str]) -> None:
    """FIPS 205, Algorithm 8, up to the chain ends. Takes the node."""
    asm.rename("node")
    spread(asm, "digits")
    asm.dup("digits")
    sum_of_bytes(asm, "sum")
    asm.push(15 * 32)
    asm.op("SUB", "checksum")
    checksum_digits(asm)
    asm.mstore(DIGITS + 3)  # 29 zeros before it, which the next line overwrites
    asm.push(lanes(1, 8, 32))
    asm.op("ADD")
    asm.mstore(DIGITS)
    # All values of the layer: a chain whose digit is 15 is already at its end.
    asm.push(N * LEN)
    asm.dup("at")
    asm.push(T_VALUES)
    asm.op("CALLDATACOPY")
    # Type WOTS_HASH = 0
    _base(asm)
    store_address(asm)
    asm.jump("chain 0")
    asm.arrive(stack)
    asm.label("chains done")


def _base(asm: Asm) -> None:
    """The address of this layer's tree, with the key pair's number."""
    asm.dup("tree")
    asm.shl(104)
    asm.dup("layer")
    asm.op("OR")
    asm.dup("leaf")
    asm.shl(64)
    asm.op("OR")


def _path(asm: Asm) -> None:
    """T_len, then FIPS 205, Algorithm 11, lines 8 to 18. Leaves the node on top."""
    _base(asm)
    asm.push(WOTS_PK << 96)
    asm.op("OR")
    asm.mstore(T_ADDRESS + 22 - 32)
    asm.dup("leaf", "index")
    places(asm, H_PRIME, N, M_1)
    _compress(asm, LEN, "places")
    # Type TREE; the key pair's field is zero.
    asm.dup("tree")
    asm.shl(104)
    asm.dup("layer")
    asm.op("OR")
    asm.push(TREE << 96)
    asm.op("OR")
    store_address(asm)
    for height in range(1, H_PRIME + 1):
        _sibling(asm, "at", N * (LEN + height - 1), height - 1)
        asm.dup("index")
        asm.shr(height)
        asm.push(HASH_BYTE)  # 8 bits at most
        asm.op("MSTORE8")
        asm.push(height)
        asm.push(CHAIN_BYTE)
        asm.op("MSTORE8")
        if height < H_PRIME:
            lane(asm, "places", height)
        else:
            asm.push(M_1)
        hash_from_flag(asm, H_SIZE)
    asm.pop("flag")
    for name in ("siblings", "places", "index"):
        asm.pop(name)
    asm.mload(M_1)
    asm.shr(128, "node")
