"""All official vectors over all providers: what each answers, and the table of it.

A case is right, wrong or not possible. Not possible means that the library cannot be asked, and
says why; it is never counted as right. Wrong answers that are known stand in ``KNOWN_DEFECTS``,
and the tests hold the table against exactly that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, partial
from typing import TypeVar

from dilithium_py.ml_dsa import ML_DSA_87

from bridge.crypto.kem import KemProvider
from bridge.crypto.keys import SecretKey
from bridge.crypto.parameters import ML_KEM_1024
from bridge.crypto.provider import Capability
from bridge.crypto.providers import liboqs_library
from bridge.crypto.providers.registry import kem_providers, signature_providers
from bridge.crypto.signatures import SignatureProvider
from bridge.domain.errors import (
    InputError,
    InvalidKey,
    InvalidSignature,
    MechanismMissing,
    ProviderMissing,
)
from bridge.domain.keys import Algorithm
from tests import vectors

# Provider and kind, then tcId and what is wrong with the answer. Empty means that no provider
# answers any case wrongly; bridge/crypto/README.md tells what the libraries alone answer wrongly.
KNOWN_DEFECTS: dict[tuple[str, str], dict[int, str]] = {}

HEDGED_ONLY = "signs hedged only"
SEEDS_ONLY = "takes keys as seeds only"
EXPANDED_ONLY = "takes expanded keys only"
NO_M = "takes no randomness for encapsulation"
NO_RND = "takes no given randomness for signing"

Provided = TypeVar("Provided")

_REFUSALS = (InputError, InvalidKey, InvalidSignature)


class NotPossible(Exception):
    """The library cannot be asked this case, for the reason that the text gives."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one provider answered to one kind of vector."""

    provider: str
    version: str
    kind: str
    cases: int
    right: int
    wrong: tuple[int, ...]
    not_possible: tuple[tuple[str, int], ...]

    def __post_init__(self) -> None:
        assert self.cases == self.right + len(self.wrong) + sum(n for _, n in self.not_possible)


def same_key_pair(provider: SignatureProvider, case: vectors.KeyGenCase) -> bool:
    """Whether the seed gives NIST's public key, and its expanded key where there is one."""
    _need(provider, case.algorithm, Capability.SEEDED_KEYS, EXPANDED_ONLY)
    pair = provider.key_pair(case.algorithm, case.seed)
    return pair.public_key == case.public_key and pair.secret.expanded in (None, case.expanded)


def same_signature(provider: SignatureProvider, case: vectors.SignCase) -> bool:
    """Whether a deterministic signature has the expected bytes, or what is invalid is refused."""
    if case.rnd is not None:
        raise NotPossible(NO_RND)
    if case.seed is not None:
        _need(provider, case.algorithm, Capability.SEEDED_KEYS, EXPANDED_ONLY)
    else:
        _need(provider, case.algorithm, Capability.EXPANDED_KEYS, SEEDS_ONLY)
    secret = SecretKey(case.algorithm, case.seed, case.expanded)
    sign = partial(provider.sign, case.algorithm, secret, case.message, case.ctx)
    if not case.valid:
        return _refused(sign)
    _need(provider, case.algorithm, Capability.DETERMINISTIC, HEDGED_ONLY)
    return sign(deterministic=True) == case.signature


def expected_signature_verifies(provider: SignatureProvider, case: vectors.SignCase) -> bool:
    """Whether the expected signature verifies with the public key that belongs to the key."""
    if case.seed is not None and Capability.SEEDED_KEYS in _able(provider, case.algorithm):
        public_key = provider.key_pair(case.algorithm, case.seed).public_key
        if public_key != case.public_key:
            return False
    else:
        public_key = case.public_key or public_key_of(case)
    verify = partial(provider.verify, case.algorithm, public_key, case.message, case.signature)
    return not _refused(partial(verify, case.ctx))


def verdict_is_right(provider: SignatureProvider, case: vectors.VerifyCase) -> bool:
    """Whether the signature is accepted exactly when it is valid."""
    verify = partial(provider.verify, case.algorithm, case.public_key, case.message)
    return _refused(partial(verify, case.signature, case.ctx)) is not case.valid


def same_kem_key_pair(provider: KemProvider, case: vectors.KeyGenCase) -> bool:
    """Whether the seed gives NIST's ek, and its dk where there is one."""
    _need(provider, case.algorithm, Capability.SEEDED_KEYS, EXPANDED_ONLY)
    pair = provider.key_pair(case.seed)
    return pair.ek == case.public_key and pair.secret.expanded in (None, case.expanded)


def same_encapsulation(provider: KemProvider, case: vectors.EncapsCase) -> bool:
    """Whether ek and m give the expected pair, or an invalid ek is refused."""
    if not case.valid:
        return _refused(partial(provider.encapsulate, case.ek))
    if provider.name != "liboqs":
        raise NotPossible(NO_M)
    with liboqs_library.random_source(case.m):
        sent = provider.encapsulate(case.ek)
    return (sent.ciphertext, sent.shared_secret) == (case.ciphertext, case.shared_secret)


def same_shared_secret(provider: KemProvider, case: vectors.DecapsCase) -> bool:
    """Whether the ciphertext gives the expected secret, or what is invalid is refused."""
    if case.seed is not None:
        _need(provider, Algorithm.ML_KEM_1024, Capability.SEEDED_KEYS, EXPANDED_ONLY)
    else:
        _need(provider, Algorithm.ML_KEM_1024, Capability.EXPANDED_KEYS, SEEDS_ONLY)
    secret = SecretKey(Algorithm.ML_KEM_1024, case.seed, case.expanded)
    if not case.valid:
        return _refused(partial(provider.decapsulate, secret, case.ciphertext))
    if case.ek is not None and case.seed is not None and provider.key_pair(case.seed).ek != case.ek:
        return False
    return provider.decapsulate(secret, case.ciphertext) == case.shared_secret


