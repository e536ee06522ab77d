"""ML-DSA-87 verification in readable Python, FIPS 204's own algorithms under their own names.

The kernels are held against this, piece by piece. It is written to be read, not to be fast, and
serves tests and generators only.
"""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass

# FIPS 204, table 1
Q = 8380417
D = 13
TAU = 60
LAMBDA = 256
GAMMA1 = 1 << 19
GAMMA2 = (Q - 1) // 32
K, L = 8, 7
ETA = 2
BETA = TAU * ETA
OMEGA = 75
N = 256
ZETA = 1753

C_TILDE_BYTES = LAMBDA // 4
Z_POLY_BYTES = 32 * (1 + (GAMMA1 - 1).bit_length())  # 640
PUBLIC_KEY_BYTES = 32 + 32 * K * 10
SIGNATURE_BYTES = C_TILDE_BYTES + L * Z_POLY_BYTES + OMEGA + K
assert (PUBLIC_KEY_BYTES, SIGNATURE_BYTES) == (2592, 4627)

Poly = list[int]


def brv8(index: int) -> int:
    """The 8 bits of ``index`` in reverse order (section 7.5)."""
    return int(f"{index:08b}"[::-1], 2)


ZETAS = [pow(ZETA, brv8(index), Q) for index in range(N)]
"""Appendix B: zeta^brv8(k); the first is not used."""


def ntt(w: Poly) -> Poly:
    """NTT (Algorithm 41)."""
    w = list(w)
    m, length = 0, 128
    while length >= 1:
        for start in range(0, N, 2 * length):
            m += 1
            for j in range(start, start + length):
                t = ZETAS[m] * w[j + length] % Q
                w[j + length] = (w[j] - t) % Q
                w[j] = (w[j] + t) % Q
        length //= 2
    return w


def inverse_ntt(w: Poly, scaled: bool = True) -> Poly:
    """NTT^-1 (Algorithm 42); without the factor 256^-1 when not ``scaled``."""
    w = list(w)
    m, length = N, 1
    while length < N:
        for start in range(0, N, 2 * length):
            m -= 1
            for j in range(start, start + length):
                t = w[j]
                w[j] = (t + w[j + length]) % Q
                w[j + length] = -ZETAS[m] * (t - w[j + length]) % Q
        length *= 2
    return [x * pow(N, -1, Q) % Q for x in w] if scaled else w


def rej_ntt_poly(seed: bytes) -> Poly:
    """RejNTTPoly (Algorithm 30): a row's polynomial from rho || s || r."""
    stream = hashlib.shake_128(seed).digest(168 * 12)
    found: Poly = []
    for at in range(0, len(stream), 3):
        z = stream[at] | stream[at + 1] << 8 | (stream[at + 2] & 0x7F) << 16
        if z < Q:
            found.append(z)
            if len(found) == N:
                return found
    raise AssertionError("twelve blocks of SHAKE128 give 256 coefficients but once in 2^100 runs")


def expand_a(rho: bytes) -> list[list[Poly]]:
    """ExpandA (Algorithm 32): the matrix in the NTT domain, K rows of L polynomials."""
    return [[rej_ntt_poly(rho + bytes([s, r])) for s in range(L)] for r in range(K)]


def decode_t1(public_key: bytes) -> list[Poly]:
    """SimpleBitUnpack of t1 (Algorithm 23, pkDecode): ten bits a coefficient."""
    polys = []
    for row in range(K):
        value = int.from_bytes(public_key[32 + 320 * row : 352 + 320 * row], "little")
        polys.append([value >> (10 * i) & 1023 for i in range(N)])
    return polys


def decode_z(signature: bytes) -> list[Poly]:
    """BitUnpack of z (Algorithm 27, sigDecode): gamma1 minus twenty bits."""
    polys = []
    for column in range(L):
        start = C_TILDE_BYTES + Z_POLY_BYTES * column
        value = int.from_bytes(signature[start : start + Z_POLY_BYTES], "little")
        polys.append([GAMMA1 - (value >> (20 * i) & 0xFFFFF) for i in range(N)])
    return polys


