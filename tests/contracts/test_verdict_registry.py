"""Verdicts: what a quorum attests is found on chain, and all that is none is refused."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pyrevm
import pytest

from bridge.chain.abi import encode
from bridge.chain.statements import (
    revocation_tuple,
    rotation_tuple,
    signer_set_hash,
    verdict_tuple,
)
from bridge.crypto.digests import revocation_digest, verdict_digest
from bridge.crypto.hashing import keccak256
from bridge.crypto.providers import select
from bridge.domain.contexts import CONTEXTS, VERDICT_CONTEXT
from bridge.domain.quorums import SignerSet
from bridge.domain.rotations import Rotation
from bridge.domain.verdicts import MatchKind, text_of
from bridge.testing.machine import GUARDIAN, OWNER, STRANGER, Deployed, reverts
from bridge.testing.world import (
    GOVERNANCE,
    HOUR_S,
    MAXIMUM_VALIDITY_S,
    ML_DSA,
    Side,
    World,
    key_pair,
    raw,
    signature_of,
    signer,
)
from tests.contracts.conftest import ACCEPTS, REFUSES
from tests.contracts.verdicts import (
    ABROAD,
    DAY_S,
    bring,
    changed,
    code_of,
    revocation,
    signature,
    verdict,
)
from tests.mocks import mock

OTHER = b"\x0c" * 20
EMPTY = keccak256(b"")


@pytest.fixture
def side(world: World) -> Side:
    return world.b


@pytest.fixture
def registry(side: Side) -> Deployed:
    return side.verdicts


@pytest.fixture
def account(side: Side) -> str:
    """A contract with code."""
    return side.machine.deploy_code(ACCEPTS)


def set_code(side: Side, account: str, code: bytes) -> None:
    """What a redeployment behind CREATE2, or a chain's upgrade, does: other code, same address."""
    side.machine.evm.insert_account_info(account, pyrevm.AccountInfo(code=code))


def test_a_quorum_in_one_transaction_is_a_verdict(
    side: Side, registry: Deployed, account: str
) -> None:
    one = verdict(side, account)
    sent = bring(registry, one)
    events = sent.events(registry)
    assert [event.name for event in events] == [
        *("SignatureCounted", "SignatureCounted", "VerdictAccepted")
    ]
    assert events[-1].arguments["digest"] == verdict_digest(one)
    assert registry.call("isVerified", account)
    assert registry.call("isVerified", side.machine.chain_id, account)
    assert registry.call("isVerified", side.machine.chain_id, account, MatchKind.EXACT_MATCH)
    assert registry.call("isCodeVerified", one.verdict.code_hash)
    record = registry.call("verdictOf", side.machine.chain_id, account)
    code_hash, sequence, issued_at, expires_at, epoch, match, revoked, number = record[:8]
    assert (code_hash, sequence, epoch, revoked) == (one.verdict.code_hash, 1, 1, False)
    assert (issued_at, expires_at) == (one.issued_at, one.expires_at)
    assert (match, number) == (MatchKind.EXACT_MATCH, 7)
    assert record[8:11] == (0, one.verdict.block_hash, one.verdict.scan_digest)
    assert text_of(record[11]) == "astralink/test"


def test_nothing_is_verified_without_a_verdict(
    side: Side, registry: Deployed, account: str
) -> None:
    for asked in (account, STRANGER, "0x" + "00" * 20, registry.address):
        assert not registry.call("isVerified", asked)
        assert not registry.call("isVerified", ABROAD, asked)
    for code_hash in (bytes(32), EMPTY, keccak256(code_of(side, account))):
        assert not registry.call("isCodeVerified", code_hash)


def test_signatures_may_come_one_by_one_from_anybody(
    side: Side, registry: Deployed, account: str
) -> None:
    one = verdict(side, account)
    bring(registry, one, (1,), sender=STRANGER)
    assert not registry.call("isVerified", account)  # one short of the quorum
    assert registry.call("counted", verdict_digest(one)) == 0b10
    bring(registry, one, (0,))
    assert registry.call("isVerified", account)
    with reverts("StaleSequence", 1, 1):
        bring(registry, one, (2,))


def test_a_signer_counts_once(side: Side, registry: Deployed, account: str) -> None:
    one = verdict(side, account)
    with reverts("SignerAlreadyCounted", 1):
        bring(registry, one, (1, 1))
    bring(registry, one, (1,))
    secret = key_pair(ML_DSA, 2).secret
    again = select("default").signatures.sign(ML_DSA, secret, verdict_digest(one), VERDICT_CONTEXT)
    with reverts("SignerAlreadyCounted", 1):
        bring(registry, one, (1,), signatures=[again])
    assert not registry.call("isVerified", account)


