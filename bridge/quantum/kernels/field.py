"""The field GF(2^64) = GF(2)[x] / (x^64 + x^4 + x^3 + x + 1), its Cantor basis, and products.

An element is a word, bit i the coefficient of x^i. The pentanomial is the usual one of that degree
(Seroussi, HP Labs report HPL-98-135, 1998).

The Cantor basis (Cantor 1989, doi 10.1016/0097-3165(89)90020-4) is b_0 = 1 and
b_{i+1}^2 + b_{i+1} = b_i. Point j of a transform is w_j, the sum of the b_i over the set bits of j.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from bridge.quantum.kernels.compiled import kernel
from bridge.quantum.kernels.instructions import Word, multiply

Words = npt.NDArray[np.uint64]

TAIL = 0x1B
"""x^64 in the field: x^4 + x^3 + x + 1."""

MODULUS = 1 << 64 | TAIL


def plain_product(left: int, right: int) -> int:
    """The product in the field, by shifts and adds: the readable twin of `product`."""
    result = 0
    while right:
        if right & 1:
            result ^= left
        left <<= 1
        if left >> 64:
            left ^= MODULUS
        right >>= 1
    return result


@kernel
def product(left: Word, right: Word) -> Word:
    """The product in the field.

    The high word times x^4 + x^3 + x + 1 runs over by its top four bits, which are folded first.
    """
    low, high = multiply(left, right)
    one, three, four = np.uint64(1), np.uint64(3), np.uint64(4)
    high ^= (high >> np.uint64(63)) ^ (high >> np.uint64(61)) ^ (high >> np.uint64(60))
    return low ^ high ^ (high << one) ^ (high << three) ^ (high << four)


@cache
def cantor_basis(count: int) -> tuple[int, ...]:
    """The first ``count`` elements of the basis; of the two roots the one with bit 0 clear.

    x -> x^2 + x is linear over GF(2) with kernel {0, 1}; each b_i has a root in the field for all
    i < 63, since 64 is a power of two.
    """
    # Rows of the echelon form: (image, what it is the image of), by the image's top bit.
    rows: dict[int, tuple[int, int]] = {}
    for place in range(64):
        source = 1 << place
        image = plain_product(source, source) ^ source
        while image and image.bit_length() in rows:
            other = rows[image.bit_length()]
            image, source = image ^ other[0], source ^ other[1]
        if image:
            rows[image.bit_length()] = (image, source)
    basis = [1]
    while len(basis) < count:
        target, root = basis[-1], 0
        while target:
            image, source = rows[target.bit_length()]
            target, root = target ^ image, root ^ source
        basis.append(root & ~1)
    return tuple(basis)


@cache
def points(levels: int) -> Words:
    """The 2^levels points w_0, w_1, ...; uint64."""
    result = np.zeros(1 << levels, dtype=np.uint64)
    for level, element in enumerate(cantor_basis(levels) if levels else ()):
        result[1 << level : 2 << level] = result[: 1 << level] ^ np.uint64(element)
    result.flags.writeable = False
    return result
