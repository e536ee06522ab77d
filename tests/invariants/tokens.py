"""The machine of tokens: transfers, arrivals, refunds, limits, and a chain that lies.

``token_model`` foretells the error of each call, also of the recipient's within a delivery;
``token_invariants`` says what holds after each rule; ``token_ground`` is where it plays.
"""

from __future__ import annotations

from typing import Any

from eth_abi.abi import encode
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from bridge.chain.statements import checkpoint_tuple
from bridge.chain.transfers import NFT_TAG, TOKEN_TAG
from bridge.crypto.digests import checkpoint_digest
from bridge.crypto.hashing import keccak256
from bridge.crypto.providers import select
from bridge.domain.checkpoints import Checkpoint
from bridge.domain.contexts import CHECKPOINT_CONTEXT
from bridge.domain.messages import Message
from bridge.testing.machine import GUARDIAN, OWNER, STRANGER
from bridge.testing.world import HOUR_S, ML_DSA, Side, key_pair, padded, raw
from tests.invariants.calls import word
from tests.invariants.ledger import Coins, Things
from tests.invariants.token_ground import (
    C_RECEIPTS,
    IDS_EACH,
    LIMITS,
    NOBODY,
    PEOPLE,
    UNKNOWN,
    A,
    Asset,
    B,
    C,
)
from tests.invariants.token_invariants import Held
from tests.invariants.token_model import Said, Sent

TAGS = {"tokens": TOKEN_TAG, "nfts": NFT_TAG}
TIMEOUT_TAG = keccak256(b"astralink/receipt/v1/timeout")
RECEIVED = bytes.fromhex("150b7a02")
"""What ``onERC721Received`` answers, its own selector (ERC-721)."""
BASE_GAS, WORD_GAS = 200_000, 23_000
VALUES = (0, 1, 7, 50, 120, 399, 401)
AHEAD_S = (0, 0, 60, HOUR_S, -1)
"""Deadlines so far ahead; zero for none."""
SIGNERS = (1, 2)
"""Numbers of the keys that sign, two of three."""