@pytest.mark.parametrize("index", [3, 255, 256, 2**256 - 1])
def test_a_signer_who_is_not_in_the_set_is_refused(
    side: Side, registry: Deployed, account: str, index: int
) -> None:
    with reverts("SignerNotInSet", index, 3):
        bring(registry, verdict(side, account), (index,), signatures=[b""])


def test_a_revoked_signer_counts_no_more(side: Side, registry: Deployed, account: str) -> None:
    one = verdict(side, account)
    bring(registry, one, (2,))
    (key,) = signer((ML_DSA, 1)).keys
    side.registry.send("revoke", keccak256(key.public_key), sender=GUARDIAN)
    with reverts("RevokedSigner", 1, 0):
        bring(registry, one, (0,))
    # The other's signature was counted before; the two that are left are the quorum.
    bring(registry, one, (1,))
    assert registry.call("isVerified", account)


def test_a_signature_that_was_counted_before_its_key_was_revoked_counts_no_more(
    side: Side, registry: Deployed, account: str
) -> None:
    one = verdict(side, account)
    bring(registry, one, (0,))
    (key,) = signer((ML_DSA, 1)).keys
    side.registry.send("revoke", keccak256(key.public_key), sender=GUARDIAN)
    bring(registry, one, (1,))
    assert not registry.call("isVerified", account)
    bring(registry, one, (2,))
    assert registry.call("isVerified", account)


def test_a_key_outside_the_set_signs_for_nobody(
    side: Side, registry: Deployed, account: str
) -> None:
    one = verdict(side, account)
    stranger = signature_of(ML_DSA, 9, verdict_digest(one), VERDICT_CONTEXT)
    with reverts("InvalidSignature", 0):
        bring(registry, one, (0,), signatures=[stranger])


@pytest.mark.parametrize(
    ("change", "error", "arguments"),
    [
        ({"registry_chain_id": 5}, "WrongChainId", (31002, 5)),
        ({"registry": OTHER}, "WrongRegistry", None),
        ({"epoch": 2}, "WrongEpoch", (1, 2)),
        ({"epoch": 0}, "WrongEpoch", (1, 0)),
        ({"chain_id": 0}, "InvalidContract", None),
        ({"address": bytes(20)}, "InvalidContract", None),
        ({"code_hash": bytes(32)}, "NoCode", (bytes(32),)),
        ({"code_hash": EMPTY}, "NoCode", (EMPTY,)),
        ({"code_hash": b"\1" * 32}, "CodeChanged", None),
    ],
)
def test_a_verdict_that_is_not_for_here_is_refused_however_well_signed(
    side: Side,
    registry: Deployed,
    account: str,
    change: dict[str, object],
    error: str,
    arguments: tuple[object, ...] | None,
) -> None:
    with reverts(error, *(arguments or ())):
        bring(registry, verdict(side, account, **change))


@pytest.mark.parametrize(
    "change",
    [
        {"registry_chain_id": 5},
        {"registry": OTHER},
        {"epoch": 2},
        {"sequence": 2},
        {"issued_at": 1},
        {"expires_at": 2_000_000_000},
        {"chain_id": ABROAD},
        {"address": OTHER},
        {"code_hash": b"\1" * 32},
        {"block_number": 8},
        {"block_hash": b"\1" * 32},
        {"match": MatchKind.MATCH},
        {"scan_digest": bytes(32)},
        {"tool": "another"},
    ],
)
def test_a_signature_over_another_verdict_is_none_of_this(
    side: Side, registry: Deployed, account: str, change: dict[str, object]
) -> None:
    one = verdict(side, account)
    elsewhere = signature(signer((ML_DSA, 1)), changed(one, **change))
    with reverts("InvalidSignature", 0):
        bring(registry, one, (0,), signatures=[elsewhere])


@pytest.mark.parametrize("ctx", [b"", *(one for one in CONTEXTS if one != VERDICT_CONTEXT)])
def test_a_signature_under_another_context_is_refused(
    side: Side, registry: Deployed, account: str, ctx: bytes
) -> None:
    one = verdict(side, account)
    with reverts("InvalidSignature", 0):
        bring(registry, one, (0,), signatures=[signature(signer((ML_DSA, 1)), one, ctx)])


def test_no_signatures_and_counts_that_differ_are_refused(
    side: Side, registry: Deployed, account: str
) -> None:
    one = verdict(side, account)
    with reverts("NoSignatures"):
        bring(registry, one, (), signatures=[])
    with reverts("LengthMismatch", 2, 1):
        bring(registry, one, (0, 1), signatures=[b""])


