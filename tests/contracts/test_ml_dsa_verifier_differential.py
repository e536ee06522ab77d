"""MlDsa87Verifier against independent libraries, by signatures that are changed at random.

The libraries must agree with each other. dilithium-py is not asked: it accepts repeated hint
indices. ASTRALINK_DIFFERENTIAL_CASES sets how many cases are run, ASTRALINK_DIFFERENTIAL_SEED
chooses which; the seed of every run is printed.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from functools import cache

import pytest

from bridge.crypto.providers import select
from bridge.crypto.providers.registry import signature_providers
from bridge.crypto.signatures import SignatureProvider
from bridge.domain.errors import InputError, InvalidKey, InvalidSignature
from scripts.kernels.mldsa87 import BETA, GAMMA1, L, N
from tests.contracts.ml_dsa import FORMS, ML_DSA, OnChain, deploy, key_pair
from tests.contracts.ml_dsa_forger import Forger
from tests.contracts.ml_dsa_mutations import BOUND, FAR, MUTATIONS, NEAR
from tests.vector_runs import present

CASES = int(os.environ.get("ASTRALINK_DIFFERENTIAL_CASES", "300"))
SEED = int(os.environ.get("ASTRALINK_DIFFERENTIAL_SEED", random.SystemRandom().getrandbits(63)))
KEYS = 5
MALFORMED = {"hint_out_of_order", "hint_repeated", "hint_padding"}
MESSAGE_LENGTHS = (0, 1, 32, 69, 70, 71, 136, 300)
CTX_LENGTHS = (0, 1, 23, 128, 252)
"""pqcrypto takes 253 bytes at most, and a context may grow by one here."""


@pytest.fixture(scope="module")
def chain() -> OnChain:
    return deploy()


@cache
def libraries() -> tuple[SignatureProvider, ...]:
    """Each library that is there and has ML-DSA-87, two at least."""
    found = present(signature_providers().values())
    able = tuple(provider for provider in found if ML_DSA in provider.mechanisms())
    assert {"cryptography", "pqcrypto"} <= {provider.name for provider in able}
    return able


def of_the_libraries(public_key: bytes, message: bytes, ctx: bytes, signature: bytes) -> bool:
    """The verdict of all libraries, which is one."""
    verdicts = {}
    for library in libraries():
        try:
            library.verify(ML_DSA, public_key, message, signature, ctx)
        except (InvalidSignature, InvalidKey, InputError):
            verdicts[library.name] = False
        else:
            verdicts[library.name] = True
    assert len(set(verdicts.values())) == 1, verdicts
    return verdicts["cryptography"]


def changed(chance: random.Random, value: bytes) -> bytes:
    """The value with a bit flipped, a byte more or a byte less."""
    kind = chance.randrange(3)
    if kind == 0 or not value:
        return value + chance.randbytes(1)
    if kind == 1:
        return value[:-1]
    at = chance.randrange(len(value))
    return value[:at] + bytes([value[at] ^ 1 << chance.randrange(8)]) + value[at + 1 :]


def test_the_contract_agrees_with_the_libraries(chain: OnChain) -> None:
    print(f"ASTRALINK_DIFFERENTIAL_SEED={SEED}, {CASES} cases")
    provider, counts = select("default").signatures, Counter[tuple[str, bool]]()
    for number in range(CASES):
        chance = random.Random(f"{SEED} {number}")
        pair = key_pair(1 + chance.randrange(KEYS))
        message = chance.randbytes(chance.choice(MESSAGE_LENGTHS))
        ctx = chance.randbytes(chance.choice(CTX_LENGTHS))
        signature = bytearray(provider.sign(ML_DSA, pair.secret, message, ctx))
        mutate = MUTATIONS[number % len(MUTATIONS)]
        mutate(chance, signature)
        public_key, kind, form = pair.public_key, mutate.__name__, chance.choice(FORMS)
        if kind == "nothing" and number % 2:
            kind = chance.choice(("message", "ctx", "public key"))
            if kind == "message":
                message = changed(chance, message)
            elif kind == "ctx":
                ctx = changed(chance, ctx)
            else:
                bit = 1 << chance.randrange(2592 * 8)
                public_key = (int.from_bytes(public_key) ^ bit).to_bytes(2592)
                form = "raw"
        key = chain.key(form, public_key)
        expected = of_the_libraries(public_key, message, ctx, bytes(signature))
        got = chain.verdict(key, message, ctx, bytes(signature))
        assert got is expected, (
            f"seed {SEED}, case {number}: {kind}, {form} key, the libraries say {expected}; "
            f"message {message.hex()}, ctx {ctx.hex()}, signature {signature.hex()}"
        )
        counts[kind, expected] += 1
    for (kind, verdict), times in sorted(counts.items()):
        print(f"{kind}: {times} {'valid' if verdict else 'invalid'}")
    assert counts["nothing", True] >= CASES // (2 * len(MUTATIONS))
    assert counts["nothing", False] == 0
    assert sum(times for (_, verdict), times in counts.items() if not verdict) >= CASES // 2


@cache
def forger() -> Forger:
    return Forger(SEED.to_bytes(32))


def agreed(chain: OnChain, chance: random.Random, column: int, index: int, wanted: int) -> bool:
    """The one verdict of contract and libraries on a signature with that coefficient."""
    message, signature = forger().sign(chance, b"ctx", column, index, wanted)
    public_key = forger().public_key
    expected = of_the_libraries(public_key, message, b"ctx", signature)
    got = chain.verdict(chain.registered(public_key), message, b"ctx", signature)
    assert got is expected, f"seed {SEED}: z[{column}][{index}] = {wanted}, {signature.hex()}"
    return got


@pytest.mark.parametrize("wanted", NEAR + FAR[:2])
@pytest.mark.parametrize("column", range(L))
def test_the_bound_of_z_is_exact(chain: OnChain, column: int, wanted: int) -> None:
    """All is right about these signatures but one coefficient, so the bound alone decides."""
    print(f"ASTRALINK_DIFFERENTIAL_SEED={SEED}")
    assert BOUND == GAMMA1 - BETA
    chance = random.Random(f"{SEED} {column} {wanted}")
    for index in (0, N - 1, chance.randrange(N)):
        assert agreed(chain, chance, column, index, wanted) is (abs(wanted) < BOUND)


def test_forged_signatures_with_malformed_hints(chain: OnChain) -> None:
    """The same set of hints in an encoding that FIPS 204 refuses, around a signature that holds."""
    print(f"ASTRALINK_DIFFERENTIAL_SEED={SEED}")
    malformed = [m for m in MUTATIONS if m.__name__ in MALFORMED]
    assert {m.__name__ for m in malformed} == MALFORMED
    public_key = forger().public_key
    key = chain.registered(public_key)
    for number in range(CASES // 10):
        chance = random.Random(f"{SEED} hint {number}")
        message, good = forger().sign(chance, b"", 0, 0, 0)
        assert chain.verdict(key, message, b"", good)
        for mutate in malformed:
            signature = bytearray(good)
            mutate(chance, signature)
            assert signature != good
            assert not of_the_libraries(public_key, message, b"", bytes(signature))
            assert not chain.verdict(key, message, b"", bytes(signature)), mutate.__name__
