"""The transform and the hash over GF(2^64), against their definitions."""

import itertools

import numpy as np
import pytest

from bridge.domain.errors import InputError
from bridge.quantum.distillation.modular import collision_bound, modular_hash
from bridge.quantum.kernels.compression import (
    LARGE_FIELD,
    SmallField,
    compress,
    plain_compress,
)
from bridge.quantum.kernels.field import cantor_basis, plain_product, points, product
from bridge.quantum.kernels.processor import processor
from bridge.quantum.kernels.transform import (
    forward,
    inverse,
    narrow_forward,
    narrow_inverse,
    plain_forward,
    wide_forward,
    wide_inverse,
    wide_products,
)
from tests.unit.quantum.test_kernels import stream

wide_only = pytest.mark.skipif(
    not processor().wide_carry_less, reason="this processor has no VPCLMULQDQ"
)

NIBBLES = SmallField(4, 0b10011)


def cantor(field: SmallField, count: int) -> tuple[int, ...]:
    """b_0 = 1, b_{i+1}^2 + b_{i+1} = b_i, by trying all."""
    basis = [1]
    while len(basis) < count:
        roots = [x for x in range(1 << field.bits) if field.product(x, x) ^ x == basis[-1]]
        basis.append(min(roots))
    return tuple(basis)


def test_products_are_those_of_the_twin() -> None:
    for left, right in zip(stream(1, 300).tolist(), stream(2, 300).tolist(), strict=True):
        assert product(np.uint64(left), np.uint64(right)) == plain_product(left, right)
    top = 2**64 - 1
    assert product(np.uint64(top), np.uint64(top)) == plain_product(top, top)


def test_the_field_is_a_field_and_the_basis_is_cantors() -> None:
    # x^(2^64) = x and no smaller power of two does it for x: the modulus is irreducible.
    value, seen = 2, set()
    for _ in range(64):
        seen.add(value)
        value = plain_product(value, value)
    assert value == 2
    assert len(seen) == 64
    basis = cantor_basis(20)
    assert basis[0] == 1
    for lower, upper in itertools.pairwise(basis):
        assert plain_product(upper, upper) ^ upper == lower
    assert int(points(3)[5]) == basis[0] ^ basis[2]


@pytest.mark.parametrize("count", [1, 2, 4, 16, 64])
def test_the_transform_is_that_of_the_twin(count: int) -> None:
    values = stream(count, count)
    expected = plain_forward(values.tolist())
    forward(values)
    assert values.tolist() == expected


def test_the_twin_evaluates_the_polynomial() -> None:
    coefficients, places = stream(5, 8).tolist(), points(3).tolist()
    for j, value in enumerate(plain_forward(coefficients)):
        expected = 0
        for k, coefficient in enumerate(coefficients):
            term, s, bits = coefficient, places[j], k
            while bits:
                if bits & 1:
                    term = plain_product(term, s)
                s = plain_product(s, s) ^ s
                bits >>= 1
            expected ^= term
        assert value == expected


@pytest.mark.parametrize("count", [1, 8, 256, 1 << 14])
def test_the_inverse_undoes_the_transform(count: int) -> None:
    values = stream(6, count)
    worked = values.copy()
    forward(worked)
    assert count == 1 or worked.tolist() != values.tolist()
    inverse(worked)
    assert worked.tolist() == values.tolist()


@wide_only
@pytest.mark.parametrize("count", [8, 64, 2048, 8192])
def test_four_at_once_give_the_same_as_one(count: int) -> None:
    table = points(count.bit_length() - 1)
    for one, four in ((narrow_forward, wide_forward), (narrow_inverse, wide_inverse)):
        first = stream(7, count)
        second = first.copy()
        one(first, table)
        four(second, table)
        assert first.tolist() == second.tolist()


@wide_only
@pytest.mark.parametrize("count", [1, 4, 7, 33])
def test_four_products_at_once_give_the_same_as_one(count: int) -> None:
    values, factors = stream(8, count), stream(9, count)
    expected = [plain_product(a, b) for a, b in zip(values.tolist(), factors.tolist(), strict=True)]
    wide_products(values, factors)
    assert values.tolist() == expected


@pytest.mark.parametrize(("count", "length"), [(2, 1), (5, 2), (9, 5), (12, 11), (7, 1)])
def test_the_hash_is_that_of_its_definition(count: int, length: int) -> None:
    words, seed = stream(10, count), stream(11, count - 1)
    basis = cantor_basis(max(3, (count - 2).bit_length()))
    expected = plain_compress(LARGE_FIELD, basis, words.tolist(), seed.tolist(), length)
    assert compress(words, seed, length).tolist() == expected


@pytest.mark.parametrize(("count", "length"), [(2, 1), (3, 1), (3, 2)])
def test_no_pair_collides_for_more_than_its_share_of_seeds(count: int, length: int) -> None:
    """All seeds and all pairs over GF(2^4). For each seed the hash is linear over GF(2), so that
    the images of single bits give those of all differences.

    The share is 2^(-4 m): the family is exactly 2-universal.
    """
    basis = cantor(NIBBLES, 2)
    collisions = np.zeros(16**count, dtype=np.int64)
    for seed in itertools.product(range(16), repeat=count - 1):
        images = np.zeros(1, dtype=np.int64)
        for bit in range(4 * count):
            words = [(1 << bit) >> 4 * place & 15 for place in range(count)]
            key = plain_compress(NIBBLES, basis, words, list(seed), length)
            image = sum(word << 4 * place for place, word in enumerate(key))
            images = np.concatenate([images, images ^ image])
        collisions += images == 0
    assert collisions[0] == 16 ** (count - 1)
    assert collisions[1:].max() == 16 ** (count - 1 - length)


def test_a_hash_without_its_seed_or_longer_than_its_input_is_refused() -> None:
    words = stream(12, 10)
    with pytest.raises(InputError, match="expected 1 to 10 words of key and 9 of seed"):
        compress(words, stream(13, 8), 5)
    with pytest.raises(InputError, match="got 11 and 9"):
        compress(words, stream(13, 9), 11)


def test_no_pair_collides_for_more_than_its_share_in_the_modular_family() -> None:
    """Carter and Wegman over 2^5 - 1, all multipliers, constants and pairs."""
    exponent, length = 5, 2
    prime = 2**exponent - 1
    for x, y in itertools.combinations(range(prime), 2):
        collisions = sum(
            modular_hash(x, a, b, exponent, length) == modular_hash(y, a, b, exponent, length)
            for a in range(1, prime)
            for b in range(prime)
        )
        assert collisions / ((prime - 1) * prime) <= collision_bound(exponent, length) <= 2**-length


def test_the_modular_family_refuses_what_is_not_in_it() -> None:
    for arguments, message in (
        ((5, 0, 1, 7, 3), "multiplier"),
        ((127, 1, 1, 7, 3), "input"),
        ((5, 1, 127, 7, 3), "constant"),
        ((5, 1, 1, 8, 3), "Mersenne"),
        ((5, 1, 1, 7, 8), "key"),
    ):
        with pytest.raises(InputError, match=message):
            modular_hash(*arguments)
