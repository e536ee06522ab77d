"""Every provider over every official vector, held against the list of known defects."""

import pytest

from bridge.crypto.provider import Capability
from bridge.domain.errors import MechanismMissing
from bridge.domain.keys import Algorithm
from tests import vectors
from tests.providers import KEMS, ML_DSA, SIGNERS, kem_provider, signature_provider
from tests.vector_runs import KNOWN_DEFECTS, kem_kinds, run, signature_kinds

SIGNATURE_RUNS = [
    pytest.param(name, algorithm, kind, id=f"{name}: {kind}")
    for name, algorithm in SIGNERS
    for kind in signature_kinds(algorithm)
]
KEM_RUNS = [pytest.param(name, kind, id=f"{name}: {kind}") for name in KEMS for kind in kem_kinds()]


@pytest.mark.parametrize(("name", "algorithm", "kind"), SIGNATURE_RUNS)
def test_signature_vectors(name, algorithm, kind):
    ask, cases = signature_kinds(algorithm)[kind]
    check(run(signature_provider(name), kind, ask, cases))


@pytest.mark.parametrize(("name", "kind"), KEM_RUNS)
def test_kem_vectors(name, kind):
    ask, cases = kem_kinds()[kind]
    check(run(kem_provider(name), kind, ask, cases))


def check(row):
    assert row.cases > 0
    assert set(row.wrong) == set(KNOWN_DEFECTS.get((row.provider, row.kind), {}))


def test_liboqs_passes_the_slh_dsa_vectors_or_says_that_it_lacks_the_mechanism():
    provider = signature_provider("liboqs")
    algorithm = Algorithm.SLH_DSA_SHA2_128S
    if algorithm not in provider.mechanisms():
        with pytest.raises(MechanismMissing, match=f"provider liboqs has no {algorithm}"):
            provider.key_pair(algorithm, bytes(48))
        return
    for kind, (ask, cases) in signature_kinds(algorithm).items():
        check(run(provider, kind, ask, cases))


def test_known_defects_name_runs_that_exist():
    runs = {(name, kind) for name, algorithm in SIGNERS for kind in signature_kinds(algorithm)}
    runs |= {(name, kind) for name in KEMS for kind in kem_kinds()}
    assert set(KNOWN_DEFECTS) <= runs
    assert all(reason for cases in KNOWN_DEFECTS.values() for reason in cases.values())


def test_the_bundle_has_what_the_table_counts():
    """So that a loader that finds nothing cannot pass."""
    assert [len(vectors.key_gen_cases(a)) for a in Algorithm] == [25, 10, 25]
    assert [len(vectors.nist_sign_cases(a)) for a in vectors.SIGNATURE_ALGORITHMS] == [15, 7]
    assert [len(vectors.nist_verify_cases(a)) for a in vectors.SIGNATURE_ALGORITHMS] == [15, 14]
    assert len(vectors.wycheproof_verify_cases()) == 241
    assert len(vectors.wycheproof_sign_cases()) == 79
    assert len(vectors.encaps_cases()) == 25 + 269
    assert len(vectors.seed_decaps_cases()) == 202
    assert len(vectors.expanded_decaps_cases()) == 10 + 9
    assert len(vectors.key_check_cases()) == 20
    for algorithm in vectors.SIGNATURE_ALGORITHMS:
        assert {case.valid for case in vectors.verify_cases(algorithm)} == {True, False}
    assert sum(vectors.out_of_scope().values()) == 240


@pytest.mark.parametrize(("name", "algorithm"), SIGNERS)
def test_not_possible_is_what_the_capabilities_say(name, algorithm):
    """A provider with every capability answers every case but those of given randomness or ctx."""
    provider = signature_provider(name)
    able = provider.capabilities()[algorithm]
    kind = f"{algorithm} sigGen, NIST: same bytes"
    ask, cases = signature_kinds(algorithm)[kind]
    row = run(provider, kind, ask, cases[:1])
    needed = {Capability.EXPANDED_KEYS, Capability.DETERMINISTIC}
    assert bool(row.right) == (needed <= able)
    assert bool(row.not_possible) == (not needed <= able)


def test_a_wrong_answer_is_seen():
    """The runner calls a valid signature over another message wrong."""
    provider = signature_provider("cryptography")
    kind = f"{ML_DSA} sigVer, NIST"
    ask, cases = signature_kinds(ML_DSA)[kind]
    swapped = tuple(
        vectors.VerifyCase(
            source=case.source,
            tc_id=case.tc_id,
            algorithm=case.algorithm,
            public_key=case.public_key,
            message=case.message + b"x",
            ctx=case.ctx,
            signature=case.signature,
            valid=case.valid,
            flags=case.flags,
        )
        for case in cases
    )
    row = run(provider, kind, ask, swapped)
    assert row.wrong == tuple(case.tc_id for case in cases if case.valid)
