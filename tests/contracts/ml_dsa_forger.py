"""A signer of ML-DSA-87 that leaves out the bound on z, so that its signatures reach that bound.

A changed signature fails in the final hash whatever is done about bounds. These do not: everything
about them is right but, where it is asked for, one coefficient of z.
"""

from __future__ import annotations

import hashlib
import random

from dilithium_py.ml_dsa import ML_DSA_87

from scripts.kernels.mldsa87 import (
    BETA,
    GAMMA1,
    GAMMA2,
    OMEGA,
    D,
    K,
    L,
    N,
    Poly,
    Q,
    decompose,
    encode_w1,
    expand_a,
    inverse_ntt,
    message_representative,
    ntt,
    sample_in_ball,
)

ETA_BYTES, T0_BYTES = 96, 416
REACH = 8
"""How far from the wanted coefficient y begins; c s1 must make up for it."""


def unpack(data: bytes, bits: int, upper: int) -> Poly:
    """BitUnpack (FIPS 204, Algorithm 19): ``upper`` minus each field."""
    value = int.from_bytes(data, "little")
    return [upper - (value >> (bits * i) & ((1 << bits) - 1)) for i in range(N)]


def centred(poly: Poly) -> Poly:
    return [x - Q if x > Q // 2 else x for x in (y % Q for y in poly)]


def times(a: Poly, b: Poly) -> Poly:
    return [x * y % Q for x, y in zip(a, b, strict=True)]


class Forger:
    """The key pair of a seed, and signatures of it."""

    def __init__(self, seed: bytes) -> None:
        public_key, secret = (bytes(key) for key in ML_DSA_87.key_derive(seed))
        self.public_key, self.tr = public_key, secret[64:128]
        fields = [(3, 2, ETA_BYTES)] * (L + K) + [(D, 1 << (D - 1), T0_BYTES)] * K
        polys, at = [], 128
        for bits, upper, length in fields:
            polys.append(unpack(secret[at : at + length], bits, upper))
            at += length
        assert at == len(secret)
        self.s1 = polys[:L]
        self._hats = [ntt(poly) for poly in polys]
        self._matrix = expand_a(public_key[:32])

    def sign(
        self, chance: random.Random, ctx: bytes, column: int, index: int, wanted: int
    ) -> tuple[bytes, bytes]:
        """A message and a signature whose coefficient ``index`` of z[``column``] is ``wanted``.

        All others are below the bound (FIPS 204, Algorithm 7, without line 23's first half).
        """
        while True:
            limit = GAMMA1 - 2 * BETA - 1
            y = [[chance.randint(-limit, limit) for _ in range(N)] for _ in range(L)]
            y[column][index] = wanted - chance.randint(-REACH, REACH)
            hats = [ntt(poly) for poly in y]
            w = []
            for row in self._matrix:
                product = [0] * N
                for a, b in zip(row, hats, strict=True):
                    product = [x + p for x, p in zip(product, times(a, b), strict=True)]
                w.append(inverse_ntt(product))
            high = [[decompose(x)[0] for x in poly] for poly in w]
            encoded = encode_w1(high)
            for _ in range(400):
                message = chance.randbytes(32)
                mu = message_representative(self.tr, message, ctx)
                c_tilde = hashlib.shake_256(mu + encoded).digest(64)
                c = sample_in_ball(c_tilde)
                if y[column][index] + self._product_at(c, column, index) != wanted:
                    continue
                hint = self._hint(c, w, high)
                if hint is not None:
                    z = self._z(c, y)
                    assert z[column][index] == wanted
                    return message, c_tilde + b"".join(map(pack_z, z)) + hint

    def _product_at(self, c: Poly, column: int, index: int) -> int:
        """One coefficient of c s1."""
        s = self.s1[column]
        total = 0
        for j, sign in enumerate(c):
            if sign:
                total += sign * (s[index - j] if j <= index else -s[index - j + N])
        return total

    def _z(self, c: Poly, y: list[Poly]) -> list[Poly]:
        hat = ntt(c)
        shifts = [centred(inverse_ntt(times(hat, s))) for s in self._hats[:L]]
        return [
            [a + b for a, b in zip(poly, shift, strict=True)]
            for poly, shift in zip(y, shifts, strict=True)
        ]

    def _hint(self, c: Poly, w: list[Poly], high: list[Poly]) -> bytes | None:
        """The hint encoded, or None where the signature must be tried again (lines 22 to 28)."""
        hat = ntt(c)
        positions, counts = bytearray(), bytearray()
        for row in range(K):
            cs2 = inverse_ntt(times(hat, self._hats[L + row]))
            ct0 = centred(inverse_ntt(times(hat, self._hats[L + K + row])))
            if max(map(abs, ct0)) >= GAMMA2:
                return None
            for i in range(N):
                r = w[row][i] - cs2[i]
                if abs(decompose(r)[1]) >= GAMMA2 - BETA:
                    return None
                if decompose(r + ct0[i])[0] != high[row][i]:
                    positions.append(i)
            counts.append(len(positions))
        if len(positions) > OMEGA:
            return None
        return bytes(positions.ljust(OMEGA, b"\0") + counts)


def pack_z(poly: Poly) -> bytes:
    """BitPack of z (Algorithm 17)."""
    return sum((GAMMA1 - x) << (20 * i) for i, x in enumerate(poly)).to_bytes(640, "little")