def decode_hint(y: bytes) -> list[list[int]] | None:
    """HintBitUnpack (Algorithm 21): the positions in each row; None where it is malformed."""
    rows: list[list[int]] = []
    index = 0
    for row in range(K):
        end = y[OMEGA + row]
        if end < index or end > OMEGA:
            return None
        positions = list(y[index:end])
        if any(a >= b for a, b in itertools.pairwise(positions)):
            return None
        rows.append(positions)
        index = end
    return rows if not any(y[index:OMEGA]) else None


def sample_in_ball(c_tilde: bytes) -> Poly:
    """SampleInBall (Algorithm 29)."""
    stream = hashlib.shake_256(c_tilde).digest(136 * 4)
    signs = int.from_bytes(stream[:8], "little")
    c = [0] * N
    at = 8
    for i in range(N - TAU, N):
        while stream[at] > i:
            at += 1
        j = stream[at]
        at += 1
        c[i] = c[j]
        c[j] = -1 if signs & 1 else 1
        signs >>= 1
    return c


def decompose(r: int) -> tuple[int, int]:
    """Decompose (Algorithm 36): r1, r0 of r mod q."""
    r %= Q
    r0 = r % (2 * GAMMA2)
    if r0 > GAMMA2:
        r0 -= 2 * GAMMA2
    if r - r0 == Q - 1:
        return 0, r0 - 1
    return (r - r0) // (2 * GAMMA2), r0


def use_hint(hint: bool, r: int) -> int:
    """UseHint (Algorithm 40)."""
    r1, r0 = decompose(r)
    if not hint:
        return r1
    return (r1 + 1) % 16 if r0 > 0 else (r1 - 1) % 16


def encode_w1(rows: list[Poly]) -> bytes:
    """w1Encode (Algorithm 28): four bits a coefficient."""
    return b"".join(
        sum(x << (4 * i) for i, x in enumerate(row)).to_bytes(128, "little") for row in rows
    )


@dataclass(frozen=True)
class ExpandedKey:
    """What a registered key is: tr, and 64 polynomials in the NTT domain times 256^-1.

    ``rows[r]`` are the seven of the matrix and ``-t1[r] * 2^d``, so that one row is one product
    of eight with (z, c), and the factor of the inverse transform is in it.
    """

    tr: bytes
    rows: list[list[Poly]]


def expand_key(public_key: bytes) -> ExpandedKey:
    """The expansion that registration proves."""
    scale = pow(N, -1, Q)
    matrix = expand_a(public_key[:32])
    rows = []
    for row, t1 in zip(matrix, decode_t1(public_key), strict=True):
        last = ntt([-x << D for x in t1])
        rows.append([[x * scale % Q for x in poly] for poly in [*row, last]])
    return ExpandedKey(hashlib.shake_256(public_key).digest(64), rows)


def message_representative(tr: bytes, message: bytes, ctx: bytes) -> bytes:
    """mu (Algorithm 3, line 5 and Algorithm 8, line 7)."""
    return hashlib.shake_256(tr + bytes([0, len(ctx)]) + ctx + message).digest(64)


def verify(public_key: bytes, message: bytes, signature: bytes, ctx: bytes = b"") -> bool:
    """ML-DSA.Verify (Algorithms 3 and 8)."""
    if len(public_key) != PUBLIC_KEY_BYTES or len(signature) != SIGNATURE_BYTES or len(ctx) > 255:
        return False
    key = expand_key(public_key)
    z = decode_z(signature)
    hint = decode_hint(signature[-(OMEGA + K) :])
    if hint is None or any(abs(x) >= GAMMA1 - BETA for poly in z for x in poly):
        return False
    c_tilde = signature[:C_TILDE_BYTES]
    columns = [ntt(poly) for poly in [*z, sample_in_ball(c_tilde)]]
    w1 = []
    for row, positions in zip(key.rows, hint, strict=True):
        product = [sum(a[i] * b[i] for a, b in zip(row, columns, strict=True)) for i in range(N)]
        w = inverse_ntt(product, scaled=False)
        w1.append([use_hint(i in positions, x) for i, x in enumerate(w)])
    mu = message_representative(key.tr, message, ctx)
    return hashlib.shake_256(mu + encode_w1(w1)).digest(C_TILDE_BYTES) == c_tilde
