"""The KEM facade over each library, and the input checks of FIPS 203."""

import hashlib

import pytest

from bridge.crypto.kem import CheckedKem, check_dk, check_ek
from bridge.crypto.keys import KemKeyPair, SecretKey
from bridge.crypto.provider import Capability
from bridge.domain.errors import CryptoError, InputError, InvalidKey, MechanismMissing
from bridge.domain.keys import Algorithm
from tests import vectors
from tests.providers import KEMS, kem_provider

KEM = Algorithm.ML_KEM_1024
NIST = vectors.key_gen_cases(KEM)[0]
everyone = pytest.mark.parametrize("name", KEMS)


def pair_for(provider) -> KemKeyPair:
    if Capability.SEEDED_KEYS in provider.capabilities()[KEM]:
        return provider.key_pair(NIST.seed)
    return KemKeyPair(NIST.public_key, SecretKey(KEM, expanded=NIST.expanded))


@everyone
def test_both_ends_get_one_secret_and_a_changed_ciphertext_gives_another(name):
    provider = kem_provider(name)
    pair = pair_for(provider)
    sent, again = provider.encapsulate(pair.ek), provider.encapsulate(pair.ek)
    assert sent.ciphertext != again.ciphertext
    assert provider.decapsulate(pair.secret, sent.ciphertext) == sent.shared_secret
    changed = bytes([sent.ciphertext[0] ^ 1]) + sent.ciphertext[1:]
    rejected = provider.decapsulate(pair.secret, changed)
    assert rejected != sent.shared_secret
    assert rejected == provider.decapsulate(pair.secret, changed)
    z = NIST.seed[32:]
    assert rejected == hashlib.shake_256(z + changed).digest(32)  # FIPS 203, Algorithm 18, line 7


@everyone
def test_wrong_lengths_are_refused(name):
    provider = kem_provider(name)
    pair = pair_for(provider)
    for length in (0, 1567, 1569):
        with pytest.raises(InvalidKey, match=f"ek: expected 1568 bytes, got {length}"):
            provider.encapsulate(bytes(length))
        with pytest.raises(InputError, match=f"ciphertext: expected 1568 bytes, got {length}"):
            provider.decapsulate(pair.secret, bytes(length))
    if Capability.SEEDED_KEYS in provider.capabilities()[KEM]:
        with pytest.raises(InvalidKey, match="seed: expected 64 bytes, got 63"):
            provider.key_pair(bytes(63))
        with pytest.raises(InvalidKey, match="seed: expected 64 bytes, got 65"):
            provider.decapsulate(SecretKey(KEM, seed=bytes(65)), bytes(1568))
    else:
        with pytest.raises(MechanismMissing, match="keys from seeds"):
            provider.key_pair(bytes(64))
        with pytest.raises(InvalidKey, match="takes ML-KEM-1024 expanded secret keys, got a seed"):
            provider.decapsulate(SecretKey(KEM, seed=bytes(64)), bytes(1568))


@everyone
def test_keys_of_another_kind_are_refused(name):
    provider = kem_provider(name)
    with pytest.raises(InvalidKey, match="expected one of ML-KEM-1024, got ML-DSA-87"):
        provider.decapsulate(SecretKey(Algorithm.ML_DSA_87, seed=bytes(32)), bytes(1568))
    if Capability.EXPANDED_KEYS not in provider.capabilities()[KEM]:
        with pytest.raises(InvalidKey, match="takes ML-KEM-1024 seeds, got an expanded"):
            provider.decapsulate(SecretKey(KEM, expanded=NIST.expanded), bytes(1568))


@everyone
def test_each_library_makes_the_modulus_check_itself_too(name):
    provider = kem_provider(name)
    overflowing = [c for c in vectors.encaps_cases() if not c.valid and len(c.ek) == 1568]
    assert len(overflowing) == 116
    for case in overflowing:
        with pytest.raises(CryptoError):
            provider._encapsulate(case.ek)


def test_the_modulus_check_names_the_coefficient():
    check_ek(NIST.public_key)
    largest = (3328 | 3328 << 12).to_bytes(3, "little")
    check_ek(NIST.public_key[:3] + largest + NIST.public_key[6:])
    for offset, pair in ((2, 3329 | 5 << 12), (3, 5 | 4095 << 12)):
        ek = NIST.public_key[:3] + pair.to_bytes(3, "little") + NIST.public_key[6:]
        value = 3329 if offset == 2 else 4095
        with pytest.raises(InvalidKey, match=f"below 3329, got {value} at {offset}"):
            check_ek(ek)
    last = NIST.public_key[:1533] + b"\xff\xff\xff" + NIST.public_key[1536:]
    with pytest.raises(InvalidKey, match="got 4095 at 1022"):
        check_ek(last)


def test_the_hash_check_of_an_expanded_key():
    check_dk(NIST.expanded)
    with pytest.raises(InvalidKey, match="expected the hash of its own ek"):
        check_dk(NIST.expanded[:3104] + bytes(32) + NIST.expanded[3136:])
    with pytest.raises(InvalidKey, match="dk: expected 3168 bytes, got 3167"):
        check_dk(NIST.expanded[:-1])


def test_the_shared_secret_is_never_printed():
    sent = kem_provider("cryptography").encapsulate(NIST.public_key)
    assert repr(sent.shared_secret) not in repr(sent)
    assert "shared_secret" not in repr(sent)


class ShortLibrary(CheckedKem):
    """A library that returns one byte less than it should; no real one does."""

    name = "short"

    def version(self):
        return "0"

    def capabilities(self):
        return {KEM: frozenset({Capability.SEEDED_KEYS})}

    def _expand(self, seed):
        return bytes(1567), None

    def _encapsulate(self, ek):
        return bytes(1568), bytes(31)

    def _decapsulate(self, secret, ciphertext):
        return bytes(31)


def test_output_of_the_wrong_length_does_not_leave_the_facade():
    with pytest.raises(CryptoError, match="ek of 1567 bytes, expected 1568"):
        ShortLibrary().key_pair(bytes(64))
    with pytest.raises(CryptoError, match="shared secret of 31 bytes, expected 32"):
        ShortLibrary().encapsulate(NIST.public_key)
    with pytest.raises(CryptoError, match="shared secret of 31 bytes, expected 32"):
        ShortLibrary().decapsulate(SecretKey(KEM, seed=bytes(64)), bytes(1568))
