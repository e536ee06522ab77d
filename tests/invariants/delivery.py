"""The machine of dispatch, attestation and delivery: honest and hostile calls, and what must hold.

Each call's success is foretold by a model in plain Python; the invariants compare the contracts
with it after every rule, and the recipient's own notes with what was dispatched.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bridge.chain.statements import checkpoint_tuple
from bridge.crypto.digests import checkpoint_digest
from bridge.crypto.hashing import keccak256
from bridge.domain.contexts import CHECKPOINT_CONTEXT, ROTATION_CONTEXT
from bridge.domain.messages import DEFAULT_GAS_LIMIT, Message
from bridge.domain.quorums import SignerSet
from bridge.testing.machine import GUARDIAN, OWNER, START_S, STRANGER, Deployed
from bridge.testing.world import HOUR_S, ML_DSA, World, padded, sign, signature_of, signer
from tests.contracts.conftest import ACCEPTS, REFUSES
from tests.invariants.calls import Calls, word
from tests.mocks import mock

A, B, UNKNOWN = 1, 2, 7
NOBODY = "0x" + "00" * 20
MEMBERS = tuple(signer((ML_DSA, number)) for number in (1, 2, 3, 4))
THRESHOLD = 3
PEOPLE = (OWNER, GUARDIAN, STRANGER)
MASKS = tuple(tuple(i for i in range(4) if mask >> i & 1) for mask in range(16))
SCRIPTS = 4
"""Trees of so many contents, so that signatures over their roots are made once."""
STARVED, PLENTY = 2_300, 200_000
"""With 2,300 gas left nothing is stored (EIP-2200)."""
FLAWS = (
    *("context", "another's", "foreign key", "damaged", "root", "zero root", "zero size"),
    *("epoch", "chain id", "origin chain id", "inbox", "outbox", "destination", "twice"),
)


@dataclass(frozen=True)
class Ground:
    """Two chains with the bridge, and the recipients on B."""

    world: World
    ledger: Deployed
    refuser: str
    accepter: str


def build(deploy: Callable[[], World] | None = None) -> Ground:
    """The ground of a machine; ``deploy`` makes a world with other contracts."""
    world = deploy() if deploy else World.built(SignerSet(1, THRESHOLD, MEMBERS))
    machine = world.b.machine
    return Ground(
        world,
        machine.deploy_artifact(mock("Ledger")),
        machine.deploy_code(REFUSES),
        machine.deploy_code(ACCEPTS),
    )


@cache
def built() -> Ground:
    """The ground of the contracts as they are."""
    return build()


@dataclass
class Model:
    """What the contracts must be."""

    messages: list[Message] = field(default_factory=list)
    attested: dict[bytes, int] = field(default_factory=dict)
    counted: dict[bytes, set[int]] = field(default_factory=dict)
    denied: set[bytes] = field(default_factory=set)
    delivered: set[int] = field(default_factory=set)
    expired: set[int] = field(default_factory=set)
    paused: set[tuple[str, int]] = field(default_factory=set)
    scheduled: dict[bytes, int] = field(default_factory=dict)
    refusing: bool = False
    fee_rate: int = 0
    paid: int = 0
    withdrawn: int = 0
    total: int = 0
    digest: bytes = bytes(32)

    def closed(self, index: int) -> bool:
        """Whether the message was delivered or expired."""
        return index in self.delivered or index in self.expired

    def is_paused(self, contract: str, domain: int) -> bool:
        """Whether ``contract`` lets nothing of ``domain`` through."""
        return bool(self.paused & {(contract, 0), (contract, domain)})

    def takes(self, ground: Ground, message: Message) -> bool:
        """Whether the recipient would take it now."""
        if message.recipient == padded(ground.accepter):
            return True
        if message.recipient != padded(ground.ledger.address) or self.refusing:
            return False
        return message.gas_limit in (0, PLENTY)


class Delivery(RuleBasedStateMachine):
    """Two chains and everybody who may call them."""

    calls: ClassVar[Calls] = Calls()

    @staticmethod
    def ground() -> Ground:
        """Where it plays."""
        return built()

    def __init__(self) -> None:
        super().__init__()
        self.at = self.ground()
        self.world = self.at.world.copy()
        self.a, self.b = self.world.a, self.world.b
        self.model = Model()
        self.undo = ExitStack()
        for side in (self.a, self.b):
            self.undo.enter_context(side.machine.undone())
        self.script = 0

    def teardown(self) -> None:
        try:
            self.failed_messages_are_deliverable()
        finally:
            self.undo.close()

    def attempt(self, contract: Deployed, function: str, *arguments: Any, **how: Any) -> str:
        """The name of the error, empty for none."""
        return self.calls.attempt(contract, function, *arguments, **how)[0]

    @property
    def now(self) -> int:
        """Seconds since 1970 on both chains."""
        return self.b.machine.timestamp

    @initialize(script=st.integers(0, SCRIPTS - 1), count=st.integers(0, 24))
    def begin(self, script: int, count: int) -> None:
        """Some messages, and a quorum behind them: not every rule is in every run."""
        self.script = script
        self.dispatch(0, count)
        self.attest(1, 0b0111, STRANGER)

    # The origin

    def next_message(self, deadline_passed: bool) -> tuple[Message, str]:
        """What the script dispatches next, and by whom."""
        number = len(self.model.messages)
        # Any fixed mixture would do; multiplied by primes it has no short period.
        kind = (number * 7 + self.script * 11 + number * number * 3) % 10
        recipients = {
            6: padded(self.at.refuser),
            7: padded("0x" + "cc" * 20),
            8: padded(self.b.inbox.address),
            9: b"\1" * 32,
        }
        timed = (number + self.script) % 3 == 0 and not deadline_passed
        deadline = START_S + 600 * (number + 1) if timed else 0
        gas_limit = (0, PLENTY, STARVED, 0)[(number * 5 + self.script) % 4]
        sender = PEOPLE[(number + self.script) % 3]
        recipient = recipients.get(kind, padded(self.at.ledger.address))
        plain = deadline == 0 and gas_limit == 0
        body = number.to_bytes(4, "big") + bytes([self.script])
        return (
            Message(
                *(number, A, padded(sender), B, recipient, body),
                version=3 if plain else 4,
                deadline=deadline,
                gas_limit=gas_limit,
            ),
            sender,
        )

    @rule(overpaid=st.integers(-1, 3), count=st.integers(1, 3))
    def dispatch(self, overpaid: int, count: int) -> None:
        """The next messages of the script."""
        for _ in range(count):
            message, sender = self.next_message(False)
            if message.deadline and message.deadline <= self.now:
                message, sender = self.next_message(True)
            options = (message.deadline, message.gas_limit, NOBODY)
            fee = self.fee(message)
            value = max(0, fee + overpaid)
            error, output = self.calls.attempt(
                *(self.a.outbox, "dispatch", B, message.recipient, message.body, options),
                sender=sender,
                value=value,
            )
            refused = self.model.is_paused("outbox", B) or value < fee
            assert bool(error) == refused, (error, message)
            if refused:
                return
            identifier = keccak256(message.encode())
            assert output == identifier
            self.model.messages.append(message)
            self.a.messages.append(message.encode())
            self.a.tree.append(identifier)
            self.model.paid += fee

    def fee(self, message: Message) -> int:
        """What the schedule asks for it, in wei."""
        gas = 1_000 + (message.gas_limit or DEFAULT_GAS_LIMIT) + 16 * len(message.body)
        return gas * self.model.fee_rate

    @rule(sender=st.sampled_from(PEOPLE))
    def dispatch_wrongly(self, sender: str) -> None:
        """What the Outbox never takes."""
        for flaw in range(6):
            self.dispatch_flawed(flaw, sender)

    def dispatch_flawed(self, flaw: int, sender: str) -> None:
        """One of these."""
        recipient, options = padded(self.at.accepter), (0, 0, NOBODY)
        destination, body = B, b"never"
        if flaw == 0:
            destination = UNKNOWN
        elif flaw == 1:
            recipient = bytes(32)
        elif flaw == 2:
            body = bytes(8193)
        elif flaw == 3:
            options = (self.now, 0, NOBODY)
        elif flaw == 4:
            options = (0, 10_000_001, NOBODY)
        else:
            destination = A
        value = 10**9
        assert self.attempt(
            *(self.a.outbox, "dispatch", destination, recipient, body, options),
            sender=sender,
            value=value,
        )

    @rule(rate=st.integers(0, 2), sender=st.sampled_from(PEOPLE), to=st.sampled_from(PEOPLE))
    def govern_fees(self, rate: int, sender: str, to: str) -> None:
        """Set the schedule, and pay out."""
        error = self.attempt(self.a.outbox, "setFeeSchedule", B, (rate, 1_000, 16), sender=sender)
        assert bool(error) == (sender != OWNER), error
        if not error:
            self.model.fee_rate = rate
        error = self.attempt(self.a.outbox, "withdrawFees", to, sender=sender)
        assert bool(error) == (sender != OWNER), error
        if not error:
            self.model.withdrawn = self.model.paid

    # Attestation

    def size_of(self, choice: int) -> int:
        """A size that the tree has had, the newest most often; zero while it is empty."""
        count = len(self.model.messages)
        return count if choice % 2 or count == 0 else 1 + choice // 2 % count

    @rule(choice=st.integers(0, 63), mask=st.integers(1, 15), sender=st.sampled_from(PEOPLE))
    def attest(self, choice: int, mask: int, sender: str) -> None:
        """Good signatures of some signers over a true root."""
        size = self.size_of(choice)
        if size == 0:
            return
        root = self.a.tree.root(size)
        checkpoint = self.world.checkpoint(self.a, self.b, root=root, size=size)
        digest, signers = checkpoint_digest(checkpoint), MASKS[mask]
        before = self.model.counted.get(digest, set())
        refused = (
            self.model.is_paused("inbox", A)
            or root in self.model.denied
            or root in self.model.attested
            or bool(before & set(signers))
        )
        # Not made where nobody would look at them.
        signatures = [
            b"" if refused else sign(MEMBERS[i], digest, CHECKPOINT_CONTEXT) for i in signers
        ]
        error = self.attempt(
            *(self.b.inbox, "attest", checkpoint_tuple(checkpoint), list(signers), signatures),
            sender=sender,
        )
        assert bool(error) == refused, error
        if refused:
            return
        now = before | set(signers)
        if len(now) >= THRESHOLD:
            self.model.attested[root] = size
        else:
            self.model.counted[digest] = now

    @rule(choice=st.integers(0, 63), flaw=st.sampled_from(FLAWS), index=st.integers(0, 3))
    def attest_wrongly(self, choice: int, flaw: str, index: int) -> None:
        """Signatures with which one thing is wrong: nothing is counted."""
        for step in range(3):
            at = (FLAWS.index(flaw) + 5 * step) % len(FLAWS)
            self.attest_flawed(choice, FLAWS[at], (index + step) % 4)

    def attest_flawed(self, choice: int, flaw: str, index: int) -> None:
        """One of them."""
        size = self.size_of(choice)
        if size == 0:
            return
        changes: dict[str, dict[str, Any]] = {
            "root": {"root": b"\7" * 32},
            "epoch": {"epoch": index + 2},
            "chain id": {"destination_chain_id": 5},
            "origin chain id": {"origin_chain_id": 5},
            "inbox": {"inbox": b"\7" * 20},
            "outbox": {"outbox": b"\7" * 20},
            "destination": {"destination_domain": 9},
        }
        root = self.a.tree.root(size)
        true = self.world.checkpoint(self.a, self.b, root=root, size=size)
        digest = checkpoint_digest(true)
        struct = list(checkpoint_tuple(true))
        signature = b""
        signers = [index]
        if flaw in changes:
            changed = self.world.checkpoint(
                self.a, self.b, **({"root": root, "size": size} | changes[flaw])
            )
            struct = list(checkpoint_tuple(changed))
            # What he said was the true checkpoint.
            signature = self.known(index, digest)
        elif flaw == "context":
            signature = sign(MEMBERS[index], digest, ROTATION_CONTEXT)
        elif flaw == "another's":
            signature = self.known((index + 1) % 4, digest)
        elif flaw == "foreign key":
            signature = signature_of(ML_DSA, 9, digest, CHECKPOINT_CONTEXT)
        elif flaw == "damaged":
            good = self.known(index, digest)
            signature = good[:-1] + bytes([good[-1] ^ 1])
        elif flaw == "zero root":
            struct[3] = bytes(32)
        elif flaw == "zero size":
            struct[4] = 0
        else:
            signers, signature = [index, index], self.known(index, digest)
        before = word(self.b.inbox, "counted", digest)
        assert self.attempt(
            self.b.inbox, "attest", tuple(struct), signers, [signature] * len(signers)
        )
        assert word(self.b.inbox, "counted", digest) == before

    def known(self, index: int, digest: bytes) -> bytes:
        """The signature of a signer over the checkpoint with ``digest``."""
        return sign(MEMBERS[index], digest, CHECKPOINT_CONTEXT)

    # Delivery

    def proven(self, size: int, index: int) -> bool:
        """Whether a good proof of the message under the root of that size is taken now."""
        root = self.a.tree.root(size)
        return (
            not self.model.is_paused("inbox", A)
            and self.model.attested.get(root) == size
            and index < size
        )

    def pick(self, choice: int, where: int) -> tuple[int, int]:
        """A size, attested where there is one and ``choice`` is even, and an index below it."""
        sizes = sorted(self.model.attested.values())
        size = sizes[choice // 2 % len(sizes)] if sizes and choice % 4 else self.size_of(choice)
        return size, (where % size if size else 0)

    @rule(choice=st.integers(0, 63), where=st.integers(0, 63), flaw=st.integers(0, 13))
    def process(self, choice: int, where: int, flaw: int) -> None:
        """Messages with their proofs, of which half are good; each a second time as well."""
        for step in range(4):
            self.process_one(choice + 5 * step, where * (step + 1), (flaw + 3 * step) % 14)

    def process_one(self, choice: int, where: int, flaw: int) -> None:
        """One message, twice."""
        size, index = self.pick(choice, where)
        if size == 0:
            return
        encoded, metadata, spoiled = self.spoil(size, index, flaw)
        message = self.model.messages[index]
        expected = (
            not spoiled
            and self.proven(size, index)
            and not self.model.closed(index)
            and not (message.deadline and self.now > message.deadline)
            and self.model.takes(self.at, message)
        )
        for again in (False, True):
            error = self.attempt(self.b.inbox, "process", metadata, encoded, sender=STRANGER)
            assert bool(error) == (again or not expected), (error, message, flaw)
            if not error:
                self.note(index)

    def spoil(self, size: int, index: int, flaw: int) -> tuple[bytes, bytes, bool]:
        """The message and its metadata, changed in one place where ``flaw`` is below 7."""
        siblings = list(self.a.tree.proof(index, size))
        root, encoded = self.a.tree.root(size), self.a.messages[index]
        if flaw == 0:
            siblings.append(bytes(32))
        elif flaw == 1 and siblings:
            siblings.pop()
        elif flaw == 2 and siblings:
            siblings[0] = keccak256(siblings[0])
        elif flaw == 3:
            encoded = encoded[:-1] + bytes([encoded[-1] ^ 1])
        elif flaw == 4:
            root = bytes(32)
        elif flaw == 5:
            beyond = (size + index).to_bytes(4, "big")
            encoded = encoded[:1] + beyond + encoded[5:]
        elif flaw == 6:
            root = keccak256(root)
        else:
            return encoded, root + b"".join(siblings), False
        metadata = root + b"".join(siblings)
        unchanged = (self.a.messages[index], self.world.metadata(self.a, index, size))
        return encoded, metadata, (encoded, metadata) != unchanged

    @rule(
        choice=st.integers(0, 63),
        where=st.integers(0, 63),
        count=st.integers(1, 12),
        left_out=st.integers(0, 2**12 - 1),
        flaw=st.integers(0, 7),
    )
    def process_range(self, choice: int, where: int, count: int, left_out: int, flaw: int) -> None:
        """Ranges, some of each as identifiers, with a good proof in three of four cases."""
        for step in range(3):
            self.process_range_once(
                choice + 3 * step, where + count * step, count, left_out >> step, (flaw + step) % 8
            )

    def process_range_once(
        self, choice: int, where: int, count: int, left_out: int, flaw: int
    ) -> None:
        """One range."""
        size, first = self.pick(choice, where)
        if size == 0:
            return
        count = min(count, size - first)
        indices = range(first, first + count)
        given = [
            self.a.tree.leaf(i) if left_out >> (i - first) & 1 else self.a.messages[i]
            for i in indices
        ]
        siblings = list(self.a.tree.range_proof(first, count, size))
        root, spoiled = self.a.tree.root(size), flaw < 2
        if flaw == 0:
            siblings.append(bytes(32))
        elif flaw == 1:
            given[-1] = given[-1][:-1] + bytes([given[-1][-1] ^ 1])
        error, output = self.calls.attempt(
            *(self.b.inbox, "processRange", A, root, first, given, siblings), sender=STRANGER
        )
        refused = spoiled or not self.proven(size, first + count - 1)
        assert bool(error) == refused, (error, flaw)
        if refused:
            return
        done = 0
        for index in indices:
            message = self.model.messages[index]
            late = message.deadline and self.now > message.deadline
            if left_out >> (index - first) & 1 or self.model.closed(index) or late:
                continue
            if self.model.takes(self.at, message):
                self.note(index)
                done += 1
        assert int.from_bytes(output, "big") == done

    @rule(choice=st.integers(0, 63), where=st.integers(0, 63), flaw=st.integers(0, 20))
    def expire(self, choice: int, where: int, flaw: int) -> None:
        """Messages for ever; then their delivery, which must fail."""
        for step in range(4):
            self.expire_one(choice, where + step, (flaw + 5 * step) % 21)

    def expire_one(self, choice: int, where: int, flaw: int) -> None:
        """One message, and its delivery."""
        size, index = self.pick(choice, where)
        if size == 0:
            return
        encoded, metadata, spoiled = self.spoil(size, index, flaw)
        message = self.model.messages[index]
        expected = (
            not spoiled
            and self.proven(size, index)
            and not self.model.closed(index)
            and bool(message.deadline and self.now > message.deadline)
        )
        error = self.attempt(self.b.inbox, "expire", metadata, encoded, sender=STRANGER)
        assert bool(error) == (not expected), (error, message)
        if expected:
            self.model.expired.add(index)
            assert self.attempt(self.b.inbox, "process", metadata, encoded)
            assert word(self.b.inbox, "expired", A, keccak256(encoded)) == 1

    def note(self, index: int) -> None:
        """Write down that the message was delivered."""
        assert not self.model.closed(index), "twice"
        self.model.delivered.add(index)
        message = self.model.messages[index]
        if message.recipient == padded(self.at.ledger.address):
            self.model.total += 1
            told = message.origin.to_bytes(4, "big") + message.sender + message.body
            self.model.digest = keccak256(self.model.digest + told)

    def failed_messages_are_deliverable(self) -> None:
        """At the end each open message under an attested root is taken, when it can be at all."""
        self.open_all()
        self.refuse(False)
        for size in sorted(self.model.attested.values()):
            for index in range(size):
                message = self.model.messages[index]
                late = message.deadline and self.now > message.deadline
                if self.model.closed(index) or late or not self.model.takes(self.at, message):
                    continue
                metadata = self.world.metadata(self.a, index, size)
                encoded = self.a.messages[index]
                assert self.attempt(self.b.inbox, "process", metadata, encoded) == ""
                self.note(index)
        self.delivered_bits_agree_with_the_model()
        self.the_recipient_got_what_was_dispatched_and_once()

    # Governance and time

    @rule(refusing=st.booleans())
    def refuse(self, refusing: bool) -> None:
        """The recipient changes its mind."""
        assert not self.attempt(self.at.ledger, "refuse", refusing)
        self.model.refusing = refusing

    @rule(seconds=st.sampled_from((1, 60, 599, 600, HOUR_S)))
    def warp(self, seconds: int) -> None:
        """Time passes."""
        self.world.warp(seconds)

    @rule(
        contract=st.sampled_from(("inbox", "outbox")),
        domain=st.sampled_from((0, A, B, UNKNOWN)),
        sender=st.sampled_from(PEOPLE),
        stays=st.integers(0, 7),
    )
    def pause(self, contract: str, domain: int, sender: str, stays: int) -> None:
        """Stop a route, and mostly open it again in the same breath."""
        target = self.b.inbox if contract == "inbox" else self.a.outbox
        error = self.attempt(target, "pause", domain, sender=sender)
        assert bool(error) == (sender == STRANGER), error
        if not error:
            self.model.paused.add((contract, domain))
        for by in (OWNER, STRANGER) if stays == 0 else PEOPLE:
            error = self.attempt(target, "unpause", domain, sender=by)
            assert bool(error) == (by != GUARDIAN), error
            if not error:
                self.model.paused.discard((contract, domain))

    @rule()
    def open_all(self) -> None:
        """The guardian opens what is paused."""
        for contract, domain in sorted(self.model.paused):
            target = self.b.inbox if contract == "inbox" else self.a.outbox
            assert not self.attempt(target, "unpause", domain, sender=GUARDIAN)
        self.model.paused.clear()

    @rule(choice=st.integers(0, 63), sender=st.sampled_from(PEOPLE))
    def deny(self, choice: int, sender: str) -> None:
        """A root is taken back, attested or not."""
        size = self.size_of(choice)
        if size == 0 or choice % 3:
            return
        root = self.a.tree.root(size)
        error = self.attempt(self.b.inbox, "denyRoot", A, root, sender=sender)
        assert bool(error) == (sender == STRANGER), error
        if not error:
            self.model.denied.add(root)
            self.model.attested.pop(root, None)

    @rule(choice=st.integers(0, 63), sender=st.sampled_from(PEOPLE), waits=st.booleans())
    def allow(self, choice: int, sender: str, waits: bool) -> None:
        """A denied root is allowed: on the scheduled way, and on no other."""
        denied = sorted(self.model.denied)
        if not denied:
            return
        root = denied[choice % len(denied)]
        assert self.attempt(self.b.inbox, "allowRoot", A, root, sender=sender)
        call = self.b.inbox.artifact.call_data("allowRoot", A, root)
        ready = self.model.scheduled.get(call)
        if ready is None:
            error = self.attempt(self.b.inbox, "schedule", call, sender=sender)
            assert bool(error) == (sender != OWNER), error
            if error:
                return
            ready = self.model.scheduled[call] = self.now + HOUR_S
            if not waits:
                return
            self.world.warp(HOUR_S)
        if choice % 5 == 0:
            error = self.attempt(self.b.inbox, "cancel", keccak256(call), sender=sender)
            assert bool(error) == (sender == STRANGER), error
            if not error:
                del self.model.scheduled[call]
            return
        error = self.attempt(self.b.inbox, "execute", call, sender=sender)
        in_time = ready <= self.now <= ready + 14 * 24 * HOUR_S
        assert bool(error) == (sender != OWNER or not in_time), error
        if not error:
            del self.model.scheduled[call]
            self.model.denied.discard(root)

    # What must hold

    @invariant()
    def delivered_bits_agree_with_the_model(self) -> None:
        bits = sum(1 << index for index in self.model.delivered)
        for place in range(1 + len(self.model.messages) // 256):
            expected = bits >> 256 * place & 2**256 - 1
            assert word(self.b.inbox, "deliveredWord", A, place) == expected

    @invariant()
    def expired_and_delivered_exclude_each_other(self) -> None:
        assert not self.model.delivered & self.model.expired

    @invariant()
    def the_recipient_got_what_was_dispatched_and_once(self) -> None:
        assert word(self.at.ledger, "digest") == int.from_bytes(self.model.digest, "big")
        assert word(self.at.ledger, "total") == self.model.total

    @invariant()
    def fees_held_are_fees_paid_less_withdrawn(self) -> None:
        held = self.a.machine.evm.get_balance(self.a.outbox.address)
        assert held == self.model.paid - self.model.withdrawn

    @invariant()
    def the_tree_is_the_messages(self) -> None:
        root = self.a.tree.root() if self.model.messages else bytes(32)
        assert word(self.a.outbox, "root") == int.from_bytes(root, "big")
        attested = self.model.attested.get(root, 0)
        assert word(self.b.inbox, "attestedSize", A, root) == attested
