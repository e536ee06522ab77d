"""The one-time signatures of SLH-DSA on the EVM: all chains of one WOTS+ public key (FIPS 205).

A chain that starts at digit d is 15 - d calls of F, at the hash addresses d .. 14. Each of the 16
digits has straight-line code of its own, at 0x100 * (1 + d), so that the byte 1 + d, read from
memory where it stands above a zero, *is* the place to jump to: no comparison, no loop. The code of
a digit is shorter the larger the digit is; the 35 or 67 callers, one for each chain, fill the gaps.

What a step costs beyond the call itself (100 + 108 gas) is 25 gas: 9 for the hash address, 16 for
the six arguments. The result of a call, 1, is not dropped: it is where the next input begins. So
the buffer stands at address 1, and one SWAP does the work of POP and PUSH. The size of the output
is RETURNDATASIZE, 32 after any call of SHA-256; with n = 16 the 16 bytes too many lie behind the
input and do not count.

    0x01 .. 0x41   PK.seed || 0^(64 - n): the first block of SHA-256
    0x41 .. 0x57   compressed address (section 11.2), the chain's number in byte 17 (0x52), the hash
                   address in byte 21 (0x56)
    0x57 .. +n     M_1, the only argument of F. The output of one F is the input of the next.
"""

from __future__ import annotations

from dataclasses import dataclass

from scripts.kernels.asm import Asm

BUFFER = 0x01
ADDRESS = BUFFER + 64
CHAIN_BYTE = ADDRESS + 17
HASH_BYTE = ADDRESS + 21
M_1 = ADDRESS + 22
SHA_256 = 2  # the precompile's address
LEAF = 0x100  # the code of digit d begins at LEAF * (1 + d)

CALLER_BYTES = 22

# Types of addresses, FIPS 205, section 4.2
WOTS_HASH, WOTS_PK, TREE, FORS_TREE, FORS_ROOTS = range(5)


def store_address(asm: Asm) -> None:
    """Write the top, an address as an integer of 176 bits, into the buffer of F."""
    asm.mstore(ADDRESS + 22 - 32)


def hash_from_flag(asm: Asm, size: int, flag: str = "flag") -> None:
    """SHA-256 of ``size`` bytes of the buffer. On top lie the place of the output, and below it 1.

    1 is on top afterwards, as the call leaves it.
    """
    asm.push(size, "size")
    asm.op("RETURNDATASIZE", "out size")
    asm.swap(flag)
    asm.push(SHA_256)
    asm.op("GAS")
    asm.op("STATICCALL", flag)


@dataclass(frozen=True)
class Chains:
    """The chains of one parameter set.

    ``values`` is where in memory the ``count`` values of the signature stand, which are replaced by
    the ends of their chains. ``digits`` is where the bytes 1 + digit stand, with anything before.
    """

    n: int
    count: int
    values: int
    digits: int

    @property
    def input_size(self) -> int:
        return 86 + self.n

    def emit(self, asm: Asm, stack: list[str], done: str) -> None:
        """The code of all digits and of all callers, from the address 0x100 of the program.

        It is entered at the label "chain 0" with ``stack``, and goes on at ``done`` with the same.
        """
        waiting = list(range(self.count))
        for digit in range(16):
            begin = LEAF * (1 + digit)
            while waiting and asm.size() + CALLER_BYTES <= begin:
                self._caller(asm, waiting.pop(0), stack, done)
            if asm.size() > begin:
                raise ValueError(f"{asm.size() - begin} bytes too many before {begin:#x}")
            asm.data(bytes(begin - asm.size()), f"gap before digit {digit}")
            self._digit(asm, digit)
        for i in waiting:
            self._caller(asm, i, stack, done)

    def _caller(self, asm: Asm, i: int, stack: list[str], done: str) -> None:
        asm.arrive(stack)
        asm.label(f"chain {i}")
        asm.push(i)
        asm.push(CHAIN_BYTE)
        asm.op("MSTORE8")
        asm.push_label(f"chain {i + 1}" if i + 1 < self.count else done, "return")
        asm.push(self.values + self.n * i, "out")
        asm.mload(self.digits + i - 30)
        asm.push(0xFF00)
        asm.ops("AND JUMP")

    def _digit(self, asm: Asm, digit: int) -> None:
        """Turn the value at "out" into the end of its chain, and return."""
        asm.arrive(["return", "out"])
        asm.label(f"digit {digit}")
        if digit == 15:
            asm.pop("out")
            asm.op("JUMP")
            return
        asm.dup("out")
        asm.op("MLOAD")
        asm.mstore(M_1)
        for j in range(digit, 15):
            asm.push(j)
            asm.push(HASH_BYTE)
            asm.op("MSTORE8")
            if j < 14:
                self._step(asm, first=j == digit)
        self._last_step(asm, first=digit == 14)
        asm.op("POP")
        asm.op("JUMP")

    def _step(self, asm: Asm, first: bool) -> None:
        if first:
            asm.op("RETURNDATASIZE")
            asm.push(M_1)
            asm.push(self.input_size)
            asm.push(BUFFER)
            asm.push(SHA_256)
            asm.op("GAS")
            asm.op("STATICCALL", "flag")
        else:
            asm.push(M_1)
            hash_from_flag(asm, self.input_size)

    def _last_step(self, asm: Asm, first: bool) -> None:
        """F to where the value stood: n bytes of it, since the next value follows at once."""
        if first:
            asm.push(BUFFER, "flag")
        asm.swap("out")
        if self.n == 32:
            hash_from_flag(asm, self.input_size)
        else:
            asm.push(self.input_size)
            asm.push(self.n)
            asm.swap("flag")
            asm.push(SHA_256)
            asm.op("GAS")
            asm.op("STATICCALL", "flag")


def spread(asm: Asm, name: str) -> None:
    """The 32 nibbles of the low 128 bits of the top as 32 bytes, in order. Takes the top."""
    for bits in (64, 32, 16, 8, 4):
        width = 2 * bits
        mask = sum(((1 << bits) - 1) << at for at in range(0, 256, width))
        asm.dup(asm.stack[-1])
        asm.shl(bits)
        asm.op("OR")
        asm.push(mask)
        asm.op("AND")
    asm.rename(name)


def lanes(value: int, width: int, count: int) -> int:
    """``value`` in each of ``count`` lanes of ``width`` bits."""
    return sum(value << (width * i) for i in range(count))


def sum_of_bytes(asm: Asm, name: str) -> None:
    """The sum of the 32 bytes of the top, each at most 60. Takes the top."""
    mask = lanes(0xFF, 16, 16)
    asm.dup(asm.stack[-1])
    asm.shr(8)
    asm.push(mask)
    asm.op("AND")
    asm.swap(asm.stack[-2])
    asm.push(mask)
    asm.ops("AND ADD")  # 16 lanes of 16 bits, each at most 120; their sum fits a lane
    asm.push(lanes(1, 16, 16))
    asm.op("MUL")
    asm.shr(240, name)


def checksum_digits(asm: Asm) -> None:
    """The top, a checksum of 12 bits, as three bytes 1 + digit. Takes the top."""
    asm.dup(asm.stack[-1])
    asm.push(0xF00)
    asm.op("AND")
    asm.shl(8)
    asm.swap(asm.stack[-2])
    asm.dup(asm.stack[-1])
    asm.push(0xF0)
    asm.op("AND")
    asm.shl(4)
    asm.swap(asm.stack[-2])
    asm.push(0xF)
    asm.ops("AND OR OR")
    asm.push(0x010101)
    asm.op("ADD")
