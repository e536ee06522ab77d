"""The machine of the verdicts: statements, revocations, code that changes, time, and a model.

Every answer of the registry is foretold by a model in plain Python after each call, for every
contract, code and level. Signatures are real, of ML-DSA-87.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, ClassVar

import pyrevm
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bridge.chain.statements import key_hash, revocation_tuple, verdict_tuple
from bridge.crypto.digests import statement_digest
from bridge.crypto.hashing import keccak256
from bridge.domain.contexts import REVOCATION_CONTEXT, VERDICT_CONTEXT
from bridge.domain.quorums import SignerSet
from bridge.domain.verdicts import (
    MatchKind,
    Place,
    RevocationStatement,
    Statement,
    Verdict,
    VerdictStatement,
)
from bridge.testing.machine import GUARDIAN, OWNER, STRANGER
from bridge.testing.world import HOUR_S, MAXIMUM_VALIDITY_S, ML_DSA, World, raw, sign, signer
from tests.contracts.verdicts import DAY_S
from tests.invariants.calls import Calls, word, words

MEMBERS = tuple(signer((ML_DSA, number)) for number in (1, 2, 3))
QUORUM = 2
SIGNER_SET = SignerSet(1, QUORUM, MEMBERS)
CODES = (b"\x00", b"\x60\x01\x00", b"\x60\x02\x00")
ACCOUNTS = tuple("0x" + f"{number:02x}" * 20 for number in (0xD1, 0xD2, 0xD3))
ABROAD = 5
EMPTY = keccak256(b"")
OWN = len(CODES)
"""In the place of a code: the one that the account has."""


@dataclass
class Record:
    """The last verdict on a contract, as it must be."""

    code_hash: bytes = bytes(32)
    sequence: int = 0
    issued_at: int = 0
    expires_at: int = 0
    match: MatchKind = MatchKind.NO_MATCH
    revoked_at: int = 0


@dataclass
class Model:
    """What the registry must be. Contracts are (chain id, account)."""

    records: dict[tuple[int, str], Record] = field(default_factory=dict)
    code_revoked: dict[bytes, int] = field(default_factory=dict)
    vouchers: dict[bytes, tuple[int, str]] = field(default_factory=dict)
    counted: dict[bytes, set[int]] = field(default_factory=dict)
    revoked_signers: set[int] = field(default_factory=set)
    paused: bool = False

    def record(self, chain_id: int, account: str) -> Record:
        """The record of a contract, empty where it has none."""
        return self.records.setdefault((chain_id, account), Record())

    def stands(self, record: Record, least: MatchKind, now: int) -> bool:
        """Whether a verdict counts, whatever code the contract has."""
        since = max(record.revoked_at, self.code_revoked.get(record.code_hash, 0))
        return (
            not self.paused
            and record.issued_at > since
            and now <= record.expires_at
            and record.match is not MatchKind.NO_MATCH
            and record.match >= least
        )


def build(deploy: Callable[[], World] | None = None) -> World:
    """The ground of a machine: signers, and accounts with code."""
    world = deploy() if deploy else World.built(SIGNER_SET)
    for account in ACCOUNTS:
        set_code(world, account, CODES[0])
    return world


def set_code(world: World, account: str, code: bytes) -> None:
    """Give an account of B other code."""
    world.b.machine.evm.insert_account_info(account, pyrevm.AccountInfo(code=code))


@cache
def built() -> World:
    """The ground of the contracts as they are."""
    return build()


class VerdictMachine(RuleBasedStateMachine):
    """A registry of verdicts, and everybody who may call it."""

    calls: ClassVar[Calls] = Calls()

    @staticmethod
    def ground() -> World:
        """Where it plays."""
        return built()

    def __init__(self) -> None:
        super().__init__()
        self.world = self.ground().copy()
        self.side = self.world.b
        self.registry = self.side.verdicts
        self.chain_id = self.side.machine.chain_id
        self.undo = ExitStack()
        self.undo.enter_context(self.side.machine.undone())
        self.model = Model()
        self.code = dict.fromkeys(ACCOUNTS, CODES[0])
        for account in ACCOUNTS:
            set_code(self.world, account, CODES[0])

    def teardown(self) -> None:
        self.undo.close()

    @property
    def now(self) -> int:
        """Seconds since 1970."""
        return self.side.machine.timestamp

    def attempt(self, function: str, *arguments: Any, sender: str = OWNER) -> str:
        """The name of the error, empty for none."""
        return self.calls.attempt(self.registry, function, *arguments, sender=sender)[0]

    def place(self, sequence: int) -> Place:
        """In this registry."""
        return Place(self.chain_id, raw(self.registry.address), 1, sequence)

    def bring(self, statement: Statement, signers: list[int], flaw: int, refused: bool) -> bool:
        """Signatures over a statement, and whether it stands now; all as foretold."""
        digest = statement_digest(statement)
        before = self.model.counted.get(digest, set())
        is_verdict = isinstance(statement, VerdictStatement)
        right, wrong = VERDICT_CONTEXT, REVOCATION_CONTEXT
        if not is_verdict:
            right, wrong = wrong, right
        asked = statement
        if flaw == 0:
            asked = replace(statement, place=replace(statement.place, registry_chain_id=9))
        elif flaw == 1:
            asked = replace(statement, place=replace(statement.place, registry=b"\7" * 20))
        elif flaw == 2:
            asked = replace(statement, place=replace(statement.place, epoch=2))
        refused = (
            refused
            or flaw < 4
            or bool(before & set(signers))
            or bool(self.model.revoked_signers & set(signers))
        )
        ctx = wrong if flaw == 3 else right
        # What is refused for another reason has good signatures too: else they would refuse it.
        signatures = [sign(MEMBERS[one], digest, ctx) for one in signers]
        function, struct = "revoke", ()
        if isinstance(asked, VerdictStatement):
            function, struct = "submit", verdict_tuple(asked)
        else:
            struct = revocation_tuple(asked)
        error = self.attempt(function, struct, signers, signatures, sender=STRANGER)
        assert bool(error) == refused, (error, function, flaw)
        if error:
            return False
        counted = before | set(signers)
        accepted = len(counted - self.model.revoked_signers) >= QUORUM
        if not accepted:
            self.model.counted[digest] = counted
        return accepted

    @rule(
        which=st.integers(0, len(ACCOUNTS) - 1),
        abroad=st.integers(0, 3),
        code=st.sampled_from((OWN, OWN, OWN, *range(len(CODES)))),
        match=st.sampled_from((MatchKind.EXACT_MATCH, *MatchKind)),
        step=st.sampled_from((1, 1, 1, 2, 0, -1)),
        age=st.sampled_from((0, 0, 0, 1, HOUR_S, -1)),
        valid_s=st.sampled_from((1, HOUR_S, DAY_S, MAXIMUM_VALIDITY_S, MAXIMUM_VALIDITY_S + 1)),
        mask=st.sampled_from((7, 3, 5, 6, *range(1, 8))),
        flaw=st.integers(0, 29),
    )
    def submit(
        self,
        which: int,
        abroad: int,
        code: int,
        match: MatchKind,
        step: int,
        age: int,
        valid_s: int,
        mask: int,
        flaw: int,
    ) -> None:
        """A verdict, right or wrong in one of many ways."""
        account = ACCOUNTS[which]
        chain_id = ABROAD if abroad == 0 else self.chain_id
        code_hash = keccak256(CODES[code] if code < len(CODES) else self.code[account])
        record = self.model.record(chain_id, account)
        sequence = record.sequence + step
        if sequence < 1:
            return
        issued_at = self.now - age
        statement = VerdictStatement(
            self.place(sequence),
            issued_at,
            issued_at + valid_s,
            Verdict(chain_id, raw(account), code_hash, 1, b"\1" * 32, match, b"\2" * 32, "machine"),
        )
        since = max(record.revoked_at, self.model.code_revoked.get(code_hash, 0))
        refused = (
            self.model.paused
            or sequence <= record.sequence
            or issued_at > self.now
            or valid_s > MAXIMUM_VALIDITY_S
            or self.now > issued_at + valid_s
            or issued_at <= since
            or code_hash == EMPTY
            or (chain_id == self.chain_id and code_hash != keccak256(self.code[account]))
        )
        signers = [index for index in range(3) if mask >> index & 1]
        if self.bring(statement, signers, flaw, refused):
            record.code_hash, record.sequence, record.match = code_hash, sequence, match
            record.issued_at, record.expires_at = issued_at, issued_at + valid_s
            self.model.vouchers[code_hash] = (chain_id, account)

    @rule(
        which=st.integers(0, len(ACCOUNTS) - 1),
        code=st.integers(0, 2 * len(CODES)),
        step=st.sampled_from((1, 1, 2, 0)),
        age=st.sampled_from((0, 0, 1, HOUR_S, -1)),
        mask=st.sampled_from((7, 3, 5, 6, *range(1, 8))),
        flaw=st.integers(0, 19),
    )
    def revoke(self, which: int, code: int, step: int, age: int, mask: int, flaw: int) -> None:
        """A revocation of a contract, now and then with code."""
        account = ACCOUNTS[which]
        record = self.model.record(self.chain_id, account)
        sequence, issued_at = record.sequence + step, self.now - age
        if sequence < 1:
            return
        code_hash = keccak256(CODES[code]) if code < len(CODES) else bytes(32)
        statement = RevocationStatement(
            self.place(sequence), issued_at, self.chain_id, raw(account), code_hash
        )
        refused = sequence <= record.sequence or issued_at > self.now
        signers = [index for index in range(3) if mask >> index & 1]
        if self.bring(statement, signers, flaw, refused):
            record.sequence = sequence
            record.revoked_at = max(record.revoked_at, issued_at)
            if any(code_hash):
                self.revoked(code_hash, issued_at)

    @rule(which=st.integers(0, len(ACCOUNTS) - 1), sender=st.sampled_from((GUARDIAN, OWNER)))
    def revoke_now(self, which: int, sender: str) -> None:
        """The guardian's, and nobody else's."""
        account = ACCOUNTS[which]
        error = self.attempt("revokeNow", self.chain_id, account, sender=sender)
        assert bool(error) == (sender != GUARDIAN), error
        if not error:
            self.model.record(self.chain_id, account).revoked_at = self.now

    @rule(code=st.sampled_from(CODES), really=st.integers(0, 3))
    def revoke_code(self, code: bytes, really: int) -> None:
        """Code, by everybody; the guardian does it one time of four."""
        assert self.attempt("revokeCode", keccak256(code), sender=STRANGER)
        if really == 0:
            assert not self.attempt("revokeCode", keccak256(code), sender=GUARDIAN)
            self.revoked(keccak256(code), self.now)

    def revoked(self, code_hash: bytes, until: int) -> None:
        """Verdicts on code count no more."""
        before = self.model.code_revoked.get(code_hash, 0)
        self.model.code_revoked[code_hash] = max(before, until)

    @rule(which=st.integers(0, len(ACCOUNTS) - 1), code=st.sampled_from((*CODES, b"")))
    def change_code(self, which: int, code: bytes) -> None:
        """An account gets other code, or none."""
        self.code[ACCOUNTS[which]] = code
        set_code(self.world, ACCOUNTS[which], code)

    @rule(seconds=st.sampled_from((1, 1, HOUR_S, DAY_S)))
    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.side.machine.warp(seconds)

    @rule(pausing=st.integers(0, 7))
    def pause(self, pausing: int) -> None:
        """The guardian pauses one time of eight, and opens again."""
        if pausing == 0:
            assert not self.attempt("pause", 0, sender=GUARDIAN)
        else:
            assert not self.attempt("unpause", 0, sender=GUARDIAN)
        self.model.paused = pausing == 0

    @rule(index=st.integers(0, 40))
    def revoke_signer(self, index: int) -> None:
        """One signer at the most, seldom: the two that are left are a quorum."""
        if index > 2 or self.model.revoked_signers:
            return
        (key,) = MEMBERS[index].keys
        self.side.registry.send("revoke", key_hash(key), sender=GUARDIAN)
        self.model.revoked_signers.add(index)

    @invariant()
    def every_answer_is_foretold(self) -> None:
        for account in ACCOUNTS:
            has = keccak256(self.code[account])
            for chain_id in (self.chain_id, ABROAD):
                record = self.model.record(chain_id, account)
                same = chain_id != self.chain_id or has == record.code_hash
                for least in MatchKind:
                    expected = same and self.model.stands(record, least, self.now)
                    got = word(self.registry, "isVerified", chain_id, account, int(least))
                    assert bool(got) == expected, (chain_id, account, least)
                told = words(self.registry, "verdictOf", chain_id, account)
                assert told[1] == record.sequence
        for code in CODES:
            code_hash = keccak256(code)
            voucher = self.model.vouchers.get(code_hash)
            expected = False
            if voucher is not None:
                record = self.model.record(*voucher)
                expected = record.code_hash == code_hash and self.model.stands(
                    record, MatchKind.MATCH, self.now
                )
            assert bool(word(self.registry, "isCodeVerified", code_hash)) == expected
        assert not word(self.registry, "isCodeVerified", EMPTY)
