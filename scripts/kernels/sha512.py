"""SHA-512 on the EVM (FIPS 180-4, sections 5 and 6.4): one message, or two at once in lanes.

A word of the EVM holds four words of SHA-512, and a rotation to the right is a shift of the value
written twice, ``x * (2^64 + 1)``, whose low 64 bits count. So there is room for two lanes of 128
bits, each a value of 64 bits with 64 zeros above it:

    - the message schedule makes two words at once: W_t is kept in 16 bytes, so that MLOAD reads two
      neighbours W_t, W_t+1 into the two lanes wherever it begins. W_t and W_t+1 do not depend on
      each other;
    - the rounds of one message (``two=False``) use one lane, and keep the eight
      variables written twice: what lies above 64 bits is of no meaning and is cut off once, where a
      variable is made. The bitwise functions do not mind;
    - the rounds of two messages use both lanes, and cost a mask in each sigma more.

Maj(a, b, c) = b ^ ((a ^ b) & (b ^ c)), where a ^ b is the next round's b ^ c and stays on the
stack. Three rotations are nested: x >> 41 ^ x >> 18 ^ x >> 14 = ((x >> 23 ^ x) >> 4 ^ x) >> 14.

The rounds are unrolled, and the eight variables do not move: the new ones take the places of d and
h, and the names go round.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

from scripts.kernels.asm import Asm

ROUNDS = 80
BLOCK = 128
MASK = (1 << 64) - 1
TWICE = (1 << 64) + 1  # the factor that writes a value of 64 bits twice
BOTH = (1 << 128) + 1  # the factor that puts a value into both lanes


def _primes(count: int) -> list[int]:
    found: list[int] = []
    candidate = 2
    while len(found) < count:
        if all(candidate % prime for prime in found):
            found.append(candidate)
        candidate += 1
    return found


def _cube_root(value: int) -> int:
    low, high = 0, 1 << (value.bit_length() // 3 + 1)
    while low < high:
        middle = (low + high + 1) // 2
        if middle**3 <= value:
            low = middle
        else:
            high = middle - 1
    return low


# FIPS 180-4, sections 4.2.3 and 5.3.5: the fractions of the roots of the first primes.
K = [_cube_root(prime << 192) & MASK for prime in _primes(ROUNDS)]
IV = [isqrt(prime << 128) & MASK for prime in _primes(8)]


@dataclass(frozen=True)
class Compression:
    """The compression function, in memory laid out by its user.

    ``start`` and ``state``: 8 words of 32 bytes, the chaining value before and after; the same
    place if they are chained. ``schedule``: 80 words of 16 bytes for one message, of 32 for two;
    16 bytes before it are read too. Two messages: the first is in the upper lane.
    """

    two: bool
    start: int
    state: int
    schedule: int

    @property
    def stride(self) -> int:
        return 32 if self.two else 16

    @property
    def end(self) -> int:
        return self.schedule + ROUNDS * self.stride

    def store_iv(self, asm: Asm) -> None:
        """Write the initial value of SHA-512 to ``start``."""
        for i, value in enumerate(IV):
            asm.push(value * BOTH if self.two else value)
            asm.mstore(self.start + 32 * i)

    def emit(self, asm: Asm) -> None:
        """Compress the block whose W_0 .. W_15 are in the schedule. The stack is as before."""
        asm.push(MASK * BOTH if self.two else MASK, "mask")
        asm.push(TWICE, "twice")
        self._expand(asm)
        asm.mload(self.start + 32)
        asm.mload(self.start + 64)
        asm.op("XOR", "b^c")
        self._double(asm, "b^c")
        slots = [f"s{i}" for i in range(8)]
        for i, slot in enumerate(slots):
            asm.mload(self.start + 32 * i, slot)
            self._double(asm, slot)
        for t in range(ROUNDS):
            slots = self._round(asm, t, slots)
        for i in reversed(range(8)):
            if asm.stack[-1] != slots[i]:
                raise ValueError(f"expected {slots[i]} on top, got {asm.stack[-1]}")
            asm.mload(self.start + 32 * i)
            asm.op("ADD")
            self._cut(asm)
            asm.mstore(self.state + 32 * i)
        for name in ("b^c", "twice", "mask"):
            asm.pop(name)

    def _double(self, asm: Asm, name: str) -> None:
        if not self.two:
            asm.dup("twice")
            asm.op("MUL", name)

    def _cut(self, asm: Asm, name: str = "") -> None:
        asm.dup("mask")
        asm.op("AND", name)

    def _expand(self, asm: Asm) -> None:
        """The words W_16 .. W_79, two at a time: two words of one message or one of two."""
        if not self.two:
            asm.push(MASK * BOTH, "lanes")
        for t in range(16, ROUNDS, 1 if self.two else 2):
            self._sigma(asm, t - 15, 7, 1, 7)
            self._sigma(asm, t - 2, 42, 19, 6)
            asm.op("ADD")
            for back in (16, 7):
                asm.mload(self.schedule + self.stride * (t - back))
                asm.op("ADD")
            asm.dup("mask" if self.two else "lanes")
            asm.op("AND")
            asm.mstore(self.schedule + self.stride * t)
        if not self.two:
            asm.pop("lanes")

    def _sigma(self, asm: Asm, t: int, inner: int, outer: int, shift: int) -> None:
        """rotr(outer) ^ rotr(outer + inner) ^ shr(shift) of W_t, cut to its lanes."""
        asm.mload(self.schedule + self.stride * t, "x")
        asm.dup("x")
        asm.dup("twice")
        asm.op("MUL", "xx")
        asm.dup("xx")
        asm.shr(inner)
        asm.op("XOR")
        asm.shr(outer, "rotated")
        asm.swap("x")
        asm.shr(shift)
        asm.op("XOR")
        asm.dup("mask" if self.two else "lanes")
        asm.op("AND")

    def _rotations(self, asm: Asm, slot: str, inner: int, middle: int, outer: int) -> None:
        """rotr(outer) ^ rotr(outer + middle) ^ rotr(outer + middle + inner) of a variable."""
        asm.dup(slot, "x")
        if self.two:
            asm.dup("twice")
            asm.op("MUL", "x")
            asm.dup("x")
        asm.shr(inner)
        asm.dup("x" if self.two else slot)
        asm.op("XOR")
        asm.shr(middle)
        if not self.two:
            asm.dup(slot)
        asm.op("XOR")
        asm.shr(outer)
        if self.two:
            self._cut(asm)

    def _round(self, asm: Asm, t: int, slots: list[str]) -> list[str]:
        a, b, _, d, e, f, g, h = slots
        # T1 = h + Sigma1(e) + Ch(e, f, g) + K_t + W_t
        self._rotations(asm, e, 23, 4, 14)
        asm.dup(g)
        asm.dup(f)
        asm.op("XOR")
        asm.dup(e)
        asm.op("AND")
        asm.dup(g)
        asm.ops("XOR ADD")
        asm.push(K[t] * BOTH if self.two else K[t])
        asm.op("ADD")
        # One message: W_t is in the lower lane, and what is in the upper does not count.
        asm.mload(self.schedule + self.stride * t - (0 if self.two else 16))
        asm.op("ADD")
        asm.dup(h)
        asm.op("ADD", "T1")
        # e = d + T1, in the place of d
        asm.swap(d)
        asm.dup("T1")
        asm.op("ADD")
        self._cut(asm, d)
        self._double(asm, d)
        asm.swap("T1")
        # a = T1 + Sigma0(a) + Maj(a, b, c), in the place of h
        self._rotations(asm, a, 5, 6, 28)
        asm.dup(a)
        asm.dup(b)
        asm.op("XOR", "a^b")
        asm.swap("b^c")
        asm.dup("a^b")
        asm.op("AND")
        asm.dup(b)
        asm.ops("XOR ADD ADD")
        self._cut(asm)
        self._double(asm, "")
        asm.replace(h)
        asm.stack[asm.stack.index("a^b")] = "b^c"
        return [slots[7], *slots[:7]]


@dataclass(frozen=True)
class Absorber:
    """SHA-512 of whole blocks in memory, one after another, as a subroutine.

    It is called with "end" and "begin" (addresses) on the stack, which stay; it leaves the new
    chaining value in ``chain`` and its first 256 bits on the stack. It begins with the value in
    ``start``.
    """

    start: int
    chain: int
    schedule: int
    label: str = "absorb"

    def emit(self, asm: Asm) -> None:
        compression = Compression(
            two=False, start=self.chain, state=self.chain, schedule=self.schedule
        )
        asm.arrive(["end", "begin", "return"])
        asm.label(self.label)
        asm.push(256)
        asm.push(self.start)
        asm.push(self.chain)
        asm.op("MCOPY")
        asm.dup("begin", "block")
        loop = f"{self.label} loop"
        asm.label(loop)
        asm.push(MASK * BOTH, "lanes")
        for pair in range(8):
            asm.dup("block")
            asm.push(16 * pair)
            asm.ops("ADD MLOAD")
            asm.shr(128, "two")
            asm.dup("two")
            asm.shl(64)
            asm.op("OR")
            asm.dup("lanes")
            asm.op("AND")
            asm.mstore(self.schedule + 32 * pair)
        asm.pop("lanes")
        compression.emit(asm)
        asm.push(BLOCK)
        asm.op("ADD", "block")
        asm.dup("end")
        asm.dup("block")
        asm.op("LT")
        asm.jumpi(loop)
        asm.pop("block")
        asm.mload(self.chain)
        for i in range(1, 4):
            asm.shl(64)
            asm.mload(self.chain + 32 * i)
            asm.op("OR")
        asm.rename("hash")
        asm.swap("return")
        asm.op("JUMP")

    def store_iv(self, asm: Asm) -> None:
        """Write the initial value of SHA-512 to ``start``."""
        Compression(False, self.start, self.start, self.schedule).store_iv(asm)


def program() -> bytes:
    """SHA-512 of the calldata: the code of a contract that answers with 64 bytes.

    Memory: 0x000 .. 0x100 initial value, 0x100 .. 0x200 chaining value, 0x210 .. 0x720 schedule,
    from 0x800 the padded message. The message has less than 2^61 bytes, as calldata has.
    """
    message = 0x800
    absorber = Absorber(start=0, chain=0x100, schedule=0x220)
    asm = Asm()
    absorber.store_iv(asm)
    # message || 0x80 || zeros || its length in bits in 16 bytes; the end is a multiple of 128
    asm.op("CALLDATASIZE")
    asm.push(0)
    asm.push(message)
    asm.op("CALLDATACOPY")
    asm.push(0x80)
    asm.op("CALLDATASIZE")
    asm.push(message)
    asm.ops("ADD MSTORE8")
    asm.op("CALLDATASIZE")
    asm.push(message + 1 + 16 + 127)
    asm.op("ADD")
    asm.shr(7)
    asm.shl(7, "end")
    asm.op("CALLDATASIZE")
    asm.shl(3)
    asm.push(8)
    asm.dup("end")
    asm.op("SUB", "last word")
    asm.swap(asm.stack[-2])
    asm.shl(192)
    asm.swap("last word")
    asm.op("MSTORE")
    asm.push(message, "begin")
    asm.call(absorber.label, ["hash"])
    asm.push(0)
    asm.op("MSTORE")
    asm.mload(0x100 + 4 * 32)
    for i in range(5, 8):
        asm.shl(64)
        asm.mload(0x100 + 32 * i)
        asm.op("OR")
    asm.push(32)
    asm.op("MSTORE")
    asm.push(64)
    asm.push(0)
    asm.op("RETURN")
    absorber.emit(asm)
    return asm.assemble()
