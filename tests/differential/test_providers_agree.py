"""Each provider signs and each verifies; each encapsulates and each decapsulates.

dilithium-py, kyber-py and slh-dsa are second opinions. dilithium-py accepts repeated hint indices,
so what it accepts is no proof and it is not asked to reject.
"""

import pytest
from dilithium_py.ml_dsa import ML_DSA_87
from hypothesis import given, settings
from hypothesis import strategies as st
from kyber_py.ml_kem import ML_KEM_1024

from bridge.crypto.keys import SecretKey
from bridge.crypto.provider import Capability
from bridge.crypto.providers.registry import signature_providers
from bridge.crypto.providers.slh_dsa import expand
from bridge.domain.errors import InvalidSignature, MechanismMissing
from bridge.domain.keys import Algorithm
from tests.providers import KEMS, ML_DSA, SIGNERS, SLH_DSA, kem_provider, signature_provider
from tests.vector_runs import present

SEEDS = {ML_DSA: bytes(range(32)), SLH_DSA: bytes(range(48))}
CASES = ((b"", b""), (b"message", b"astralink/checkpoint/v1"), (bytes(1000), b"\xff" * 253))
PAIRS = [
    pytest.param(signer, verifier, algorithm, id=f"{algorithm}: {signer} to {verifier}")
    for signer, algorithm in SIGNERS
    for verifier, other in SIGNERS
    if other is algorithm
]


def expanded_pair(algorithm: Algorithm, seed: bytes) -> tuple[bytes, bytes]:
    """The public and expanded secret key, made by the second opinion."""
    if algorithm is SLH_DSA:
        return expand(seed)
    public_key, secret_key = ML_DSA_87.key_derive(seed)
    return bytes(public_key), bytes(secret_key)


@pytest.mark.parametrize(("signer", "verifier", "algorithm"), PAIRS)
def test_what_one_signs_the_other_verifies(signer, verifier, algorithm):
    signing, verifying = signature_provider(signer), signature_provider(verifier)
    public_key, expanded = expanded_pair(algorithm, SEEDS[algorithm])
    able = signing.capabilities()[algorithm]
    secret = (
        SecretKey(algorithm, expanded=expanded)
        if Capability.EXPANDED_KEYS in able
        else SecretKey(algorithm, seed=SEEDS[algorithm])
    )
    for message, ctx in CASES if algorithm is ML_DSA else CASES[1:2]:
        signature = signing.sign(algorithm, secret, message, ctx)
        verifying.verify(algorithm, public_key, message, signature, ctx)
        with pytest.raises(InvalidSignature):
            verifying.verify(algorithm, public_key, message + b"x", signature, ctx)
        changed = signature[:-100] + bytes([signature[-100] ^ 0x80]) + signature[-99:]
        with pytest.raises(InvalidSignature):
            verifying.verify(algorithm, public_key, message, changed, ctx)
        if algorithm is ML_DSA:
            assert ML_DSA_87.verify(public_key, message, signature, ctx)


@pytest.mark.parametrize(("name", "algorithm"), SIGNERS)
def test_a_seed_gives_everyone_the_same_keys(name, algorithm):
    provider = signature_provider(name)
    if Capability.SEEDED_KEYS not in provider.capabilities()[algorithm]:
        with pytest.raises(MechanismMissing, match=f"{name} has no {algorithm} with keys from"):
            provider.key_pair(algorithm, SEEDS[algorithm])
        return
    public_key, expanded = expanded_pair(algorithm, SEEDS[algorithm])
    pair = provider.key_pair(algorithm, SEEDS[algorithm])
    assert pair.public_key == public_key
    assert pair.secret.expanded in (None, expanded)


@given(
    message=st.binary(max_size=300),
    ctx=st.binary(max_size=255),
    seed=st.binary(min_size=32, max_size=32),
)
@settings(max_examples=15, deadline=None)
def test_deterministic_ml_dsa_of_liboqs_is_that_of_dilithium_py(message, ctx, seed):
    provider = signature_provider("liboqs")
    pair = provider.key_pair(ML_DSA, seed)
    signature = provider.sign(ML_DSA, pair.secret, message, ctx, deterministic=True)
    assert signature == ML_DSA_87.sign(pair.secret.expanded, message, ctx, deterministic=True)


@given(
    message=st.binary(max_size=300),
    ctx=st.binary(max_size=253),
    position=st.integers(0, 4627 * 8 - 1),
)
@settings(max_examples=40, deadline=None)
def test_a_flipped_bit_is_refused_by_all_that_are_there(message, ctx, position):
    providers = [p for p in present(signature_providers().values()) if ML_DSA in p.mechanisms()]
    pair = providers[0].key_pair(ML_DSA, SEEDS[ML_DSA])
    signature = providers[0].sign(ML_DSA, pair.secret, message, ctx)
    flipped = bytearray(signature)
    flipped[position // 8] ^= 1 << position % 8
    for provider in providers:
        provider.verify(ML_DSA, pair.public_key, message, signature, ctx)
        with pytest.raises(InvalidSignature):
            provider.verify(ML_DSA, pair.public_key, message, bytes(flipped), ctx)


@pytest.mark.parametrize("sender", [*KEMS, "kyber-py"])
@pytest.mark.parametrize("receiver", [*KEMS, "kyber-py"])
def test_what_one_encapsulates_the_other_decapsulates(sender, receiver):
    seed = bytes(range(64))
    ek, dk = (bytes(key) for key in ML_KEM_1024.key_derive(seed))
    if sender == "kyber-py":
        shared_secret, ciphertext = (bytes(part) for part in ML_KEM_1024.encaps(ek))
    else:
        sent = kem_provider(sender).encapsulate(ek)
        shared_secret, ciphertext = sent.shared_secret, sent.ciphertext
    changed = ciphertext[:-1] + bytes([ciphertext[-1] ^ 1])
    rejected = bytes(ML_KEM_1024.decaps(dk, changed))
    if receiver == "kyber-py":
        assert bytes(ML_KEM_1024.decaps(dk, ciphertext)) == shared_secret
        assert rejected != shared_secret
        return
    provider = kem_provider(receiver)
    able = provider.capabilities()[Algorithm.ML_KEM_1024]
    forms = []
    if Capability.SEEDED_KEYS in able:
        pair = provider.key_pair(seed)
        assert pair.ek == ek
        assert pair.secret.expanded in (None, dk)
        forms.append(SecretKey(Algorithm.ML_KEM_1024, seed=seed))
    if Capability.EXPANDED_KEYS in able:
        forms.append(SecretKey(Algorithm.ML_KEM_1024, expanded=dk))
    assert forms
    for secret in forms:
        assert provider.decapsulate(secret, ciphertext) == shared_secret
        assert provider.decapsulate(secret, changed) == rejected
