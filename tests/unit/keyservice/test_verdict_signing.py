"""A key says one thing of a contract under one number, and nothing else after it."""

import dataclasses
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bridge.crypto.digests import revocation_digest, statement_content, verdict_digest
from bridge.crypto.signatures import SignatureProvider
from bridge.domain.contexts import CONTEXTS, REVOCATION_CONTEXT, VERDICT_CONTEXT
from bridge.domain.errors import InvalidSignature, UnknownKey, VerdictConflict
from bridge.domain.keys import Algorithm, PublicKeyRecord
from bridge.domain.verdicts import MatchKind, VerdictStatement
from bridge.keyservice.access import Grant, Right
from bridge.keyservice.signer import Signer
from bridge.keyservice.store import KeyStore
from tests.unit.domain.test_verdicts import REVOCATION, STATEMENT, VERDICT
from tests.unit.keyservice.test_signer import Watched

MakeRecord = Callable[..., PublicKeyRecord]
SEED = bytes(range(32))
ML_DSA = Algorithm.ML_DSA_87
OTHER = dataclasses.replace(
    STATEMENT, verdict=dataclasses.replace(VERDICT, match=MatchKind.EXACT_MATCH)
)


def moved(statement: VerdictStatement, **changes: object) -> VerdictStatement:
    place = dataclasses.replace(statement.place, **changes)  # type: ignore[arg-type]
    return dataclasses.replace(statement, place=place)


def test_verdicts_and_revocations_are_signed_under_contexts_of_their_own(
    store: KeyStore, record: PublicKeyRecord, signatures: SignatureProvider
) -> None:
    signer = Signer(store, signatures)
    later = dataclasses.replace(REVOCATION, place=moved(STATEMENT, sequence=8).place)
    said, taken_back = verdict_digest(STATEMENT), revocation_digest(later)
    for signed, digest, own in (
        (signer.sign_verdict(record.key_id, STATEMENT), said, VERDICT_CONTEXT),
        (signer.sign_revocation(record.key_id, later), taken_back, REVOCATION_CONTEXT),
    ):
        assert signed.digest == digest
        for ctx in CONTEXTS:
            args = (ML_DSA, record.public_key, digest, signed.signature, ctx)
            if ctx == own:
                signatures.verify(*args)
            else:
                with pytest.raises(InvalidSignature):
                    signatures.verify(*args)


def test_a_second_statement_takes_another_sequence(
    store: KeyStore, record: PublicKeyRecord, signatures: SignatureProvider
) -> None:
    signer = Signer(store, signatures)
    first = signer.sign_verdict(record.key_id, STATEMENT)
    for conflict in (OTHER, dataclasses.replace(STATEMENT, expires_at=201)):
        with pytest.raises(VerdictConflict, match="for sequence 7; refused") as refused:
            signer.sign_verdict(record.key_id, conflict)
        assert refused.value.signed == statement_content(STATEMENT)
    with pytest.raises(VerdictConflict):  # a revocation stands in the same sequence
        signer.sign_revocation(record.key_id, REVOCATION)
    assert signer.sign_verdict(record.key_id, STATEMENT).digest == first.digest
    # The same in the next epoch, and anything elsewhere.
    signer.sign_verdict(record.key_id, moved(STATEMENT, epoch=2))
    with pytest.raises(VerdictConflict):
        signer.sign_verdict(record.key_id, moved(OTHER, epoch=2))
    for change in ({"sequence": 8}, {"registry_chain_id": 1}, {"registry": b"\x77" * 20}):
        signer.sign_verdict(record.key_id, moved(OTHER, **change))
    for name, value in (("chain_id", 5), ("address", b"\x77" * 20)):
        verdict = dataclasses.replace(OTHER.verdict, **{name: value})
        signer.sign_verdict(record.key_id, dataclasses.replace(OTHER, verdict=verdict))


def test_the_statement_is_on_disk_before_the_signature_exists(
    store: KeyStore, database: Path, record: PublicKeyRecord, signatures: SignatureProvider
) -> None:
    seen: list[tuple[str, bytes]] = []

    def look() -> None:
        connection = sqlite3.connect(database)
        seen.extend(connection.execute("SELECT sequence, statement FROM signed_verdicts"))
        connection.close()

    Signer(store, Watched(signatures, before=look)).sign_verdict(record.key_id, STATEMENT)
    assert seen == [("7", statement_content(STATEMENT))]
    with pytest.raises(VerdictConflict):
        store.record_statement(record.key_id, OTHER)


def test_of_two_that_come_at_once_one_is_signed(
    store: KeyStore, record: PublicKeyRecord, signatures: SignatureProvider
) -> None:
    signer = Signer(store, signatures)

    def sign(statement: VerdictStatement) -> bytes | None:
        try:
            return signer.sign_verdict(record.key_id, statement).digest
        except VerdictConflict:
            return None

    with ThreadPoolExecutor(8) as pool:
        signed = {one for one in pool.map(sign, [STATEMENT, OTHER] * 4) if one is not None}
    assert len(signed) == 1


def test_an_unknown_key_signs_nothing(store: KeyStore, signatures: SignatureProvider) -> None:
    signer = Signer(store, signatures)
    with pytest.raises(UnknownKey):
        signer.sign_verdict("nobody", STATEMENT)
    with pytest.raises(UnknownKey):
        signer.sign_revocation("nobody", REVOCATION)


def test_a_certificate_for_checkpoints_signs_no_verdicts() -> None:
    labels = frozenset({"signer-1"})
    assert Grant("one", frozenset({Right.VERDICT}), labels).allows(Right.VERDICT, "signer-1")
    assert not Grant("one", frozenset({Right.VERDICT}), labels).allows(Right.VERDICT, "signer-2")
    others = frozenset({Right.CHECKPOINT, Right.ROTATION, Right.DECAPSULATE, Right.ADMINISTER})
    assert not Grant("one", others, labels).allows(Right.VERDICT, "signer-1")
    assert not Grant("one", frozenset({Right.VERDICT}), labels).allows(Right.CHECKPOINT, "signer-1")