def key_check_is_right(provider: KemProvider, case: vectors.KeyCheckCase) -> bool:
    """Whether an ek or dk is refused exactly when it is invalid."""
    if case.ek is not None:
        return _refused(partial(provider.encapsulate, case.ek)) is not case.valid
    _need(provider, Algorithm.ML_KEM_1024, Capability.EXPANDED_KEYS, SEEDS_ONLY)
    secret = SecretKey(Algorithm.ML_KEM_1024, expanded=case.dk)
    ciphertext = bytes(ML_KEM_1024.ciphertext_bytes)
    return _refused(partial(provider.decapsulate, secret, ciphertext)) is not case.valid


@cache
def public_key_of(case: vectors.SignCase) -> bytes:
    """The public key of an expanded secret key: FIPS 205 has it inside, FIPS 204 derives it."""
    assert case.expanded is not None
    if case.algorithm is Algorithm.SLH_DSA_SHA2_128S:
        return case.expanded[32:]
    return bytes(ML_DSA_87.pk_from_sk(case.expanded))


def signature_kinds(algorithm: Algorithm) -> dict[str, tuple[Callable, tuple]]:
    """The kinds of vector of a signature algorithm: how a case is run, and the cases."""
    nist = vectors.nist_sign_cases(algorithm)
    kinds = {
        f"{algorithm} keyGen, NIST": (same_key_pair, vectors.key_gen_cases(algorithm)),
        f"{algorithm} sigGen, NIST: same bytes": (same_signature, nist),
        f"{algorithm} sigGen, NIST: expected signature verifies": (
            expected_signature_verifies,
            nist,
        ),
        f"{algorithm} sigVer, NIST": (verdict_is_right, vectors.nist_verify_cases(algorithm)),
    }
    if algorithm is Algorithm.ML_DSA_87:
        signed = vectors.wycheproof_sign_cases()
        valid = tuple(case for case in signed if case.valid)
        kinds |= {
            f"{algorithm} sign_seed, Wycheproof: same bytes": (same_signature, signed),
            f"{algorithm} sign_seed, Wycheproof: key and expected signature": (
                expected_signature_verifies,
                valid,
            ),
            f"{algorithm} verify, Wycheproof": (
                verdict_is_right,
                vectors.wycheproof_verify_cases(),
            ),
        }
    return kinds


def kem_kinds() -> dict[str, tuple[Callable, tuple]]:
    """The kinds of vector of ML-KEM-1024: how a case is run, and the cases."""
    kinds: dict[str, tuple[Callable, tuple]] = {
        "ML-KEM-1024 keyGen, NIST": (
            same_kem_key_pair,
            vectors.key_gen_cases(Algorithm.ML_KEM_1024),
        ),
        "ML-KEM-1024 key checks, NIST": (key_check_is_right, vectors.key_check_cases()),
        "ML-KEM-1024 mlkem, Wycheproof": (same_shared_secret, vectors.seed_decaps_cases()),
    }
    for source in (vectors.NIST, vectors.WYCHEPROOF):
        word = source.split()[0]
        kinds |= {
            f"ML-KEM-1024 encapsulation, {word}": (
                same_encapsulation,
                tuple(c for c in vectors.encaps_cases() if c.source == source),
            ),
            f"ML-KEM-1024 decapsulation with expanded dk, {word}": (
                same_shared_secret,
                tuple(c for c in vectors.expanded_decaps_cases() if c.source == source),
            ),
        }
    return kinds


def run(provider: SignatureProvider | KemProvider, kind: str, ask: Callable, cases: tuple) -> Row:
    """The row of one provider and one kind."""
    right, wrong, not_possible = 0, [], Counter()
    for case in cases:
        try:
            answer = ask(provider, case)
        except (NotPossible, MechanismMissing) as reason:
            not_possible[str(reason)] += 1
            continue
        if answer:
            right += 1
        else:
            wrong.append(case.tc_id)
    return Row(
        provider=provider.name,
        version=provider.version(),
        kind=kind,
        cases=len(cases),
        right=right,
        wrong=tuple(wrong),
        not_possible=tuple(sorted(not_possible.items())),
    )


def vector_table() -> tuple[Row, ...]:
    """A row for each provider that is there and each kind of vector of its algorithms."""
    rows = []
    for provider in present(signature_providers().values()):
        for algorithm in vectors.SIGNATURE_ALGORITHMS:
            if algorithm in provider.mechanisms():
                for kind, (ask, cases) in signature_kinds(algorithm).items():
                    rows.append(run(provider, kind, ask, cases))
    for provider in present(kem_providers().values()):
        for kind, (ask, cases) in kem_kinds().items():
            rows.append(run(provider, kind, ask, cases))
    return tuple(rows)


def present(makers: Iterable[Callable[[], Provided]]) -> list[Provided]:
    """The providers whose library is there."""
    found = []
    for make in makers:
        try:
            found.append(make())
        except ProviderMissing:
            continue
    return found


def _able(provider: SignatureProvider | KemProvider, algorithm: Algorithm) -> frozenset[Capability]:
    return provider.capabilities()[algorithm]


def _need(
    provider: SignatureProvider | KemProvider,
    algorithm: Algorithm,
    capability: Capability,
    reason: str,
) -> None:
    if capability not in _able(provider, algorithm):
        raise NotPossible(reason)


def _refused(call: Callable[[], object]) -> bool:
    try:
        call()
    except _REFUSALS:
        return True
    return False
