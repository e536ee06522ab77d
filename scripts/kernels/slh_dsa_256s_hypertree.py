"""SLH-DSA-SHA2-256s on the EVM, second part: from the roots of the FORS trees to the root.

The program takes

    0x000  PK.seed                                   32 bytes
    0x020  digest                                    64 bytes, of which m = 47 count
    0x060  k = 22 roots of FORS                      704 bytes
    0x320  8 layers of 67 values and 8 nodes         19,200 bytes

and returns the root that the signature leads to, 32 bytes. Each layer signs the root of the one
before it, so nothing here runs side by side; SHA-512 is done one message at a time.

Memory:

    0x000 .. 0x080   the buffer of F as ``winternitz`` has it
    0x090 .. 0x110   the block of H: compressed address (22), M_1, M_2, padding; the block before
                     it, PK.seed || 0^96, is in the midstate
    0x120 .. 0x220   midstate
    0x220 .. 0x320   chaining value
    0x330 .. 0x840   message schedule
    0x860 .. 0x8a3   67 bytes 1 + digit
    0x8c0 .. 0x11c0  blocks of T_k and T_len: compressed address (22); k = 22 roots or len = 67
                     values of a WOTS+ signature, then chain ends; padding
"""

from __future__ import annotations

from scripts.kernels.asm import Asm
from scripts.kernels.merkle_path import lane, places
from scripts.kernels.sha512 import BLOCK, Absorber
from scripts.kernels.winternitz import (
    BUFFER,
    FORS_ROOTS,
    SHA_256,
    TREE,
    WOTS_PK,
    Chains,
    checksum_digits,
    lanes,
    spread,
    store_address,
    sum_of_bytes,
)

N, H_PRIME, D, K, LEN = 32, 8, 8, 22, 67
MD_BYTES, TREE_BYTES = 39, 7  # of the digest: ceil(k a / 8), and (h - h') / 8
DIGEST, ROOTS, LAYERS = 0x20, 0x60, 0x320  # in the calldata
H_BLOCK = 0x90
H_M_1 = H_BLOCK + 22
MIDSTATE, CHAIN, SCHEDULE, DIGITS, T_BLOCKS = 0x120, 0x220, 0x340, 0x860, 0x8C0
T_VALUES = T_BLOCKS + 22

CHAINS = Chains(n=N, count=LEN, values=T_VALUES, digits=DIGITS)
ABSORBER = Absorber(start=MIDSTATE, chain=CHAIN, schedule=SCHEDULE)


def program() -> bytes:
    """The kernel's code."""
    asm = Asm()
    asm.jump("start")
    layer_stack = ["tree", "leaf", "at", "layer"]
    CHAINS.emit(asm, layer_stack, "chains done")
    ABSORBER.emit(asm)

    asm.arrive([])
    asm.label("start")
    # The chains take RETURNDATASIZE for 32, as it is after the first call of the precompile.
    for _ in range(4):
        asm.push(0)
    asm.push(SHA_256)
    asm.ops("GAS STATICCALL POP")
    _midstate(asm)
    _pad(asm, H_BLOCK, 2)
    asm.push(DIGEST + MD_BYTES)
    asm.op("CALLDATALOAD")
    asm.shr(256 - 8 * TREE_BYTES, "tree")
    asm.push(DIGEST + MD_BYTES + TREE_BYTES)
    asm.op("CALLDATALOAD")
    asm.shr(248, "leaf")
    asm.push(LAYERS, "at")
    asm.push(0, "layer")
    _fors_public_key(asm)  # and the node

    _pad(asm, T_BLOCKS, LEN)
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
    for name, step in (("at", N * (LEN + H_PRIME)), ("layer", 1 << 168)):
        asm.dup(name)
        asm.push(step)
        asm.op("ADD")
        asm.replace(name)
    asm.dup("layer")
    asm.push(D << 168)
    asm.op("XOR")
    asm.jumpi("layer")

    asm.push(0)
    asm.op("MSTORE")
    asm.push(32)
    asm.push(0)
    asm.op("RETURN")
    return asm.assemble()


def _midstate(asm: Asm) -> None:
    """PK.seed to the buffer of F, and the chaining value after PK.seed || 0^96 to MIDSTATE."""
    ABSORBER.store_iv(asm)
    asm.push(0)
    asm.op("CALLDATALOAD", "seed")
    asm.dup("seed")
    asm.mstore(BUFFER)
    asm.mstore(T_BLOCKS)  # for now
    asm.push(T_BLOCKS + BLOCK, "end")
    asm.push(T_BLOCKS, "begin")
    asm.call(ABSORBER.label, ["hash"])
    asm.ops("POP POP POP")
    asm.push(256)
    asm.push(CHAIN)
    asm.push(MIDSTATE)
    asm.op("MCOPY")