def test_a_match_that_is_no_number_of_the_list_is_refused(
    side: Side, registry: Deployed, account: str
) -> None:
    fields = list(verdict_tuple(verdict(side, account)))
    fields[11] = 3
    with reverts(""):
        registry.send("submit", tuple(fields), [0], [b""])


def test_an_older_verdict_never_replaces_a_newer_one(
    side: Side, registry: Deployed, account: str
) -> None:
    older, newer = verdict(side, account, 4), verdict(side, account, 5, match=MatchKind.MATCH)
    bring(registry, newer)
    for one in (older, verdict(side, account, 5)):
        with reverts("StaleSequence", 5, one.place.sequence):
            bring(registry, one)
    assert registry.call("isVerified", account)
    chain_id = side.machine.chain_id
    assert not registry.call("isVerified", chain_id, account, MatchKind.EXACT_MATCH)
    bring(registry, verdict(side, account, 6))
    assert registry.call("isVerified", chain_id, account, MatchKind.EXACT_MATCH)


def test_a_verdict_of_no_match_verifies_nothing_and_replaces_one_of_a_match(
    side: Side, registry: Deployed, account: str
) -> None:
    bring(registry, verdict(side, account))
    bring(registry, verdict(side, account, 2, match=MatchKind.NO_MATCH))
    for least in MatchKind:
        assert not registry.call("isVerified", side.machine.chain_id, account, least)
    assert not registry.call("isCodeVerified", keccak256(code_of(side, account)))


def test_code_that_changed_is_verified_no_more(
    side: Side, registry: Deployed, account: str
) -> None:
    code = code_of(side, account)
    bring(registry, verdict(side, account))
    set_code(side, account, b"\x60\x00")
    assert not registry.call("isVerified", account)
    assert not registry.call("isVerified", side.machine.chain_id, account)
    # The code itself is still what was verified, wherever it is.
    assert registry.call("isCodeVerified", keccak256(code))
    # Another verdict on the old code is refused, one on the new code is not.
    stale = verdict(side, account, 2, code_hash=keccak256(code))
    with reverts("CodeChanged"):
        bring(registry, stale)
    bring(registry, verdict(side, account, 2))
    assert registry.call("isVerified", account)
    assert not registry.call("isCodeVerified", keccak256(code))
    set_code(side, account, code)
    assert not registry.call("isVerified", account)


def test_a_contract_of_another_chain_is_found_by_its_chain_alone(
    side: Side, registry: Deployed, account: str
) -> None:
    one = verdict(side, account, chain_id=ABROAD, code_hash=b"\1" * 32)
    bring(registry, one)
    assert registry.call("isVerified", ABROAD, account)
    assert not registry.call("isVerified", account)
    assert not registry.call("isVerified", side.machine.chain_id, account)
    assert not registry.call("isVerified", ABROAD + 1, account)


def test_a_verdict_expires(side: Side, registry: Deployed, account: str) -> None:
    one = verdict(side, account)
    bring(registry, one)
    side.machine.warp(DAY_S)
    assert registry.call("isVerified", account)
    side.machine.warp(1)
    assert not registry.call("isVerified", account)
    assert not registry.call("isCodeVerified", one.verdict.code_hash)
    late = verdict(side, account, 2, issued_at=one.issued_at, expires_at=one.expires_at)
    with reverts("VerdictExpired", one.expires_at, one.expires_at + 1):
        bring(registry, late)
    bring(registry, verdict(side, account, 2))
    assert registry.call("isVerified", account)


def test_times_out_of_bounds_are_refused(side: Side, registry: Deployed, account: str) -> None:
    now = side.machine.timestamp
    with reverts("NotYetIssued", now + 1, now):
        bring(registry, verdict(side, account, issued_at=now + 1))
    with reverts("InvalidValidity"):
        bring(registry, verdict(side, account, expires_at=now + MAXIMUM_VALIDITY_S + 1))
    bring(registry, verdict(side, account, expires_at=now + MAXIMUM_VALIDITY_S))
    fields = list(verdict_tuple(verdict(side, account, 2)))
    fields[5] = fields[4]
    with reverts("InvalidValidity", now, now, MAXIMUM_VALIDITY_S):
        registry.send("submit", tuple(fields), [0], [b""])


