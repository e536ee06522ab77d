"""The signature facade over each library: what it gives, and what it refuses."""

from functools import cache

import pytest

from bridge.crypto.keys import SecretKey, SigningKeyPair
from bridge.crypto.parameters import signature_parameters
from bridge.crypto.provider import Capability
from bridge.crypto.signatures import CheckedSignatures
from bridge.domain.errors import (
    CryptoError,
    InputError,
    InvalidKey,
    InvalidSignature,
    MechanismMissing,
)
from bridge.domain.keys import Algorithm
from tests import vectors
from tests.providers import ML_DSA, SIGNERS, SLH_DSA, signature_provider

MESSAGE, CTX = b"a checkpoint's digest", b"astralink/checkpoint/v1"
everyone = pytest.mark.parametrize(("name", "algorithm"), SIGNERS)


def pair_for(provider, algorithm) -> SigningKeyPair:
    """A pair in a form that the provider signs with; NIST's first where it takes no seeds."""
    case = vectors.key_gen_cases(algorithm)[0]
    if Capability.SEEDED_KEYS in provider.capabilities()[algorithm]:
        return provider.key_pair(algorithm, case.seed)
    return SigningKeyPair(case.public_key, SecretKey(algorithm, expanded=case.expanded))


@cache
def signed(name, algorithm) -> bytes:
    """A hedged signature of MESSAGE with CTX: a library in Python takes seconds for one."""
    provider = signature_provider(name)
    return provider.sign(algorithm, pair_for(provider, algorithm).secret, MESSAGE, CTX)


@everyone
def test_what_is_signed_verifies_and_nothing_else(name, algorithm):
    provider = signature_provider(name)
    pair = pair_for(provider, algorithm)
    other = vectors.key_gen_cases(algorithm)[1].public_key
    signature = signed(name, algorithm)
    assert len(signature) == signature_parameters(algorithm).signature_bytes
    provider.verify(algorithm, pair.public_key, MESSAGE, signature, CTX)
    flipped = bytes([signature[0] ^ 1]) + signature[1:]
    for public_key, message, sig, ctx in (
        (pair.public_key, MESSAGE + b"x", signature, CTX),
        (pair.public_key, MESSAGE, signature, CTX + b"x"),
        (pair.public_key, MESSAGE, signature, b""),
        (pair.public_key, CTX + MESSAGE, signature, b""),
        (pair.public_key, MESSAGE, flipped, CTX),
        (other, MESSAGE, signature, CTX),
    ):
        with pytest.raises(InvalidSignature, match=f"{algorithm} signature does not verify"):
            provider.verify(algorithm, public_key, message, sig, ctx)


@everyone
def test_hedged_signatures_differ(name, algorithm):
    provider = signature_provider(name)
    secret = pair_for(provider, algorithm).secret
    assert provider.sign(algorithm, secret, MESSAGE, CTX) != signed(name, algorithm)


@everyone
def test_deterministic_signatures_are_equal_or_refused(name, algorithm):
    provider = signature_provider(name)
    pair = pair_for(provider, algorithm)
    if Capability.DETERMINISTIC in provider.capabilities()[algorithm]:
        first, second = (
            provider.sign(algorithm, pair.secret, MESSAGE, CTX, deterministic=True)
            for _ in range(2)
        )
        assert first == second
        provider.verify(algorithm, pair.public_key, MESSAGE, first, CTX)
    else:
        wanted = f"provider {name} has no {algorithm} with deterministic signatures"
        with pytest.raises(MechanismMissing, match=wanted):
            provider.sign(algorithm, pair.secret, MESSAGE, CTX, deterministic=True)


@everyone
def test_the_longest_ctx_passes_and_one_more_byte_is_refused(name, algorithm):
    provider = signature_provider(name)
    pair = pair_for(provider, algorithm)
    longest = 253 if (name, algorithm) == ("pqcrypto", ML_DSA) else 255
    signature = provider.sign(algorithm, pair.secret, MESSAGE, b"c" * longest)
    provider.verify(algorithm, pair.public_key, MESSAGE, signature, b"c" * longest)
    with pytest.raises(InputError, match="ctx: expected at most 255 bytes, got 256"):
        provider.sign(algorithm, pair.secret, MESSAGE, b"c" * 256)
    with pytest.raises(InputError, match="ctx: expected at most 255 bytes, got 256"):
        provider.verify(algorithm, pair.public_key, MESSAGE, signature, b"c" * 256)


def test_pqcrypto_does_not_answer_where_its_ml_dsa_would_be_wrong():
    provider = signature_provider("pqcrypto")
    pair = pair_for(provider, ML_DSA)
    sizes = signature_parameters(ML_DSA)
    with pytest.raises(MechanismMissing, match="ctx of 254 bytes: it has a ctx of at most 253"):
        provider.sign(ML_DSA, pair.secret, MESSAGE, b"c" * 254)
    with pytest.raises(MechanismMissing, match="ctx of 255 bytes"):
        provider.verify(ML_DSA, pair.public_key, MESSAGE, bytes(sizes.signature_bytes), b"c" * 255)