def _end(begin: int, values: int) -> int:
    """Where the padded blocks of an address and this many values end: 1 byte and 16 more."""
    return begin + -(-(22 + N * values + 17) // BLOCK) * BLOCK


def _pad(asm: Asm, begin: int, values: int) -> None:
    """Write the padding of a message of PK.seed's block, an address and this many values."""
    size = 22 + N * values
    asm.push(0x80)
    asm.push(begin + size)
    asm.op("MSTORE8")
    asm.push(8 * (BLOCK + size) << 192)  # the 24 bytes behind the end are written later
    asm.mstore(_end(begin, values) - 8)


def _compress(asm: Asm, begin: int, values: int) -> None:
    asm.push(_end(begin, values), "end")
    asm.push(begin, "begin")
    asm.call(ABSORBER.label, ["hash"])
    asm.swap("end")
    asm.pop("end")
    asm.pop("begin")


def _base(asm: Asm) -> None:
    """The address of this layer's tree."""
    asm.dup("tree")
    asm.shl(104)
    asm.dup("layer")
    asm.op("OR")


def _pair(asm: Asm) -> None:
    """The same, with the key pair's number."""
    _base(asm)
    asm.dup("leaf")
    asm.shl(64)
    asm.op("OR")


def _fors_public_key(asm: Asm) -> None:
    """T_k over the roots (FIPS 205, Algorithm 17, line 24). Leaves the node on top."""
    asm.push(N * K)
    asm.push(ROOTS)
    asm.push(T_VALUES)
    asm.op("CALLDATACOPY")
    _pad(asm, T_BLOCKS, K)
    _pair(asm)
    asm.push(FORS_ROOTS << 96)
    asm.op("OR")
    asm.mstore(T_VALUES - 32)
    _compress(asm, T_BLOCKS, K)


def _one_time_key(asm: Asm, stack: list[str]) -> None:
    """FIPS 205, Algorithm 8, up to the chain ends. Takes the node."""
    asm.rename("node")
    asm.dup("node")
    asm.push((1 << 128) - 1)
    asm.op("AND")
    spread(asm, "lower")
    asm.swap("node")
    asm.shr(128)
    spread(asm, "upper")
    asm.dup("lower")
    asm.dup("upper")
    asm.op("ADD")  # bytes of at most 30
    sum_of_bytes(asm, "sum")
    asm.push(15 * 64)
    asm.op("SUB", "checksum")
    checksum_digits(asm)
    asm.mstore(DIGITS + 64 + 3 - 32)
    asm.push(lanes(1, 8, 32), "ones")
    asm.swap("lower")
    asm.dup("ones")
    asm.op("ADD")
    asm.mstore(DIGITS + 32)
    asm.op("ADD")
    asm.mstore(DIGITS)
    # All values of the layer: a chain whose digit is 15 is already at its end.
    asm.push(N * LEN)
    asm.dup("at")
    asm.push(T_VALUES)
    asm.op("CALLDATACOPY")
    # Type WOTS_HASH = 0
    _pair(asm)
    store_address(asm)
    asm.jump("chain 0")
    asm.arrive(stack)
    asm.label("chains done")


def _path(asm: Asm) -> None:
    """T_len, then FIPS 205, Algorithm 11, lines 8 to 18. Leaves the node on top."""
    _pair(asm)
    asm.push(WOTS_PK << 96)
    asm.op("OR")
    asm.mstore(T_VALUES - 32)
    asm.dup("leaf", "index")
    places(asm, H_PRIME, N, H_M_1)
    _compress(asm, T_BLOCKS, LEN)
    # Type TREE; the key pair's field is zero.
    _base(asm)
    asm.push(TREE << 96)
    asm.op("OR")
    asm.mstore(H_M_1 - 32)
    for height in range(1, H_PRIME + 1):
        asm.rename("node")
        lane(asm, "places", height - 1)
        asm.op("MSTORE")
        asm.dup("at")
        asm.push(N * (LEN + height - 1))
        asm.ops("ADD CALLDATALOAD")
        lane(asm, "siblings", height - 1)
        asm.op("MSTORE")
        asm.dup("index")
        asm.shr(height)
        asm.push(H_BLOCK + 21)  # the index has 8 bits at most
        asm.op("MSTORE8")
        asm.push(height)
        asm.push(H_BLOCK + 17)
        asm.op("MSTORE8")
        _compress(asm, H_BLOCK, 2)
    asm.rename("node")
    for name in ("siblings", "places", "index"):
        asm.replace(name)
        asm.rename("node")
