"""SLH-DSA with SHA-2 in plain Python, for comparison: FIPS 205, Algorithms 8, 11, 13, 17 and 20.

Written for reading, from the standard, with the names of the standard. ``root`` also counts its
hashes: what a verification costs on the EVM follows from their number.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field

WOTS_HASH, WOTS_PK, TREE, FORS_TREE, FORS_ROOTS = range(5)


@dataclass(frozen=True)
class Parameters:
    """FIPS 205, table 2, with lg_w = 4."""

    n: int
    h_prime: int
    d: int
    a: int
    k: int
    m: int

    @property
    def len_1(self) -> int:
        return 2 * self.n

    @property
    def len(self) -> int:
        return self.len_1 + 3

    @property
    def signature_bytes(self) -> int:
        return self.n * (1 + self.k * (1 + self.a) + self.d * (self.len + self.h_prime))


SHA2_128S = Parameters(n=16, h_prime=9, d=7, a=12, k=14, m=30)
SHA2_256S = Parameters(n=32, h_prime=8, d=8, a=14, k=22, m=47)


@dataclass
class Verifier:
    """One verification. ``counts`` has the calls of F, H and T by name."""

    parameters: Parameters
    seed: bytes
    counts: Counter[str] = field(default_factory=Counter)

    def digest(self, r: bytes, root: bytes, message: bytes) -> bytes:
        """H_msg(R, PK.seed, PK.root, M'), at least m bytes (section 11.2)."""
        wide = self._wide()
        inner = hashlib.new(wide, r + self.seed + root + message).digest()
        return hashlib.new(wide, r + self.seed + inner + bytes(4)).digest()  # MGF1, one block

    def root(self, digest: bytes, signature: bytes) -> bytes:
        """Algorithm 20, lines 7 to 17, and Algorithm 13: the root that SIG without R leads to."""
        p = self.parameters
        md_bytes = -(-p.k * p.a // 8)
        tree_bits = p.h_prime * (p.d - 1)
        tree_bytes = -(-tree_bits // 8)
        md = int.from_bytes(digest[:md_bytes]) >> (8 * md_bytes - p.k * p.a)
        tree = int.from_bytes(digest[md_bytes : md_bytes + tree_bytes]) % (1 << tree_bits)
        leaf = int.from_bytes(digest[md_bytes + tree_bytes : p.m]) % (1 << p.h_prime)
        values = [signature[i : i + p.n] for i in range(0, len(signature), p.n)]

        node = self._fors(md, tree, leaf, [values.pop(0) for _ in range(p.k * (1 + p.a))])
        for layer in range(p.d):
            ends = self._chains(layer, tree, leaf, node, [values.pop(0) for _ in range(p.len)])
            node = self._hash("T", self._address(layer, tree, WOTS_PK, leaf, 0, 0), ends)
            for height in range(1, p.h_prime + 1):
                sibling = values.pop(0)
                pair = sibling + node if leaf >> (height - 1) & 1 else node + sibling
                address = self._address(layer, tree, TREE, 0, height, leaf >> height)
                node = self._hash("H", address, pair)
            leaf, tree = tree % (1 << p.h_prime), tree >> p.h_prime
        return node

    def _fors(self, md: int, tree: int, leaf: int, values: list[bytes]) -> bytes:
        p = self.parameters
        roots = b""
        for i in range(p.k):
            index = (md >> (p.a * (p.k - 1 - i))) % (1 << p.a)
            address = self._address(0, tree, FORS_TREE, leaf, 0, (i << p.a) + index)
            node = self._hash("F", address, values.pop(0))
            for height in range(1, p.a + 1):
                sibling = values.pop(0)
                pair = sibling + node if index >> (height - 1) & 1 else node + sibling
                number = (i << (p.a - height)) + (index >> height)
                address = self._address(0, tree, FORS_TREE, leaf, height, number)
                node = self._hash("H", address, pair)
            roots += node
        return self._hash("T", self._address(0, tree, FORS_ROOTS, leaf, 0, 0), roots)

    def _chains(self, layer: int, tree: int, leaf: int, node: bytes, values: list[bytes]) -> bytes:
        digits = [nibble for byte in node for nibble in (byte >> 4, byte & 15)]
        checksum = sum(15 - digit for digit in digits)
        digits += [checksum >> 8, checksum >> 4 & 15, checksum & 15]
        ends = b""
        for i, (digit, value) in enumerate(zip(digits, values, strict=True)):
            end = value
            for j in range(digit, 15):
                end = self._hash("F", self._address(layer, tree, WOTS_HASH, leaf, i, j), end)
            ends += end
        return ends

    def _address(self, layer: int, tree: int, kind: int, pair: int, chain: int, index: int) -> int:
        """The compressed address (section 11.2) as an integer of 176 bits."""
        return layer << 168 | tree << 104 | kind << 96 | pair << 64 | chain << 32 | index

    def _hash(self, name: str, address: int, message: bytes) -> bytes:
        n = self.parameters.n
        self.counts[name] += 1
        function, block = ("sha256", 64) if name == "F" or n == 16 else (self._wide(), 128)
        data = self.seed + bytes(block - n) + address.to_bytes(22) + message
        return hashlib.new(function, data).digest()[:n]

    def _wide(self) -> str:
        return "sha256" if self.parameters.n == 16 else "sha512"
