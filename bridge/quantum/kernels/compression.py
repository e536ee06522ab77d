"""An exactly 2-universal hash from n words to m words, by the additive transform.

Write the input as (a, b), a of m words and b of k = n - m. With a seed s of n - 1 words,

    key = a + T_s(b),   T_s(b) = the m highest coefficients of the polynomial of degree below N
                        with value s_j f_b(w_j) at w_j for j < n - 1 and 0 at the other points,

where f_b has the coefficients b on X_0 .. X_{k-1} and N is the power of two from n - 1 up. Two
different inputs collide with probability at most 2^(-64 m) over the seed:

1. If their b are equal, their a are not, and neither are their keys.
2. Else let b' be the difference of the b. f_{b'} is not zero and has degree below k, so that it has
   at most k - 1 roots and is not zero at m or more of the n - 1 points. There s_j f_{b'}(w_j) is
   uniform and independent for different j. Fix all but m of those. The map from values at the m
   points to the m highest coefficients is a bijection: it is linear, and a polynomial whose m
   highest coefficients are zero, that is of degree below N - m (X_i has degree i), and that is zero
   at the other N - m points is zero. So T_s(b') is uniform, and is the one value of which
   the keys would be equal with probability 2^(-64 m) exactly.

That a part of the input may go by unhashed is known of Toeplitz matrices (Hayashi and Tsurumaru
2016, doi 10.1109/TIT.2016.2526018); the code here is that of Reed and Solomon.
"""

from __future__ import annotations

import numpy as np

from bridge.domain.errors import InputError
from bridge.quantum.kernels.compiled import kernel
from bridge.quantum.kernels.field import MODULUS, Words, product
from bridge.quantum.kernels.processor import processor
from bridge.quantum.kernels.transform import forward, inverse, wide_products


@kernel
def _narrow_products(values: Words, factors: Words) -> None:
    for index in range(factors.size):
        values[index] = product(values[index], factors[index])


def seed_words(count: int) -> int:
    """How many words of seed an input of ``count`` words takes, whatever the length of the key."""
    return count - 1


def compress(words: Words, seed: Words, length: int) -> Words:
    """The key of ``length`` words. ``InputError`` when lengths do not fit."""
    count = len(words)
    if not 0 < length <= count or len(seed) != seed_words(count):
        raise InputError(
            f"amplification: expected 1 to {count} words of key and {count - 1} of seed, "
            f"got {length} and {len(seed)}"
        )
    rest = count - length
    if rest == 0:
        return words.copy()
    points = 1 << max(3, (count - 2).bit_length())
    values = np.zeros(points, dtype=np.uint64)
    values[:rest] = words[length:]
    forward(values)
    head = values[: count - 1]
    if processor().wide_carry_less:
        wide_products(head, seed)
    else:
        _narrow_products(head, seed)
    values[count - 1 :] = 0
    inverse(values)
    key: Words = values[points - length :]
    key ^= words[:length]
    return key


class SmallField:
    """GF(2^b) for the twin, with a modulus and a Cantor basis of its own."""

    def __init__(self, bits: int, modulus: int) -> None:
        self.bits = bits
        self.modulus = modulus

    def product(self, left: int, right: int) -> int:
        """The product, by shifts and adds."""
        result = 0
        while right:
            if right & 1:
                result ^= left
            left <<= 1
            if left >> self.bits:
                left ^= self.modulus
            right >>= 1
        return result

    def inverse(self, value: int) -> int:
        """The inverse of an element other than zero: its power 2^b - 2."""
        result = 1
        for _ in range(self.bits - 1):
            value = self.product(value, value)
            result = self.product(result, value)
        return result

    def points(self, basis: tuple[int, ...]) -> list[int]:
        """All sums of the basis, w_j in place j."""
        result = [0]
        for element in basis:
            result += [point ^ element for point in result]
        return result


LARGE_FIELD = SmallField(64, MODULUS)


def plain_compress(
    field: SmallField,
    basis: tuple[int, ...],
    words: list[int],
    seed: list[int],
    length: int,
) -> list[int]:
    """The twin of `compress` over any field, from its definition: evaluate, then interpolate.

    ``basis`` is the field's Cantor basis, as many elements as the number of points has bits.
    """
    rest, points = words[length:], field.points(basis)
    degree_polynomials = [_values(field, k, points) for k in range(len(points))]
    values = [0] * len(points)
    for j in range(len(words) - 1):
        value = 0
        for k, coefficient in enumerate(rest):
            value ^= field.product(coefficient, degree_polynomials[k][j])
        values[j] = field.product(seed[j], value)
    coefficients = _solve(field, degree_polynomials, values)
    return [
        a ^ c for a, c in zip(words[:length], coefficients[len(points) - length :], strict=True)
    ]


def _values(field: SmallField, k: int, points: list[int]) -> list[int]:
    """X_k at all points, from its definition as a product of the s_i."""
    result = []
    for point in points:
        value, s, bits = 1, point, k
        while bits:
            if bits & 1:
                value = field.product(value, s)
            s = field.product(s, s) ^ s
            bits >>= 1
        result.append(value)
    return result


def _solve(field: SmallField, columns: list[list[int]], values: list[int]) -> list[int]:
    """The coefficients c with sum_k c_k columns[k][j] = values[j], by Gauss's elimination."""
    count = len(values)
    rows = [[columns[k][j] for k in range(count)] + [values[j]] for j in range(count)]
    for place in range(count):
        pivot = next(row for row in range(place, count) if rows[row][place])
        rows[place], rows[pivot] = rows[pivot], rows[place]
        scale = field.inverse(rows[place][place])
        rows[place] = [field.product(scale, value) for value in rows[place]]
        for row in range(count):
            factor = rows[row][place]
            if row != place and factor:
                rows[row] = [
                    value ^ field.product(factor, other)
                    for value, other in zip(rows[row], rows[place], strict=True)
                ]
    return [row[count] for row in rows]
