"""Sizes: each recomputed from the formula of its standard."""

import pytest

from bridge.crypto.parameters import (
    ML_DSA_87,
    ML_KEM_1024,
    SLH_DSA_SHA2_128S,
    SLH_DSA_SHA2_128S_STRUCTURE,
    signature_parameters,
)
from bridge.domain.errors import InputError
from bridge.domain.keys import Algorithm


def test_ml_dsa_87_sizes_follow_from_fips_204():
    k, l, eta_bits, d, gamma1_bits, omega = 8, 7, 3, 13, 20, 75  # noqa: E741
    assert ML_DSA_87.public_key_bytes == 32 + 32 * k * (23 - d)
    assert ML_DSA_87.secret_key_bytes == 128 + 32 * ((k + l) * eta_bits + d * k)
    assert ML_DSA_87.signature_bytes == 64 + l * 32 * gamma1_bits + omega + k


def test_slh_dsa_sizes_follow_from_fips_205():
    s = SLH_DSA_SHA2_128S_STRUCTURE
    len_1 = 8 * s.n // s.lg_w
    len_2 = (len_1 * (2**s.lg_w - 1)).bit_length() // s.lg_w + 1
    signature = (1 + s.k * (1 + s.a) + s.h + s.d * (len_1 + len_2)) * s.n
    assert s.h == s.d * s.hp
    assert SLH_DSA_SHA2_128S.signature_bytes == signature
    assert SLH_DSA_SHA2_128S.seed_bytes == 3 * s.n
    assert SLH_DSA_SHA2_128S.secret_key_bytes == 4 * s.n
    assert SLH_DSA_SHA2_128S.public_key_bytes == 2 * s.n


def test_ml_kem_1024_sizes_follow_from_fips_203():
    k, du, dv = ML_KEM_1024.k, 11, 5
    assert ML_KEM_1024.ek_bytes == 384 * k + 32
    assert ML_KEM_1024.dk_bytes == 768 * k + 96
    assert ML_KEM_1024.ciphertext_bytes == 32 * (du * k + dv)


def test_an_algorithm_that_does_not_sign_is_refused():
    with pytest.raises(InputError, match="expected one of ML-DSA-87, SLH-DSA-SHA2-128s"):
        signature_parameters(Algorithm.ML_KEM_1024)