def test_a_quorum_revokes_and_a_later_verdict_stands_again(
    side: Side, registry: Deployed, account: str
) -> None:
    bring(registry, verdict(side, account))
    one = revocation(side, account)
    bring(registry, one, (1,))
    assert registry.call("isVerified", account)  # one short of the quorum
    events = bring(registry, one, (0,)).events(registry)
    assert [event.name for event in events] == ["SignatureCounted", "VerdictRevoked"]
    assert text_of(events[-1].arguments["reason"]) == "a test"
    assert not registry.call("isVerified", account)
    assert not registry.call("isCodeVerified", keccak256(code_of(side, account)))
    with reverts("StaleSequence", 2, 2):
        bring(registry, one)
    # One that was issued no later, and was held back until now, stands never.
    with reverts("RevokedSince", one.issued_at, one.issued_at):
        bring(registry, verdict(side, account, 3))
    side.machine.warp(1)
    bring(registry, verdict(side, account, 3))
    assert registry.call("isVerified", account)


def test_a_revocation_is_no_verdict_and_a_verdict_no_revocation(
    side: Side, registry: Deployed, account: str
) -> None:
    one = revocation(side, account, 1)
    for ctx in CONTEXTS:
        if ctx.startswith(b"astralink/verdict-revocation"):
            continue
        with reverts("InvalidSignature", 0):
            bring(registry, one, (0,), signatures=[signature(signer((ML_DSA, 1)), one, ctx)])
    assert len(revocation_tuple(one)) == 9
    assert revocation_digest(one) != verdict_digest(verdict(side, account))


def test_a_revocation_for_elsewhere_is_refused(
    side: Side, registry: Deployed, account: str
) -> None:
    now = side.machine.timestamp
    for change, error in (
        ({"registry_chain_id": 5}, "WrongChainId"),
        ({"registry": OTHER}, "WrongRegistry"),
        ({"epoch": 2}, "WrongEpoch"),
    ):
        one = revocation(side, account, 1)
        moved = replace(one.place, **change)
        with reverts(error):
            bring(registry, revocation(side, account, place=moved))
    with reverts("NotYetIssued", now + 1, now):
        bring(registry, revocation(side, account, issued_at=now + 1))
    with reverts("InvalidContract"):
        bring(registry, revocation(side, account, address=bytes(20)))


def test_the_guardian_revokes_at_once_what_stands_and_what_was_held_back(
    side: Side, registry: Deployed, account: str
) -> None:
    held_back = verdict(side, account, 2)
    bring(registry, verdict(side, account))
    for sender in (OWNER, STRANGER):
        with reverts("NotGuardian", sender):
            registry.send("revokeNow", side.machine.chain_id, account, sender=sender)
    sent = registry.send("revokeNow", side.machine.chain_id, account, sender=GUARDIAN)
    (event,) = sent.events(registry)
    assert event.arguments["by"] == GUARDIAN.lower()
    assert not registry.call("isVerified", account)
    with reverts("RevokedSince"):
        bring(registry, held_back)
    side.machine.warp(1)
    bring(registry, verdict(side, account, 2))
    assert registry.call("isVerified", account)


def test_code_is_revoked_wherever_it_is(side: Side, registry: Deployed, account: str) -> None:
    twin, other = side.machine.deploy_code(ACCEPTS), side.machine.deploy_code(REFUSES)
    for one in (account, twin, other):
        bring(registry, verdict(side, one))
    code_hash = keccak256(code_of(side, account))
    with reverts("NotGuardian", OWNER):
        registry.send("revokeCode", code_hash)
    registry.send("revokeCode", code_hash, sender=GUARDIAN)
    assert [registry.call("isVerified", one) for one in (account, twin, other)] == [
        *(False, False, True)
    ]
    assert not registry.call("isCodeVerified", code_hash)
    assert registry.call("codeRevokedAt", code_hash) == side.machine.timestamp
    with reverts("RevokedSince"):
        bring(registry, verdict(side, twin, 2))
    side.machine.warp(1)
    bring(registry, verdict(side, twin, 2))
    assert [registry.call("isVerified", one) for one in (account, twin)] == [False, True]
    assert registry.call("isCodeVerified", code_hash)


def test_a_quorum_revokes_code_with_the_contract(
    side: Side, registry: Deployed, account: str
) -> None:
    twin = side.machine.deploy_code(ACCEPTS)
    for one in (account, twin):
        bring(registry, verdict(side, one))
    bring(registry, revocation(side, account))
    assert registry.call("isVerified", twin)  # without its code, the contract alone
    code_hash = keccak256(code_of(side, account))
    bring(registry, revocation(side, account, 3, code_hash=code_hash))
    assert not registry.call("isVerified", twin)