class Tokens(Held):
    """Two chains with bridges of tokens, a third that lies, and everybody who may call them."""

    def teardown(self) -> None:
        try:
            if not self.settled:
                self.everything_ends_where_it_belongs()
        finally:
            self.undo.close()

    @initialize(value=st.sampled_from((50, 120, 300)), each=st.booleans())
    def begin(self, value: int, each: bool) -> None:
        """Something is under way on every route, and mostly there."""
        for asset in self.at.assets:
            for remote in asset.remotes:
                for number, who in enumerate(PEOPLE if each else (STRANGER,)):
                    # Each remote has ids of its own.
                    amount = number * IDS_EACH + (remote == C)
                    if asset.bridge == "tokens":
                        amount = value // 3
                    if asset.home == C:
                        self.say(C, Said(*asset.key, amount, padded(who), asset.description))
                    else:
                        self.send(asset, asset.home, remote, who, amount, padded(who), 0, 0)
        for domain in (A, B, C):
            self.attest(domain)
            for index in range(len(self.chains[domain].messages)):
                self.process(domain, index)

    # What leaves

    def recipient(self, asset: Asset, domain: int, destination: int, choice: int) -> bytes:
        """Mostly one of the people; else what takes no tokens, or takes them when it likes."""
        if choice < 15:
            return padded(PEOPLE[choice % 3])
        other = destination if destination in (A, B) else domain
        bridge = self.bridge(other, asset.bridge).address
        holder = padded(self.at.holders[other].address)
        there = asset.home if destination == asset.home else destination
        token = asset.token if there == asset.home else padded(NOBODY)
        if (there, asset.key) in self.at.vouchers:
            token = padded(self.at.vouchers[there, asset.key].address)
        return (*[holder] * 5, bytes(32), b"\1" + bytes(31), padded(bridge), token)[choice - 15]

    @rule(
        which=st.integers(0, 7),
        who=st.sampled_from(PEOPLE),
        number=st.integers(0, 8),
        to=st.integers(0, 23),
        ahead=st.sampled_from(AHEAD_S),
        flaw=st.integers(0, 19),
    )
    def transfer(self, which: int, who: str, number: int, to: int, ahead: int, flaw: int) -> None:
        """Transfers of each asset from where it is; some of what nobody has, to where none goes."""
        for step in range(3):
            asset = self.at.assets[(which + step) % len(self.at.assets)]
            ways = [(asset.home, one) for one in asset.remotes] + [
                (one, asset.home) for one in asset.remotes
            ]
            ways = [way for way in ways if way[0] != C]
            domain, destination = ways[(which + number + step) % len(ways)]
            if flaw == 1:
                destination = (UNKNOWN, C, A, B)[number % 4]
            value = VALUES[number % len(VALUES)] if asset.bridge == "tokens" else number
            recipient = self.recipient(asset, domain, destination, (to + step) % 24)
            deadline = self.now + ahead if ahead else 0
            gas = (1, BASE_GAS - 1)[number % 2] if flaw == 2 else 0
            self.send(asset, domain, destination, who, value, recipient, deadline, gas)
            who = PEOPLE[(PEOPLE.index(who) + 1) % 3]

    def send(
        self,
        asset: Asset,
        domain: int,
        destination: int,
        who: str,
        value: int,
        recipient: bytes,
        deadline: int,
        gas: int,
    ) -> None:
        """One transfer, foretold."""
        bridge, token = self.bridge(domain, asset.bridge), self.local(domain, asset)
        leaving = domain == asset.home
        key = (domain, asset.key, destination if leaving else domain)
        description = asset.description if leaving else b""
        if leaving and asset.bridge == "nfts" and 0 <= value < len(PEOPLE) * IDS_EACH:
            description += f"ipfs://{value}".encode()
        least = BASE_GAS + (WORD_GAS * (3 + (len(description) + 31) // 32) if leaving else 0)

        expected = self.forbidden(asset, domain, destination, key, recipient)
        if not expected and 0 < gas < least:
            expected = "GasLimitTooLow"
        if not expected:
            expected = self.leave(asset, key, who, value, deadline, commit=False)
        options = (deadline, gas, NOBODY)
        error, output = self.calls.attempt(
            *(bridge, "transfer", destination, token, value, recipient, options), sender=who
        )
        assert error == expected, (error, expected, asset.key, domain, destination, value)
        if error:
            return
        self.leave(asset, key, who, value, deadline, commit=True)
        body = TAGS[asset.bridge] + asset.home.to_bytes(4, "big") + asset.token
        body += value.to_bytes(32, "big") + recipient + description
        said = Said(*asset.key, value, recipient, description)
        peer = self.peer(destination, asset.bridge)
        found = self.dispatched(
            domain, padded(bridge.address), destination, peer, body, said, deadline, gas or least
        )
        assert output == found
        self.model.sent.append(Sent(domain, asset.bridge, found, (destination, token, value, who)))
        if deadline:
            self.model.pending.add((domain, found))

    def dispatched(
        self,
        origin: int,
        sender: bytes,
        destination: int,
        recipient: bytes,
        body: bytes,
        said: Said,
        deadline: int = 0,
        gas: int = 1_000_000,
    ) -> bytes:
        """A message that the chain dispatched; its id."""
        chain = self.chains[origin]
        nonce = len(chain.messages)
        message = Message(nonce, origin, sender, destination, recipient, body, 4, deadline, gas)
        encoded = message.encode()
        identifier = keccak256(encoded)
        chain.messages.append(message)
        chain.encoded.append(encoded)
        chain.tree.append(identifier)
        self.model.said[origin, nonce] = said
        return identifier

    # What arrives

    @rule(domain=st.sampled_from((A, B)))
    def attest(self, domain: int) -> None:
        """A quorum signs the newest tree of a chain, and the other chain takes it."""
        chain, side = self.chains[domain], self.at.side(B if domain == A else A)
        if chain.attested == len(chain.messages):
            return
        chain.attested = len(chain.messages)
        checkpoint = Checkpoint(
            origin_domain=domain,
            origin_chain_id=chain.chain_id,
            outbox=chain.outbox,
            root=chain.tree.root(),
            size=chain.attested,
            destination_domain=side.domain,
            destination_chain_id=side.machine.chain_id,
            inbox=raw(side.inbox.address),
            epoch=1,
        )
        digest = checkpoint_digest(checkpoint)
        # Not kept: no two trees are the same, in any run.
        signatures = [
            select("default").signatures.sign(
                ML_DSA, key_pair(ML_DSA, number).secret, digest, CHECKPOINT_CONTEXT
            )
            for number in SIGNERS
        ]
        struct, signers = checkpoint_tuple(checkpoint), [number - 1 for number in SIGNERS]
        assert not self.attempt(side.inbox, "attest", struct, signers, signatures)

    @rule(domain=st.sampled_from((A, B)), where=st.integers(0, 63), fresh=st.booleans())
    def deliver(self, domain: int, where: int, fresh: bool) -> None:
        """Messages with good proofs, open ones first; each a second time as well."""
        if fresh:
            self.attest(domain)
        size = self.chains[domain].attested
        ones = [i for i in range(size) if (domain, i) not in self.model.closed]
        for step in range(4):
            choice = where + step
            if ones and choice % 8:
                self.process(domain, ones[choice % len(ones)])
            elif size:
                self.process(domain, choice % size)

    def process(self, origin: int, index: int) -> None:
        """One message twice, foretold."""
        chain = self.chains[origin]
        side = self.at.side(B if origin == A else A)
        metadata = chain.tree.root(chain.attested) + b"".join(
            chain.tree.proof(index, chain.attested)
        )
        for _ in range(2):
            expected = self.refusal(side.domain, chain, index)
            error = self.attempt(
                side.inbox, "process", metadata, chain.encoded[index], sender=STRANGER
            )
            said = self.model.said[origin, index]
            assert error == expected, (error, expected, origin, index, said)
            if error:
                self.reasons["C" if origin == C else "peer", error] += 1
                return
            self.arrive(side.domain, origin, said, commit=True)
            self.model.closed.add((origin, index))

    # What a lying chain and its friends say

    @rule(
        which=st.integers(0, 4),
        more=st.integers(-2, 2),
        to=st.integers(0, 23),
        flaw=st.integers(0, 15),
        number=st.integers(0, 11),
    )
    def lie(self, which: int, more: int, to: int, flaw: int, number: int) -> None:
        """C releases what it likes, of every token it ever heard of, and mints its own."""
        first = len(self.chains[C].messages)
        for step in range(3):
            asset = self.at.assets[(which + step) % 5]
            flaw = (flaw + 5 * step) % 16
            end = self.model.ends.get((A, asset.key, C))
            value = max(0, (end.locked if end and more else VALUES[number % 7]) + more)
            if asset.bridge == "nfts":
                value = number
            home = asset.home if flaw != 0 else (A, B, C, UNKNOWN)[number % 4]
            description = asset.description if (asset.home == C) != (flaw == 1) else b""
            token = asset.token if flaw != 2 else b"\7".rjust(32, b"\0")
            recipient = self.recipient(asset, C, A, (to + step) % 24)
            said = Said(asset.bridge, home, token, value, recipient, description)
            self.say(C, said, flaw)
        self.attest(C)
        for index in range(first, len(self.chains[C].messages)):
            self.process(C, index)

    def say(self, origin: int, said: Said, flaw: int = 9) -> None:
        """A message to A's bridge; the fields of ``said`` as they are, but for these flaws."""
        body = TAGS[said.to] + said.home.to_bytes(4, "big") + said.token
        body += said.value.to_bytes(32, "big") + said.recipient + said.description
        sender = self.peer(origin, said.to)
        if flaw == 3:
            body, said = keccak256(b"no tag") + body[32:], Said(said.to, flaw="WrongTag")
        elif flaw == 4:
            body, said = body[:131], Said(said.to, flaw="MalformedBody")
        elif flaw == 5:
            sender, said = padded(STRANGER), Said(said.to, flaw="NotPeer")
        recipient = padded(self.bridge(A, said.to).address)
        self.dispatched(origin, sender, A, recipient, body, said)

    @rule(choice=st.integers(0, 63), flaw=st.integers(0, 3))
    def deny(self, choice: int, flaw: int) -> None:
        """C says that transfers expired, which it released itself, or which went to B."""
        ours = [one for one in self.model.sent if one.domain == A]
        if not ours:
            return
        refundable = [one for one in ours if (A, one.message_id) in self.model.pending]
        to_c = [one for one in refundable if one.fields[0] == C] or refundable or ours
        chosen = (to_c if flaw else ours)[choice % len(to_c if flaw else ours)]
        first, asset = len(self.chains[C].messages), self.asset_of(chosen)
        end = self.model.ends.get((A, asset.key, C))
        if end and flaw > 1:
            value = end.locked if asset.bridge == "tokens" else chosen.fields[2]
            self.say(C, Said(*asset.key, value, padded(STRANGER)))
        body = encode(["bytes32", "bytes32[]"], [TIMEOUT_TAG, [chosen.message_id]])
        said = Said("receipts", expired=(chosen.message_id,))
        receipts = padded(self.world.a.receipts.address)
        self.dispatched(C, padded(C_RECEIPTS), A, receipts, body, said)
        self.attest(C)
        for index in range(first, len(self.chains[C].messages)):
            self.process(C, index)
        self.refund_one(chosen, 0)

    @rule(who=st.sampled_from(PEOPLE), which=st.integers(0, 3), value=st.sampled_from(VALUES))
    def impersonate(self, who: str, which: int, value: int) -> None:
        """Anybody dispatches the body of a transfer; calls the entries; mints and burns."""
        asset = self.at.assets[(0, 1, 3)[which % 3]]
        origin, side = asset.home, self.at.side(B if asset.home == A else A)
        bridge = self.bridge(side.domain, asset.bridge)
        body = TAGS[asset.bridge] + asset.home.to_bytes(4, "big") + asset.token
        body += value.to_bytes(32, "big") + padded(who) + asset.description
        to = padded(bridge.address)
        options = (0, 1_000_000, NOBODY)
        error, output = self.calls.attempt(
            *(self.at.side(origin).outbox, "dispatch", side.domain, to, body, options), sender=who
        )
        said = Said(asset.bridge, flaw="NotPeer")
        assert not error
        assert output == self.dispatched(origin, padded(who), side.domain, to, body, said)
        peer = self.peer(origin, asset.bridge)
        assert self.attempt(bridge, "handle", origin, peer, body, sender=who) == "NotInbox"
        voucher = self.at.vouchers[side.domain, asset.key]
        for function in ("burn", "mint"):
            arguments: tuple[Any, ...] = (who, value)
            if function == "mint" and asset.bridge == "nfts":
                arguments = (who, value, "")
            assert self.attempt(voucher, function, *arguments, sender=who) == "NotBridge"

    # What comes back

    @rule(choice=st.integers(0, 63), flaw=st.integers(0, 7))
    def refund(self, choice: int, flaw: int) -> None:
        """Refunds of transfers, most of which did not expire."""
        for step in range(3):
            if self.model.sent:
                chosen = self.model.sent[(choice + step) % len(self.model.sent)]
                self.refund_one(chosen, (flaw + step) % 8)

    @rule(choice=st.integers(0, 63), hooked=st.booleans())
    def expire(self, choice: int, hooked: bool) -> None:
        """A transfer between A and B expires, word of it comes back, and it is refunded."""
        waiting = [
            one
            for one in self.model.sent
            if (one.domain, one.message_id) in self.model.pending and one.fields[0] != C
        ]
        if waiting:
            self.expire_one(waiting[choice % len(waiting)], hooked)

    def expire_one(self, chosen: Sent, hooked: bool = False) -> None:
        """The whole way of a refund; where it was delivered, it comes to nothing."""
        chain, side = self.chains[chosen.domain], self.at.side(chosen.fields[0])
        index = next(i for i, m in enumerate(chain.encoded) if keccak256(m) == chosen.message_id)
        message, place = chain.messages[index], (chosen.domain, index)
        self.attest(chosen.domain)
        metadata = chain.tree.root(chain.attested) + b"".join(
            chain.tree.proof(index, chain.attested)
        )
        # Perhaps too early, then in time, then once more.
        for seconds in (0, max(0, message.deadline + 1 - self.now), 0):
            self.world.warp(seconds)
            expected = "" if self.now > message.deadline else "DeadlineNotPassed"
            if place in self.model.closed:
                expected = "AlreadyDelivered"
            error = self.attempt(
                side.inbox, "expire", metadata, chain.encoded[index], sender=STRANGER
            )
            assert error == expected, (error, expected)
            if not error:
                self.model.closed.add(place)
                self.model.expired.add((chosen.domain, chosen.message_id))
        self.tell(chosen, side)
        self.refund_one(chosen, 0, hooked)

    def tell(self, chosen: Sent, side: Side) -> None:
        """Receipts send word of what expired, and of nothing else."""
        ids = [chosen.message_id]
        error, output = self.calls.attempt(
            *(side.receipts, "sendTimeouts", chosen.domain, ids), sender=STRANGER
        )
        known = (chosen.domain, chosen.message_id) in self.model.expired
        assert error == ("" if known else "NotExpired"), error
        if error:
            return
        body = encode(["bytes32", "bytes32[]"], [TIMEOUT_TAG, ids])
        sender = padded(side.receipts.address)
        recipient = padded(self.at.side(chosen.domain).receipts.address)
        said = Said("receipts", expired=(chosen.message_id,))
        gas = 90_000
        assert output == self.dispatched(
            side.domain, sender, chosen.domain, recipient, body, said, gas=gas
        )
        self.attest(side.domain)
        self.process(side.domain, len(self.chains[side.domain].messages) - 1)

    def refund_one(self, chosen: Sent, flaw: int, hooked: bool = False) -> None:
        """One refund, foretold. ``hooked``: the token asks for the same once more meanwhile."""
        domain, identifier, fields = chosen.domain, chosen.message_id, list(chosen.fields)
        changes: dict[int, tuple[int, Any]] = {
            5: (0, C if fields[0] != C else B),
            6: (2, fields[2] + 1),
            7: (3, PEOPLE[(PEOPLE.index(chosen.fields[3]) + 1) % 3]),
        }
        if flaw in changes:
            at, value = changes[flaw]
            fields[at] = value
        expected = self.withheld(chosen, tuple(fields), commit=False)
        bridge = self.bridge(domain, chosen.bridge)
        if hooked:
            again = bridge.artifact.call_data("refund", identifier, tuple(fields))
            self.hook(self.bridge(A, chosen.bridge).address, again)
        error = self.attempt(bridge, "refund", identifier, tuple(fields), sender=GUARDIAN)
        assert error == expected, (error, expected, chosen, fields)
        if hooked:
            assert word(self.at.gold, "taken") == 0
            self.hook(NOBODY, b"")
        if not error:
            self.withheld(chosen, tuple(fields), commit=True)
            assert self.attempt(bridge, "refund", identifier, tuple(fields)) == "NotRefundable"

    def hook(self, target: str, call: bytes) -> None:
        """What the gold calls whenever it is moved."""
        assert not self.attempt(self.at.gold, "setHook", target, call)

    # What tokens and recipients do

    @rule(
        fee=st.sampled_from((0, 1_000)),
        on_top=st.booleans(),
        takes=st.booleans(),
        who=st.sampled_from(PEOPLE),
    )
    def change_minds(self, fee: int, on_top: bool, takes: bool, who: str) -> None:
        """The silver takes a fee or none; the contracts take ERC-721 tokens or do not."""
        self.set_minds(fee, on_top, takes)
        self.send(self.at.assets[1], B, A, who, 50, padded(who), 0, 0)
        self.send(self.at.assets[1], A, B, who, 50, padded(who), 0, 0)

    def set_minds(self, fee: int, on_top: bool, takes: bool) -> None:
        """Both of them."""
        assert not self.attempt(self.at.silver, "setFee", fee, on_top)
        silver = self.model.purses[B, self.at.assets[1].key]
        assert isinstance(silver, Coins)
        silver.fee, silver.on_top = fee, on_top
        answer = RECEIVED if takes else bytes(4)
        for domain, holder in self.at.holders.items():
            assert not self.attempt(holder, "setHook", answer, NOBODY, b"")
            for asset in self.at.assets:
                purse = self.model.purses.get((domain, asset.key))
                if isinstance(purse, Things):
                    purse.takes = takes

    @rule(number=st.integers(0, 8))
    def reenter(self, number: int) -> None:
        """Who gets a voucher sends it home while it arrives, and finds the door shut."""
        stars = self.at.assets[3]
        things = self.model.purses[A, stars.key]
        assert isinstance(things, Things)
        mine = sorted(one for one, owner in things.of.items() if owner in PEOPLE)
        if not mine:
            return
        one = mine[number % len(mine)]
        self.set_minds(0, False, True)
        holder, voucher = self.at.holders[B], self.at.vouchers[B, stars.key]
        options = (0, 0, NOBODY)
        home = self.world.b.nfts.artifact.call_data(
            "transfer", A, voucher.address, one, padded(STRANGER), options
        )
        target = self.world.b.nfts.address
        assert not self.attempt(holder, "setHook", RECEIVED, target, home)
        count = len(self.chains[A].messages)
        self.send(stars, A, B, things.of[one], one, padded(holder.address), 0, 1_000_000)
        self.attest(A)
        if len(self.chains[A].messages) > count:
            self.process(A, count)
        assert word(holder, "taken") == 0
        self.set_minds(0, False, True)

    @rule(who=st.sampled_from(PEOPLE), value=st.sampled_from(VALUES))
    def donate(self, who: str, value: int) -> None:
        """Gold that is sent to the bridge without a transfer is nobody's."""
        gold = self.model.purses[A, self.at.assets[0].key]
        assert isinstance(gold, Coins)
        value = min(value, 9)
        bridge = self.world.a.tokens.address
        error = self.attempt(self.at.gold, "transfer", bridge, value, sender=who)
        assert error == ("" if gold.of[who] >= value else "ERC20InsufficientBalance")
        if not error:
            gold.of[who] -= value
            gold.of[bridge] += value
            self.model.donated += value

    # Governance and time

    @rule(seconds=st.sampled_from((1, 60, 600, HOUR_S)))
    def warp(self, seconds: int) -> None:
        """Time passes, and fills the buckets."""
        self.world.warp(seconds)

    @rule(
        domain=st.sampled_from((A, B)),
        bridge=st.sampled_from(("tokens", "nfts")),
        other=st.sampled_from((0, A, B, C)),
        sender=st.sampled_from(PEOPLE),
        stays=st.integers(0, 2),
    )
    def pause(self, domain: int, bridge: str, other: int, sender: str, stays: int) -> None:
        """Stop a domain, and mostly open it again in the same breath."""
        target = self.bridge(domain, bridge)
        error = self.attempt(target, "pause", other, sender=sender)
        assert error == ("NotOwnerOrGuardian" if sender == STRANGER else ""), error
        if not error:
            self.model.paused.add((domain, bridge, other))
        if stays:
            self.open_all()

    @rule()
    def open_all(self) -> None:
        """The guardian opens what is paused, and nobody else does."""
        for domain, bridge, other in sorted(self.model.paused):
            target = self.bridge(domain, bridge)
            for sender in (OWNER, STRANGER):
                assert self.attempt(target, "unpause", other, sender=sender) == "NotGuardian"
            assert not self.attempt(target, "unpause", other, sender=GUARDIAN)
        self.model.paused.clear()

    @rule(
        which=st.integers(0, 63),
        sender=st.sampled_from(PEOPLE),
        sizes=st.tuples(*[st.sampled_from((0, 1, 3, 120, 400, 401))] * 2),
        refill=st.integers(0, 2),
        fits=st.integers(0, 3),
    )
    def lower(
        self, which: int, sender: str, sizes: tuple[int, int], refill: int, fits: int
    ) -> None:
        """Limits go down at once, and up on no short way; nothing is enrolled again."""
        keys = list(self.model.ends)
        domain, (name, home, token), remote = key = keys[which % len(keys)]
        end, route = self.model.ends[key], (home, token, remote)
        bridge, buckets = self.bridge(domain, name), (end.sending, end.receiving)
        given = [(size, refill) for size in sizes]
        if fits:
            given = [
                (min(size, bucket.capacity), min(refill, bucket.refill))
                for size, bucket in zip(sizes, buckets, strict=True)
            ]
        higher = any(
            size > bucket.capacity or rate > bucket.refill
            for (size, rate), bucket in zip(given, buckets, strict=True)
        )
        expected = "LimitRaised" if higher else ""
        if sender == STRANGER:
            expected = "NotOwnerOrGuardian"
        error = self.attempt(bridge, "lowerLimits", route, *given, sender=sender)
        assert error == expected, (error, expected)
        if not error:
            for bucket, limit in zip(buckets, given, strict=True):
                bucket.change(limit, self.now)
        assert self.attempt(bridge, "setLimits", route, *given, sender=sender) == "NotScheduled"
        known = "RouteKnown" if sender == OWNER else "NotOwner"
        assert self.attempt(bridge, "enrol", route, *given, sender=sender) == known
        other = next(one for one in (A, B) if one != domain)
        known = "PeerKnown" if sender == OWNER else "NotOwner"
        assert self.attempt(bridge, "enrolPeer", other, padded(sender), sender=sender) == known

    @rule(which=st.integers(0, 63), sender=st.sampled_from(PEOPLE), waits=st.booleans())
    def raise_limits(self, which: int, sender: str, waits: bool) -> None:
        """Back to what they were, on the scheduled way."""
        keys = list(self.model.ends)
        key = keys[which % len(keys)]
        self.raise_one(key, sender, waits)

    def raise_one(self, key: Any, sender: str, waits: bool) -> None:
        """Announce it, or do it when it is time."""
        domain, (name, home, token), remote = key
        bridge, limit = self.bridge(domain, name), LIMITS[name]
        call = bridge.artifact.call_data("setLimits", (home, token, remote), limit, limit)
        ready = self.model.scheduled.get((domain, name, call))
        if ready is None:
            error = self.attempt(bridge, "schedule", call, sender=sender)
            assert error == ("" if sender == OWNER else "NotOwner"), error
            if error:
                return
            ready = self.model.scheduled[domain, name, call] = self.now + HOUR_S
        if waits and self.now < ready:
            self.world.warp(ready - self.now)
        expected = "" if self.now >= ready else "OperationNotReady"
        if self.now > ready + 14 * 24 * HOUR_S:
            expected = "OperationStale"
        if sender != OWNER:
            expected = "NotOwner"
        error = self.attempt(bridge, "execute", call, sender=sender)
        assert error == expected, (error, expected)
        if not error:
            del self.model.scheduled[domain, name, call]
            for bucket in (self.model.ends[key].sending, self.model.ends[key].receiving):
                bucket.change(limit, self.now)

    # The end

    def everything_ends_where_it_belongs(self) -> None:
        """At the end all that is under way between A and B arrives or comes back, and adds up."""
        self.settled = True
        self.open_all()
        self.set_minds(0, False, True)
        for key, end in self.model.ends.items():
            while (end.receiving.capacity, end.receiving.refill) != LIMITS[key[1][0]]:
                self.raise_one(key, OWNER, True)
        for domain in (A, B):
            self.attest(domain)
            for index, message in enumerate(self.chains[domain].messages):
                open_one = (domain, index) not in self.model.closed and message.destination != C
                if open_one and self.model.said[domain, index].flaw == "":
                    self.world.warp(HOUR_S)
                    self.process(domain, index)
        for sent in self.model.sent:
            if (sent.domain, sent.message_id) in self.model.pending and sent.fields[0] != C:
                self.world.warp(HOUR_S)
                self.expire_one(sent)
        self.everybody_has_what_the_model_says()
        self.what_is_locked_is_there()
        for asset in self.at.assets:
            for remote in set(asset.remotes) & {A, B} if asset.home != C else ():
                locked, released, returned = self.totals(asset.home, asset, remote)
                supply = word(self.at.vouchers[remote, asset.key], "totalSupply")
                assert supply == locked - released - returned, asset.key
