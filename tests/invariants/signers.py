"""The machine of the signers: rotations, revocations, recovery, evidence and attestation.

A model in plain Python foretells each call's success. Signers are keys of ML-DSA-87; statements
are few, so that a signature over each is made once.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bridge.chain.abi import encode
from bridge.chain.statements import (
    SIGNER_SET_ABI,
    Evidence,
    checkpoint_tuple,
    evidence_tuple,
    key_hash,
    rotation_tuple,
)
from bridge.crypto.digests import checkpoint_digest, rotation_digest
from bridge.crypto.hashing import keccak256
from bridge.domain.checkpoints import Checkpoint
from bridge.domain.contexts import CHECKPOINT_CONTEXT, ROTATION_CONTEXT
from bridge.domain.quorums import Signer, SignerSet
from bridge.domain.rotations import Rotation
from bridge.testing.machine import GUARDIAN, OWNER, STRANGER, Deployed
from bridge.testing.world import HOUR_S, MAXIMUM_AGE_S, ML_DSA, World, raw, sign, signer
from tests.invariants.calls import Calls, word

A = 1
PEOPLE = (OWNER, GUARDIAN, STRANGER)
KEYS = tuple(range(1, 10))
GRACE_S = 14 * 24 * HOUR_S
MINIMUM_SIGNERS, MINIMUM_QUORUM = 3, 2


@dataclass(frozen=True)
class Candidate:
    """A set that might follow: key numbers, their weights, the threshold."""

    numbers: tuple[int, ...]
    weights: tuple[int, ...]
    threshold: int

    @property
    def sound(self) -> bool:
        """Whether the chain stores it, but for revoked keys."""
        total = sum(self.weights)
        return (
            len(self.numbers) >= MINIMUM_SIGNERS
            and len(set(self.numbers)) == len(self.numbers)
            and max(self.weights) < self.threshold <= total < 2 * self.threshold
        )

    def members(self) -> tuple[Signer, ...]:
        """The signers."""
        pairs = zip(self.numbers, self.weights, strict=True)
        return tuple(signer((ML_DSA, number), weight=weight) for number, weight in pairs)


CANDIDATES = (
    Candidate((1, 2, 3, 4), (1, 1, 1, 1), 3),
    Candidate((2, 3, 5, 6), (1, 1, 1, 1), 3),
    Candidate((5, 6, 7), (1, 1, 1), 2),
    Candidate((1, 4, 7, 8, 9), (2, 2, 1, 1, 1), 4),
    Candidate((9, 8, 2), (1, 1, 1), 3),
    # What no quorum can bring about.
    Candidate((1, 2), (1, 1), 2),
    Candidate((1, 2, 3), (1, 1, 1), 1),
    Candidate((1, 2, 3, 4), (1, 1, 1, 1), 2),
    Candidate((1, 2, 3), (5, 1, 1), 5),
    Candidate((1, 2, 2), (1, 1, 1), 2),
    Candidate((4, 5, 6), (1, 1, 1), 4),
)
FIRST = CANDIDATES[0]
HASHES = {number: key_hash(signer((ML_DSA, number)).keys[0]) for number in KEYS}
ROOTS = 4


@dataclass
class Set:
    """A set that is stored: from when it attests, and until when."""

    candidate: Candidate
    active_from: int
    expires_at: int = 0


@dataclass
class Model:
    """What the registry must be."""

    sets: dict[int, Set] = field(default_factory=dict)
    settled: int = 1
    pending: int = 0
    pending_digest: bytes = b""
    counted: dict[bytes, set[int]] = field(default_factory=dict)
    cancelled: set[bytes] = field(default_factory=set)
    revoked: set[int] = field(default_factory=set)
    attested: set[bytes] = field(default_factory=set)
    proven: set[tuple[int, bytes]] = field(default_factory=set)
    scheduled: dict[bytes, int] = field(default_factory=dict)
    checkpoints: dict[bytes, set[int]] = field(default_factory=dict)

    def current(self, now: int) -> int:
        """The epoch that follows no other and is active."""
        if self.pending and now >= self.sets[self.pending].active_from:
            return self.pending
        return self.settled

    def waiting(self, now: int) -> int:
        """The epoch that waits for its time, or zero."""
        return self.pending if self.pending and now < self.sets[self.pending].active_from else 0

    def usable(self, epoch: int, now: int) -> bool:
        """Whether its signers may attest."""
        one = self.sets.get(epoch)
        if one is None or one.active_from == 0 or now < one.active_from:
            return False
        return one.expires_at == 0 or now <= one.expires_at

    def is_quorum(self, epoch: int, signers: set[int]) -> bool:
        """Whether the signers at these indices are one, revoked ones left out."""
        candidate = self.sets[epoch].candidate
        live = {i for i in signers if candidate.numbers[i] not in self.revoked}
        weight = sum(candidate.weights[i] for i in live)
        return len(live) >= MINIMUM_QUORUM and weight >= candidate.threshold

    def operable(self, epoch: int) -> bool:
        """Whether those who are left can be a quorum."""
        return self.is_quorum(epoch, set(range(len(self.sets[epoch].candidate.numbers))))

    def storable(self, candidate: Candidate) -> bool:
        """Whether the chain takes the set now."""
        return candidate.sound and not self.revoked & set(candidate.numbers)


def build(deploy: Callable[[], World] | None = None) -> World:
    """The ground of a machine, with all keys expanded."""
    first = SignerSet(1, FIRST.threshold, FIRST.members())
    world = deploy() if deploy else World.built(first)
    world.b.register([signer((ML_DSA, number)) for number in KEYS])
    return world


@cache
def built() -> World:
    """The ground of the contracts as they are."""
    return build()


class Signers(RuleBasedStateMachine):
    """A registry, the Inbox that asks it, and everybody who may call them."""

    calls: ClassVar[Calls] = Calls()

    @staticmethod
    def ground() -> World:
        """Where it plays."""
        return built()

    def __init__(self) -> None:
        super().__init__()
        self.world = self.ground().copy()
        self.side = self.world.b
        self.registry, self.inbox = self.side.registry, self.side.inbox
        self.undo = ExitStack()
        self.undo.enter_context(self.side.machine.undone())
        self.model = Model(sets={1: Set(FIRST, self.now)})

    def teardown(self) -> None:
        try:
            self.every_equivocator_can_be_shown()
        finally:
            self.undo.close()

    @property
    def now(self) -> int:
        """Seconds since 1970."""
        return self.side.machine.timestamp

    def attempt(self, contract: Deployed, function: str, *arguments: Any, **how: Any) -> str:
        """The name of the error, empty for none."""
        return self.calls.attempt(contract, function, *arguments, **how)[0]

    def struct(self, candidate: Candidate) -> tuple[Any, ...]:
        """The set as the registry takes it."""
        verifier = self.side.verifiers[ML_DSA].address
        pairs = zip(candidate.numbers, candidate.weights, strict=True)
        members = [(weight, [(verifier, HASHES[number])]) for number, weight in pairs]
        return (members, candidate.threshold, 0, 0)

    def number(self, epoch: int, index: int) -> int:
        """The key of a signer; of an epoch that is none, that of epoch 1."""
        candidate = self.model.sets.get(epoch, self.model.sets[1]).candidate
        return candidate.numbers[index % len(candidate.numbers)]

    def picked(self, epoch: int, mask: int) -> list[int]:
        """The indices of ``mask`` that the epoch has, at least one."""
        count = len(self.model.sets[epoch].candidate.numbers)
        return [index for index in range(count) if mask >> index & 1] or [mask % count]

    # Rotation

    def statement(self, candidate: Candidate, epoch: int, salt: int) -> Rotation:
        """The rotation from ``epoch`` to the set."""
        set_hash = keccak256(encode([SIGNER_SET_ABI], [self.struct(candidate)]))
        chain_id, registry = self.side.machine.chain_id, raw(self.registry.address)
        return Rotation(chain_id, registry, epoch, set_hash, salt)

    @rule(
        which=st.integers(0, len(CANDIDATES) - 1),
        mask=st.integers(0, 31),
        salt=st.integers(0, 1),
        flaw=st.integers(0, 9),
    )
    def rotate(self, which: int, mask: int, salt: int, flaw: int) -> None:
        """Signatures over a rotation, then the set, right and wrong."""
        candidate, epoch = CANDIDATES[which], self.model.current(self.now)
        true = self.statement(candidate, epoch, salt)
        self.approve(true, self.picked(epoch, mask), flaw)
        other = CANDIDATES[(which + 1) % len(CANDIDATES)]
        assert self.attempt(
            self.registry, "scheduleRotation", rotation_tuple(true), self.struct(other)
        )
        self.schedule(candidate, true)

    def approve(self, true: Rotation, signers: list[int], flaw: int) -> None:
        """Signatures of these signers, of which each is spoiled where ``flaw`` is below 4."""
        digest = rotation_digest(true)
        before = self.model.counted.get(digest, set())
        asked = true
        if flaw == 0:
            asked = replace(true, chain_id=5)
        elif flaw == 1:
            asked = replace(true, registry=b"\7" * 20)
        elif flaw == 2:
            asked = replace(true, epoch=true.epoch + 1)
        numbers = [self.number(true.epoch, index) for index in signers]
        refused = (
            flaw < 4
            or bool(self.model.waiting(self.now))
            or digest in self.model.cancelled
            or bool(before & set(signers))
            or bool(self.model.revoked & set(numbers))
        )
        ctx = CHECKPOINT_CONTEXT if flaw == 3 else ROTATION_CONTEXT
        # Not made where nobody would look at them.
        looked_at = flaw == 3 or not refused
        signatures = [self.signature(n, digest, ctx) if looked_at else b"" for n in numbers]
        error = self.attempt(
            self.registry, "approveRotation", rotation_tuple(asked), signers, signatures
        )
        assert bool(error) == refused, (error, flaw)
        if not error:
            self.model.counted[digest] = before | set(signers)
        assert word(self.registry, "counted", digest) == sum(
            1 << index for index in self.model.counted.get(digest, set())
        )

    def schedule(self, candidate: Candidate, statement: Rotation) -> None:
        """The set of a rotation, taken only with a quorum behind it that stands now."""
        digest, epoch = rotation_digest(statement), statement.epoch
        refused = (
            epoch != self.model.current(self.now)
            or bool(self.model.waiting(self.now))
            or digest in self.model.cancelled
            or not self.model.is_quorum(epoch, self.model.counted.get(digest, set()))
            or not self.model.storable(candidate)
        )
        error = self.attempt(
            *(self.registry, "scheduleRotation", rotation_tuple(statement)),
            self.struct(candidate),
            sender=STRANGER,
        )
        assert bool(error) == refused, error
        if error:
            return
        made = Set(candidate, self.now + HOUR_S)
        self.model.settled = epoch
        self.model.pending = 1 + max(self.model.sets)
        self.model.sets[self.model.pending] = made
        self.model.pending_digest = digest
        self.model.sets[epoch].expires_at = made.active_from + MAXIMUM_AGE_S
        # Again is nothing, and before its time it attests nothing.
        assert self.attempt(
            self.registry, "scheduleRotation", rotation_tuple(statement), self.struct(candidate)
        )
        self.attest_in(self.model.pending, 31, 0, 9)

    @rule(which=st.integers(0, 4), salt=st.integers(0, 1))
    def rotate_well(self, which: int, salt: int) -> None:
        """A rotation as it should go, where it can."""
        epoch = self.model.current(self.now)
        statement = self.statement(CANDIDATES[which], epoch, salt)
        done = self.model.counted.get(rotation_digest(statement), set())
        numbers = self.model.sets[epoch].candidate.numbers
        for index, number in enumerate(numbers):
            if number not in self.model.revoked and index not in done:
                self.approve(statement, [index], 9)
        self.schedule(CANDIDATES[which], statement)

    @rule(sender=st.sampled_from(PEOPLE))
    def cancel(self, sender: str) -> None:
        """What waits is taken back, and stays so."""
        waiting = self.model.waiting(self.now)
        error = self.attempt(self.registry, "cancelRotation", sender=sender)
        assert bool(error) == (sender != GUARDIAN or waiting == 0), error
        if error:
            return
        self.model.sets[waiting].active_from = 0
        self.model.sets[self.model.settled].expires_at = 0
        self.model.pending = 0
        self.model.cancelled.add(self.model.pending_digest)

    # Revocation, evidence, recovery

    @rule(number=st.sampled_from(KEYS), really=st.integers(0, 5))
    def revoke(self, number: int, really: int) -> None:
        """A key, by everybody; the guardian does it one time of six."""
        sender = (OWNER, STRANGER)[really % 2]
        assert self.attempt(self.registry, "revoke", HASHES[number], sender=sender)
        if really:
            return
        error = self.attempt(self.registry, "revoke", HASHES[number], sender=GUARDIAN)
        known = any(number in one.candidate.numbers for one in self.model.sets.values())
        assert bool(error) == (number in self.model.revoked or not known), error
        if not error:
            self.model.revoked.add(number)

    def checkpoint(self, root: int, epoch: int) -> Checkpoint:
        """One of the checkpoints that signers say, all of one size."""
        return Checkpoint(
            *(A, 31001, raw(self.world.a.outbox.address), bytes([root + 1]) * 32, 3),
            *(2, self.side.machine.chain_id, raw(self.inbox.address), epoch),
        )

    def signature(self, number: int, digest: bytes, ctx: bytes = CHECKPOINT_CONTEXT) -> bytes:
        """The signature of a key."""
        return sign(signer((ML_DSA, number)), digest, ctx)

    def evidence(self, epoch: int, index: int, roots: tuple[int, int]) -> Evidence:
        """What signer ``index`` said twice about one size."""
        number = self.number(epoch, index)
        a, b = (self.checkpoint(root, 1) for root in roots)
        said = [self.signature(number, checkpoint_digest(one)) for one in (a, b)]
        return Evidence(epoch, index, 0, a, b, *said)

    @rule(
        at=st.integers(0, 7),
        index=st.integers(0, 4),
        a=st.integers(0, ROOTS - 1),
        really=st.integers(0, 7),
    )
    def accuse(self, at: int, index: int, a: int, really: int) -> None:
        """An equivocator, now and then; and those who said nothing wrong, always in vain."""
        epoch = 1 + at % max(self.model.sets)
        index %= len(self.model.sets[epoch].candidate.numbers)
        number = self.number(epoch, index)
        good = self.evidence(epoch, index, (a, (a + 1) % ROOTS))
        stranger = next(n for n in KEYS if n != number)
        other = self.signature(stranger, checkpoint_digest(good.b))
        wrong = self.signature(number, checkpoint_digest(good.b), ROTATION_CONTEXT)
        moved = replace(good.b, outbox=b"\7" * 20)
        for bad in (
            replace(good, signature_b=other),
            replace(good, signature_b=wrong),
            replace(good, signature_b=good.signature_a),
            replace(good, b=good.a, signature_b=good.signature_a),
            replace(good, b=moved, signature_b=b""),
            replace(good, key=1),
            replace(good, epoch=99),
        ):
            assert self.attempt(self.registry, "submitEvidence", evidence_tuple(bad))
        if really == 0:
            self.convict(good, number)

    def convict(self, evidence: Evidence, number: int) -> None:
        """Good evidence is taken, in one part or in two, unless the key was revoked before."""
        parts = evidence
        digest = checkpoint_digest(evidence.a)
        if number % 2:
            error = self.attempt(
                *(self.registry, "proveSignature", evidence.epoch, evidence.signer, 0, digest),
                evidence.signature_a,
            )
            assert not error
            parts = replace(evidence, signature_a=b"")
        error = self.attempt(
            self.registry, "submitEvidence", evidence_tuple(parts), sender=STRANGER
        )
        assert bool(error) == (number in self.model.revoked), error
        self.model.revoked.add(number)

    @rule(
        which=st.integers(0, len(CANDIDATES) - 1),
        sender=st.sampled_from(PEOPLE),
        fresh=st.booleans(),
    )
    def recover(self, which: int, sender: str, fresh: bool) -> None:
        """The owner's way to a new set: announced, and only when no quorum is left."""
        candidate = CANDIDATES[which]
        whole = [one for one in CANDIDATES if self.model.storable(one)]
        if fresh and whole:
            candidate = whole[which % len(whole)]
        struct = self.struct(candidate)
        assert self.attempt(self.registry, "recover", struct, sender=sender)
        call = self.registry.artifact.call_data("recover", struct)
        ready = self.model.scheduled.get(call)
        if ready is None:
            error = self.attempt(self.registry, "schedule", call, sender=sender)
            assert bool(error) == (sender != OWNER), error
            if not error:
                self.model.scheduled[call] = self.now + HOUR_S
            return
        epoch = self.model.current(self.now)
        refused = (
            sender != OWNER
            or not ready <= self.now <= ready + GRACE_S
            or self.model.operable(epoch)
            or bool(self.model.waiting(self.now))
            or not self.model.storable(candidate)
        )
        error = self.attempt(self.registry, "execute", call, sender=sender)
        assert bool(error) == refused, error
        if error:
            return
        del self.model.scheduled[call]
        self.model.sets[epoch].expires_at = self.now
        self.model.pending = 0
        self.model.settled = 1 + max(self.model.sets)
        self.model.sets[self.model.settled] = Set(candidate, self.now)

    # Attestation

    @rule(
        back=st.integers(0, 2),
        mask=st.integers(0, 31),
        root=st.integers(0, ROOTS - 1),
        flaw=st.integers(0, 9),
    )
    def attest(self, back: int, mask: int, root: int, flaw: int) -> None:
        """In the current epoch, or in one before or behind it."""
        epoch = max(1, self.model.current(self.now) - back)
        self.attest_in(epoch, mask, root, flaw)
        self.attest_in(epoch, 1 << mask % 5, (root + 1) % ROOTS, 9)
        later = max(self.model.sets) + 1
        assert self.attempt(
            self.inbox, "attest", checkpoint_tuple(self.checkpoint(root, later)), [0], [b""]
        )

    def attest_in(self, epoch: int, mask: int, root: int, flaw: int) -> None:
        """Signatures over one checkpoint; each is spoiled where ``flaw`` is below 2."""
        checkpoint = self.checkpoint(root, epoch)
        digest, signers = checkpoint_digest(checkpoint), self.picked(epoch, mask)
        numbers = [self.number(epoch, index) for index in signers]
        before = self.model.checkpoints.get(digest, set())
        refused = (
            flaw < 2
            or not self.model.usable(epoch, self.now)
            or checkpoint.root in self.model.attested
            or bool(before & set(signers))
            or bool(self.model.revoked & set(numbers))
        )
        if flaw == 0:
            numbers = [KEYS[(number + 1) % len(KEYS)] for number in numbers]
        ctx = ROTATION_CONTEXT if flaw == 1 else CHECKPOINT_CONTEXT
        looked_at = flaw < 2 or not refused
        signatures = [self.signature(n, digest, ctx) if looked_at else b"" for n in numbers]
        error = self.attempt(
            self.inbox, "attest", checkpoint_tuple(checkpoint), signers, signatures
        )
        assert bool(error) == refused, (error, epoch, flaw)
        if error:
            return
        now = before | set(signers)
        if self.model.is_quorum(epoch, now):
            self.model.attested.add(checkpoint.root)
        else:
            self.model.checkpoints[digest] = now

    @rule(seconds=st.sampled_from((1, HOUR_S - 1, HOUR_S, MAXIMUM_AGE_S, MAXIMUM_AGE_S + 1)))
    def warp(self, seconds: int) -> None:
        """Time passes."""
        self.world.warp(seconds)

    @rule(sender=st.sampled_from(PEOPLE), which=st.integers(0, 4))
    def begin_again(self, sender: str, which: int) -> None:
        """A registry is initialised once."""
        set_ = self.struct(CANDIDATES[which])
        assert self.attempt(self.registry, "initialise", set_, sender=sender)

    # What must hold

    @invariant()
    def the_epoch_is_the_models(self) -> None:
        """No set is active but by a quorum of the one before, or by recovery, and its delay."""
        assert word(self.registry, "currentEpoch") == self.model.current(self.now)
        assert word(self.registry, "pendingEpoch") == self.model.waiting(self.now)
        for epoch in (*self.lately(), 1 + max(self.model.sets)):
            usable = self.model.usable(epoch, self.now)
            assert word(self.registry, "isUsable", epoch) == usable, epoch

    @invariant()
    def roots_are_attested_by_quorums_alone(self) -> None:
        for root in range(ROOTS):
            value = self.checkpoint(root, 1).root
            size = 3 if value in self.model.attested else 0
            assert word(self.inbox, "attestedSize", A, value) == size

    def lately(self) -> list[int]:
        """The epochs that are looked at after each rule; all of them are at the end."""
        newest = max(self.model.sets)
        return list(range(max(1, newest - 2), newest + 1))

    @invariant()
    def a_revoked_signer_never_counts(self) -> None:
        for epoch in self.lately():
            self.check_revoked(epoch)

    def check_revoked(self, epoch: int) -> None:
        """The bits of the revoked, and what is left."""
        numbers = self.model.sets[epoch].candidate.numbers
        gone = sum(1 << i for i, number in enumerate(numbers) if number in self.model.revoked)
        assert word(self.registry, "revokedSigners", epoch) == gone
        assert word(self.registry, "isOperable", epoch) == self.model.operable(epoch)
        assert word(self.registry, "isQuorum", epoch, gone) == 0

    @invariant()
    def no_threshold_is_below_the_minimum(self) -> None:
        for epoch in self.lately()[-1:]:
            one = self.model.sets[epoch]
            _, _, threshold, _, _, count = self.info(epoch)
            assert count == len(one.candidate.numbers) >= MINIMUM_SIGNERS
            assert 2 * threshold > sum(one.candidate.weights)
            for index in range(count):
                assert word(self.registry, "isQuorum", epoch, 1 << index) == 0

    def info(self, epoch: int) -> tuple[int, ...]:
        """``epochInfo``, six words."""
        data = self.registry.artifact.call_data("epochInfo", epoch)
        output = self.side.machine.raw_call(self.registry.address, data, OWNER, static=True)
        return tuple(int.from_bytes(output[at : at + 32], "big") for at in range(0, 192, 32))

    def every_equivocator_can_be_shown(self) -> None:
        """At the end: whoever stands in any set, active, expired or cancelled, is removed by it."""
        for epoch, one in self.model.sets.items():
            for index, number in enumerate(one.candidate.numbers):
                self.convict(self.evidence(epoch, index, (0, 1)), number)
        for epoch in self.model.sets:
            self.check_revoked(epoch)
            assert word(self.registry, "isOperable", epoch) == 0