def test_while_all_is_paused_nothing_is_verified_and_revocations_go_through(
    side: Side, registry: Deployed, account: str
) -> None:
    bring(registry, verdict(side, account))
    registry.send("pause", 0, sender=GUARDIAN)
    assert not registry.call("isVerified", account)
    with reverts("DomainPaused", 0):
        bring(registry, verdict(side, account, 2))
    bring(registry, revocation(side, account))
    registry.send("unpause", 0, sender=GUARDIAN)
    assert not registry.call("isVerified", account)


def test_only_the_current_epoch_signs_and_what_it_signed_stays(world: World) -> None:
    side = world.b
    account = side.machine.deploy_code(ACCEPTS)
    bring(side.verdicts, verdict(side, account))
    members = (signer((ML_DSA, 2)), signer((ML_DSA, 4)), signer((ML_DSA, 5)))
    side.register(members)
    following = SignerSet(2, 2, members)
    rotation = Rotation(
        side.machine.chain_id,
        raw(side.registry.address),
        1,
        signer_set_hash(following, side.addresses()),
    )
    world.rotate(side, rotation)
    side.registry.send("scheduleRotation", rotation_tuple(rotation), side.struct(following))
    bring(side.verdicts, verdict(side, account, 2))  # until the next epoch begins
    side.machine.warp(HOUR_S)
    with reverts("WrongEpoch", 2, 1):  # the Inbox still takes it, the registry does not
        bring(side.verdicts, verdict(side, account, 3))
    assert side.verdicts.call("isVerified", account)
    bring(side.verdicts, verdict(side, account, 3, epoch=2), (0, 1), members)
    assert side.verdicts.call("verdictOf", side.machine.chain_id, account)[4] == 2


def test_a_verifier_that_calls_back_changes_nothing(world: World) -> None:
    """Whoever brings such a verifier into a set has a quorum; it still cannot reenter."""
    side = world.b
    machine = side.machine
    evil = machine.deploy_artifact(mock("ReenteringVerifier"))
    signers = machine.deploy("SignerRegistry", GOVERNANCE, HOUR_S, HOUR_S)
    keys = [(1, [(evil.address, bytes([number]) * 32)]) for number in (1, 2, 3)]
    signers.send("initialise", (keys, 2, 0, 0))
    registry = machine.deploy(
        *("VerdictRegistry", signers.address, GOVERNANCE, MAXIMUM_VALIDITY_S),
        int(MatchKind.MATCH),
    )
    account = machine.deploy_code(ACCEPTS)
    one = changed(verdict(side, account), registry=raw(registry.address))
    # The call goes through where it changes nothing: the signature is "valid".
    harmless = encode(["address", "bytes"], [registry.address, b"\x8d\xa5\xcb\x5b"])
    inner = registry.artifact.call_data("submit", verdict_tuple(one), [1], [harmless])
    attack = encode(["address", "bytes"], [registry.address, inner])
    with reverts("InvalidSignature", 0):
        bring(registry, one, (0,), signatures=[attack])
    assert registry.call("counted", verdict_digest(one)) == 0
    bring(registry, one, (0, 1), signatures=[harmless, harmless])
    assert registry.call("isVerified", account)


def test_a_registry_with_bounds_that_are_none_is_not_deployed(side: Side) -> None:
    machine, signers = side.machine, side.registry.address
    with reverts("RegistryHasNoCode", "0x" + "cc" * 20):
        machine.deploy("VerdictRegistry", "0x" + "cc" * 20, GOVERNANCE, DAY_S, 1)
    with reverts("InvalidLeastMatch"):
        machine.deploy("VerdictRegistry", signers, GOVERNANCE, DAY_S, 0)
    for period in (HOUR_S - 1, 366 * DAY_S + 1):
        with reverts("InvalidPeriod", period, HOUR_S, 366 * DAY_S):
            machine.deploy("VerdictRegistry", signers, GOVERNANCE, period, 1)
    strict = machine.deploy("VerdictRegistry", signers, GOVERNANCE, DAY_S, 2)
    account = machine.deploy_code(ACCEPTS)
    one = changed(verdict(side, account, match=MatchKind.MATCH), registry=raw(strict.address))
    bring(strict, one)
    assert not strict.call("isVerified", account)
    assert strict.call("isVerified", machine.chain_id, account, MatchKind.MATCH)


def test_the_digests_are_the_contracts(side: Side, registry: Deployed, account: str) -> None:
    """Counted under what Python computes, and not under anything else."""
    one, two = verdict(side, account), revocation(side, account, 1)
    bring(registry, one, (0,))
    bring(registry, two, (0,))
    assert registry.call("counted", verdict_digest(one)) == 1
    assert registry.call("counted", revocation_digest(two)) == 1
    assert registry.call("counted", hashlib.sha256(b"").digest()) == 0