@everyone
def test_wrong_lengths_are_refused(name, algorithm):
    provider = signature_provider(name)
    sizes = signature_parameters(algorithm)
    pair = pair_for(provider, algorithm)
    signature = signed(name, algorithm)
    for wrong in (b"", signature[:-1], signature + b"\0"):
        with pytest.raises(InvalidSignature, match=f"expected {sizes.signature_bytes} bytes, got"):
            provider.verify(algorithm, pair.public_key, MESSAGE, wrong, CTX)
    for wrong in (b"", pair.public_key[:-1], pair.public_key + b"\0"):
        with pytest.raises(InvalidKey, match=f"expected {sizes.public_key_bytes} bytes, got"):
            provider.verify(algorithm, wrong, MESSAGE, signature, CTX)
    able = provider.capabilities()[algorithm]
    if Capability.SEEDED_KEYS in able:
        for length in (0, sizes.seed_bytes - 1, sizes.seed_bytes + 1):
            with pytest.raises(InvalidKey, match=f"seed: expected {sizes.seed_bytes} bytes, got"):
                provider.key_pair(algorithm, bytes(length))
            with pytest.raises(InvalidKey, match=f"seed: expected {sizes.seed_bytes} bytes, got"):
                provider.sign(algorithm, SecretKey(algorithm, seed=bytes(length)), MESSAGE)
    if Capability.EXPANDED_KEYS in able:
        short = SecretKey(algorithm, expanded=bytes(sizes.secret_key_bytes - 1))
        with pytest.raises(InvalidKey, match=f"expected {sizes.secret_key_bytes} bytes, got"):
            provider.sign(algorithm, short, MESSAGE)


@everyone
def test_a_form_of_key_that_the_library_does_not_take_is_refused(name, algorithm):
    provider = signature_provider(name)
    case = vectors.key_gen_cases(algorithm)[0]
    able = provider.capabilities()[algorithm]
    forms = {
        Capability.SEEDED_KEYS: SecretKey(algorithm, seed=case.seed),
        Capability.EXPANDED_KEYS: SecretKey(algorithm, expanded=case.expanded),
    }
    for capability, secret in forms.items():
        if capability in able:
            signature = provider.sign(algorithm, secret, MESSAGE)
            provider.verify(algorithm, case.public_key, MESSAGE, signature)
        else:
            with pytest.raises(InvalidKey, match=f"provider {name} takes {algorithm}"):
                provider.sign(algorithm, secret, MESSAGE)


@everyone
def test_a_key_of_another_algorithm_is_refused(name, algorithm):
    provider = signature_provider(name)
    other = SLH_DSA if algorithm is ML_DSA else ML_DSA
    with pytest.raises(InvalidKey, match=f"expected one of {algorithm}, got {other}"):
        provider.sign(algorithm, SecretKey(other, seed=bytes(32)), MESSAGE)


@pytest.mark.parametrize("name", ["cryptography", "slh-dsa"])
def test_a_missing_mechanism_names_what_is_there(name):
    provider = signature_provider(name)
    (have,) = provider.mechanisms()
    lacking = SLH_DSA if have is ML_DSA else ML_DSA
    wanted = f"provider {name} has no {lacking}: it has {have}"
    sizes = signature_parameters(lacking)
    with pytest.raises(MechanismMissing, match=wanted):
        provider.key_pair(lacking, bytes(sizes.seed_bytes))
    with pytest.raises(MechanismMissing, match=wanted):
        provider.sign(lacking, SecretKey(lacking, seed=bytes(sizes.seed_bytes)), MESSAGE)
    with pytest.raises(MechanismMissing, match=wanted):
        provider.verify(
            lacking, bytes(sizes.public_key_bytes), MESSAGE, bytes(sizes.signature_bytes)
        )


def test_an_algorithm_that_does_not_sign_is_refused():
    provider = signature_provider("cryptography")
    with pytest.raises(InputError, match="got ML-KEM-1024"):
        provider.key_pair(Algorithm.ML_KEM_1024, bytes(64))


def test_a_pair_holds_the_expanded_key_so_that_signing_does_not_make_it_again():
    provider = signature_provider("pqcrypto")
    case = vectors.key_gen_cases(SLH_DSA)[0]
    assert provider.key_pair(SLH_DSA, case.seed).secret.expanded == case.expanded


def test_slh_dsa_refuses_an_expanded_key_whose_root_is_not_its_own():
    provider = signature_provider("slh-dsa")
    case = vectors.key_gen_cases(SLH_DSA)[0]
    with pytest.raises(InvalidKey, match=r"its PK\.root is not that of its seeds"):
        provider.sign(SLH_DSA, SecretKey(SLH_DSA, expanded=case.expanded[:-1] + b"\0"), MESSAGE)


def test_secrets_are_never_printed():
    secret = SecretKey(ML_DSA, seed=b"\xab" * 32, expanded=b"\xcd" * 4896)
    pair = SigningKeyPair(b"", secret)
    for text in (repr(secret), str(secret), repr(pair), f"{pair}"):
        assert "\\xab" not in text
        assert "\\xcd" not in text
        assert "ML-DSA-87" in text


def test_a_secret_without_any_form_is_refused():
    with pytest.raises(InvalidKey, match="expected a seed or an expanded key"):
        SecretKey(ML_DSA)


class ShortLibrary(CheckedSignatures):
    """A library that returns one byte less than it should; no real one does."""

    name = "short"

    def version(self):
        return "0"

    def capabilities(self):
        return {ML_DSA: frozenset({Capability.SEEDED_KEYS})}

    def _expand(self, algorithm, seed):
        return bytes(2591), None

    def _sign(self, secret, message, ctx, deterministic):
        return bytes(4626)

    def _verify(self, algorithm, public_key, message, signature, ctx):
        return True


def test_output_of_the_wrong_length_does_not_leave_the_facade():
    with pytest.raises(CryptoError, match="short returned a ML-DSA-87 public key of 2591 bytes"):
        ShortLibrary().key_pair(ML_DSA, bytes(32))
    with pytest.raises(CryptoError, match="short returned a ML-DSA-87 signature of 4626 bytes"):
        ShortLibrary().sign(ML_DSA, SecretKey(ML_DSA, seed=bytes(32)), MESSAGE)
