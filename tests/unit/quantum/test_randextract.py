"""Amplification against two libraries that share no code with it.

`randextract` is the reference library of Méndez Veiga and Hänggi (arXiv 2506.00124). It has
Toeplitz hashing, as `distillation.amplify` has, so keys are compared bit by bit, and the quantum
leftover hash lemma, by which lengths are. It has no hash like the two ends'
(`kernels.compression`), which is evaluated by its definition in the field arithmetic of `galois`.
"""

import galois
import numpy as np
import pytest
from randextract import ToeplitzHashing

from bridge.domain.errors import InputError
from bridge.quantum.distillation.amplify import amplify, toeplitz_hash
from bridge.quantum.distillation.bounds import (
    LENGTH_FIELD_BITS,
    binary_entropy,
    final_length,
    secret_length,
)
from bridge.quantum.kernels.compression import compress
from bridge.quantum.kernels.field import MODULUS, cantor_basis, product
from bridge.quantum.link.randomness import Bits, Randomness
from tests.unit.quantum.test_distillation import verified_block
from tests.unit.quantum.test_kernels import stream


def reference(bits: Bits, seed: Bits) -> list[int]:
    """`randextract`'s key. It writes T[i][j] = seed[i - j], where ours has seed[i - j + n - 1]."""
    count = len(bits)
    extractor = ToeplitzHashing(input_length=count, output_length=len(seed) - count + 1)
    key: list[int] = extractor.extract(bits, np.roll(seed, 1 - count)).tolist()
    return key


@pytest.mark.parametrize(
    ("count", "length"),
    [(1, 1), (2, 2), (9, 4), (64, 64), (1000, 1), (1000, 999), (40_000, 25_000)],
)
def test_the_toeplitz_key_is_that_of_the_reference_library(count: int, length: int) -> None:
    noise = np.random.default_rng(count + length)
    bits = noise.integers(0, 2, count, dtype=np.uint8)
    seed = noise.integers(0, 2, count + length - 1, dtype=np.uint8)
    bits[-1] = 1
    key = toeplitz_hash(bits, seed).tolist()
    assert key == reference(bits, seed)
    seed[0] ^= 1  # T[0][n - 1]
    assert toeplitz_hash(bits, seed).tolist() != key
    assert toeplitz_hash(bits, seed).tolist() == reference(bits, seed)


def test_the_key_of_a_block_is_that_of_the_reference_library_in_bits_and_length() -> None:
    block, epsilon = verified_block(8000), 1e-10
    key = amplify(block, epsilon, Randomness.seeded(7)).sender_key
    seed = Randomness.seeded(7).bits(len(block.estimated) + len(key) - 1)
    assert key.tolist() == reference(block.estimated.sender, seed)
    entropy = len(block.estimated) * (1 - binary_entropy(block.estimated.phase_error_upper))
    allowed = leftover_hash_length(len(block.estimated), entropy - block.leak_bits, epsilon)
    # 32 bits pay for a length that depends on the data, and a key is whole bytes.
    assert 0 <= allowed - LENGTH_FIELD_BITS - len(key) <= 8


def leftover_hash_length(count: int, entropy: float, epsilon: float) -> int:
    length: int = ToeplitzHashing.calculate_length(
        "quantum", count, relative_source_entropy=entropy / count, error_bound=epsilon
    )
    return length


@pytest.mark.parametrize("epsilon", [1e-3, 1e-10, 4.995e-11, 1e-20])
@pytest.mark.parametrize("rate", [0.0, 0.001, 0.01, 0.03, 0.08])
@pytest.mark.parametrize("count", [1 << 12, 1 << 16, 1 << 20])
def test_no_key_is_longer_than_the_reference_librarys_leftover_hash_lemma(
    count: int, rate: float, epsilon: float
) -> None:
    phase, leak = round(rate * count), round(1.05 * count * binary_entropy(rate)) + 128
    entropy = count * (1 - binary_entropy(phase / count)) - leak
    allowed = leftover_hash_length(count, entropy, epsilon)
    ours = final_length(count, phase, leak, epsilon)
    assert allowed - 1 <= ours <= allowed
    plain = secret_length(count, phase / count, leak, epsilon)
    assert plain == max(0, ours - LENGTH_FIELD_BITS)
    # The comparison tells a bit from none.
    assert final_length(count, phase, leak - 2, epsilon) > allowed or allowed == 0


def test_both_refuse_a_seed_that_is_too_short() -> None:
    bits, seed = np.ones(8, np.uint8), np.ones(7, np.uint8)
    with pytest.raises(InputError, match="at least 8 bits, got 7"):
        toeplitz_hash(bits, seed)
    with pytest.raises(ValueError, match="Size of array must be 8"):
        ToeplitzHashing(input_length=8, output_length=1).extract(bits, seed)


@pytest.fixture(scope="module")
def field() -> type[galois.FieldArray]:
    modulus = galois.Poly.Int(MODULUS)
    assert modulus.is_irreducible()
    made: type[galois.FieldArray] = galois.GF(2**64, irreducible_poly=modulus, verify=False)
    return made


def test_products_are_those_of_an_independent_field(field: type[galois.FieldArray]) -> None:
    left, right = stream(1, 200).tolist(), stream(2, 200).tolist()
    expected = field(left) * field(right)
    for one, other, value in zip(left, right, expected.tolist(), strict=True):
        assert int(product(np.uint64(one), np.uint64(other))) == value


@pytest.mark.parametrize(("count", "length"), [(2, 1), (5, 2), (9, 5), (9, 9), (17, 3)])
def test_the_hash_is_its_definition_in_an_independent_field(
    field: type[galois.FieldArray], count: int, length: int
) -> None:
    words, seed = stream(3, count), stream(4, count - 1)
    size = 1 << max(3, (count - 2).bit_length())
    points = [0]
    for element in cantor_basis(size.bit_length() - 1):
        points += [point ^ element for point in points]
    # X_k(w) is the product of s_i(w) over the bits i of k, with s_0(w) = w, s_{i+1} = s_i^2 + s_i.
    columns = []
    for k in range(size):
        value, s = field.Ones(size), field(points)
        for bit in range(size.bit_length() - 1):
            value = value * s if k >> bit & 1 else value
            s = s * s + s
        columns.append(value)
    values = field.Zeros(size)
    for column, word in zip(columns, words[length:].tolist(), strict=False):
        values = values + column * field(word)
    values[: count - 1] = values[: count - 1] * field(seed.tolist())
    values[count - 1 :] = 0
    basis = field(np.array([column.tolist() for column in columns], dtype=object).T)
    highest = np.linalg.solve(basis, values)[size - length :] if length < count else 0
    expected = field(words[:length].tolist()) + (highest if length < count else field(0))
    assert compress(words, seed, length).tolist() == expected.tolist()
    if length < count:
        seed[0] ^= np.uint64(1)
        assert compress(words, seed, length).tolist() != expected.tolist()
