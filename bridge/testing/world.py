"""Two chains with the bridge between them in one process: real contracts, real signatures.

    world = World.built()
    world.a.outbox.send("dispatch", world.b.domain, recipient, b"hello")
    world.relay()

Each chain is an EVM of its own with its own chain id. Signers have keys of ML-DSA-87 and
SLH-DSA-SHA2-128s from fixed seeds; what they sign is verified by the verifiers' contracts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from eth_utils.address import to_checksum_address

from bridge.chain.artifact import load
from bridge.chain.deployment import KERNELS, VERIFIERS
from bridge.chain.statements import (
    checkpoint_tuple,
    registry_key,
    rotation_tuple,
    signer_set_tuple,
)
from bridge.crypto.digests import checkpoint_digest, rotation_digest
from bridge.crypto.keys import SigningKeyPair
from bridge.crypto.merkle import IncrementalTree
from bridge.crypto.providers import select
from bridge.domain.checkpoints import Checkpoint
from bridge.domain.contexts import CHECKPOINT_CONTEXT, ROTATION_CONTEXT
from bridge.domain.keys import Algorithm
from bridge.domain.messages import Message
from bridge.domain.quorums import Signer, SignerKey, SignerSet, packed_signatures
from bridge.domain.rotations import Rotation
from bridge.domain.verdicts import MatchKind
from bridge.testing.machine import GUARDIAN, OWNER, Deployed, Machine, Reverted, Sent

ML_DSA, SLH_DSA = Algorithm.ML_DSA_87, Algorithm.SLH_DSA_SHA2_128S
HOUR_S = 3_600
MAXIMUM_AGE_S = 24 * HOUR_S
MAXIMUM_VALIDITY_S = 90 * 24 * HOUR_S
GOVERNANCE = (OWNER, GUARDIAN, HOUR_S)
UNTOUCHED = (10**36, 10**30)
"""Capacity and refill a second of a limit that a test does not come near."""
_SEED_BYTES = {ML_DSA: 32, SLH_DSA: 48}


@cache
def key_pair(algorithm: Algorithm, number: int) -> SigningKeyPair:
    """A key pair from a seed that is ``number`` in each byte."""
    seed = bytes([number]) * _SEED_BYTES[algorithm]
    return select("default").signatures.key_pair(algorithm, seed)


@cache
def signature_of(algorithm: Algorithm, number: int, message: bytes, ctx: bytes) -> bytes:
    """A hedged signature of that key; the same one for the same arguments."""
    secret = key_pair(algorithm, number).secret
    return select("default").signatures.sign(algorithm, secret, message, ctx)


def signer(*numbers: tuple[Algorithm, int], weight: int = 1) -> Signer:
    """The signer that holds the keys of these algorithms and numbers."""
    keys = tuple(
        SignerKey(f"{algorithm}/{number}", algorithm, key_pair(algorithm, number).public_key)
        for algorithm, number in numbers
    )
    return Signer(keys, weight)


SIGNERS = (signer((ML_DSA, 1)), signer((ML_DSA, 2)), signer((SLH_DSA, 3)))
"""Who signs where a test says nothing else; two of the three are a quorum."""


def sign(member: Signer, message: bytes, ctx: bytes) -> bytes:
    """The signature of a signer, which a registry takes: of its one key, or of both."""
    signatures = []
    for key in member.keys:
        algorithm, number = key.key_id.split("/")
        signatures.append(signature_of(Algorithm(algorithm), int(number), message, ctx))
    return packed_signatures(signatures)


def raw(address: str) -> bytes:
    """The 20 bytes of an address."""
    return bytes.fromhex(address[2:])


def padded(address: str) -> bytes:
    """An address left-padded to 32 bytes."""
    return raw(address).rjust(32, b"\0")


@dataclass
class Side:
    """One chain with the bridge's contracts. ``messages`` are all that its Outbox dispatched.

    ``tokens`` is its TokenBridge for ERC-20, ``nfts`` its NftBridge for ERC-721, ``verdicts`` its
    VerdictRegistry.
    """

    machine: Machine
    domain: int
    registry: Deployed
    outbox: Deployed
    inbox: Deployed
    receipts: Deployed
    tokens: Deployed
    nfts: Deployed
    verdicts: Deployed
    verifiers: dict[Algorithm, Deployed]
    tree: IncrementalTree = field(default_factory=IncrementalTree)
    messages: list[bytes] = field(default_factory=list)
    _seen: int = 0

    def sync(self) -> None:
        """Take over what the Outbox dispatched since the last call."""
        for address, topics, data in self.machine.logs[self._seen :]:
            if address != self.outbox.address:
                continue
            event = self.outbox.artifact.event(topics, data)
            if event is not None and event.name == "Dispatch":
                self.messages.append(event.arguments["message"])
            elif event is not None and event.name == "DispatchId":
                self.tree.append(event.arguments["messageId"])
        self._seen = len(self.machine.logs)

    def copy(self) -> Side:
        """The same contracts with notes of its own."""
        tree = IncrementalTree(self.tree.leaf(index) for index in range(len(self.tree)))
        return replace(self, tree=tree, messages=list(self.messages))

    def voucher(self, home: Side, token: str, bridge: str = "tokens") -> Deployed:
        """The voucher here for ``token`` of ``home``; ``bridge`` is "tokens" or "nfts"."""
        address = getattr(self, bridge).call("voucherOf", home.domain, padded(token))
        artifact = load("TokenVoucher" if bridge == "tokens" else "NftVoucher")
        return Deployed(self.machine, artifact, to_checksum_address(address))

    def addresses(self) -> dict[Algorithm, str]:
        """The verifiers' addresses."""
        return {algorithm: one.address for algorithm, one in self.verifiers.items()}

    def register(self, members: Sequence[Signer]) -> None:
        """Have the ML-DSA-87 keys of ``members`` expanded, where they are not."""
        verifier = self.verifiers[ML_DSA]
        for key in (key for member in members for key in member.keys):
            if key.algorithm is ML_DSA and not _is_registered(verifier, key):
                for half in (1, 0):
                    verifier.send("register", key.public_key, half)

    def struct(self, signer_set: SignerSet) -> tuple[Any, ...]:
        """The set as this chain's registry takes it."""
        return signer_set_tuple(signer_set, self.addresses())


def _is_registered(verifier: Deployed, key: SignerKey) -> bool:
    return bool(verifier.call("isKeyWellFormed", registry_key(key)))


@dataclass
class World:
    """Two sides that know each other. ``signers`` attest, ``epoch`` is what they attest in."""

    a: Side
    b: Side
    signers: tuple[Signer, ...] = SIGNERS
    epoch: int = 1

    @classmethod
    def built(cls, signer_set: SignerSet | None = None) -> World:
        """Domain 1 on chain 31001, domain 2 on chain 31002, and the signers of epoch 1."""
        chosen = signer_set or SignerSet(1, 2, SIGNERS)
        a, b = _side(31001, 1, chosen), _side(31002, 2, chosen)
        for own, other in ((a, b), (b, a)):
            own.outbox.send("enrolDestination", other.domain)
            own.inbox.send(
                "enrolOrigin", other.domain, other.machine.chain_id, other.outbox.address
            )
            for name in ("receipts", "tokens", "nfts"):
                peer = padded(getattr(other, name).address)
                getattr(own, name).send("enrolPeer", other.domain, peer)
        return cls(a, b, chosen.signers)

    def copy(self) -> World:
        """The same contracts with notes of their own."""
        return replace(self, a=self.a.copy(), b=self.b.copy())

    def enrol_token(
        self,
        home: Side,
        token: str,
        limit: tuple[int, int] = UNTOUCHED,
        bridge: str = "tokens",
    ) -> tuple[int, bytes, int]:
        """The route of ``token`` from ``home`` to the other side, enrolled at both ends.

        ``limit`` is capacity and refill a second, both ways; ``bridge`` is "tokens" or "nfts".
        """
        remote = self.b if home is self.a else self.a
        route = (home.domain, padded(token), remote.domain)
        for side in (self.a, self.b):
            getattr(side, bridge).send("enrol", route, limit, limit)
        return route

    def warp(self, seconds: int) -> None:
        """Let ``seconds`` pass on both chains."""
        self.a.machine.warp(seconds)
        self.b.machine.warp(seconds)

    def checkpoint(self, origin: Side, destination: Side, **changes: Any) -> Checkpoint:
        """What signers state of all messages of ``origin`` to ``destination``."""
        origin.sync()
        made = Checkpoint(
            origin_domain=origin.domain,
            origin_chain_id=origin.machine.chain_id,
            outbox=raw(origin.outbox.address),
            root=origin.tree.root(),
            size=len(origin.tree),
            destination_domain=destination.domain,
            destination_chain_id=destination.machine.chain_id,
            inbox=raw(destination.inbox.address),
            epoch=self.epoch,
        )
        return replace(made, **changes)

    def signature(self, index: int, checkpoint: Checkpoint, ctx: bytes | None = None) -> bytes:
        """The signature of signer ``index`` over ``checkpoint``."""
        context = CHECKPOINT_CONTEXT if ctx is None else ctx
        return sign(self.signers[index], checkpoint_digest(checkpoint), context)

    def attest(
        self,
        origin: Side,
        destination: Side,
        checkpoint: Checkpoint | None = None,
        signers: Sequence[int] = (0, 1),
    ) -> Sent:
        """The signers' signatures brought to the Inbox of ``destination`` in one transaction."""
        chosen = checkpoint or self.checkpoint(origin, destination)
        signatures = [self.signature(index, chosen) for index in signers]
        struct = checkpoint_tuple(chosen)
        return destination.inbox.send("attest", struct, list(signers), signatures)

    def metadata(self, origin: Side, index: int, size: int | None = None) -> bytes:
        """What ``process`` takes beside message ``index``."""
        return origin.tree.root(size) + b"".join(origin.tree.proof(index, size))

    def process(self, origin: Side, destination: Side, index: int, size: int | None = None) -> Sent:
        """Message ``index`` of ``origin`` delivered by itself."""
        metadata = self.metadata(origin, index, size)
        return destination.inbox.send("process", metadata, origin.messages[index])

    def process_range(
        self,
        origin: Side,
        destination: Side,
        first: int,
        count: int,
        size: int | None = None,
        gas: int = 1 << 30,
    ) -> Sent:
        """``count`` messages of ``origin`` from ``first`` on, under one proof.

        Those to another destination are left out. ``gas`` is not bounded as a transaction's is.
        """
        given = []
        for index in range(first, first + count):
            message = origin.messages[index]
            ours = Message.decode(message).destination == destination.domain
            given.append(message if ours else origin.tree.leaf(index))
        return destination.inbox.send(
            "processRange",
            origin.domain,
            origin.tree.root(size),
            first,
            given,
            list(origin.tree.range_proof(first, count, size)),
            gas=gas,
        )

    def relay(self, rounds: int = 8) -> int:
        """How many messages were delivered, both ways, until none was left that can be.

        Messages that a delivery dispatches are relayed too, up to ``rounds`` times. One that its
        recipient refuses stays.
        """
        delivered = 0
        for _ in range(rounds):
            moved = self._relay(self.a, self.b) + self._relay(self.b, self.a)
            if moved == 0:
                break
            delivered += moved
        return delivered

    def failures(self, destination: Side) -> list[tuple[str, tuple[Any, ...]]]:
        """Name and arguments of the errors for which deliveries to ``destination`` failed so far.

        The name is empty where the reason is no custom error that is known there.
        """
        machine, artifact = destination.machine, destination.inbox.artifact
        found = []
        for address, topics, data in machine.logs:
            event = artifact.event(topics, data)
            if address == destination.inbox.address and event and event.name == "DeliveryFailed":
                error = Reverted(event.arguments["reason"], machine.errors)
                found.append((error.name, error.arguments))
        return found

    def rotate(self, side: Side, rotation: Rotation, signers: Sequence[int] = (0, 1)) -> Sent:
        """The signers' signatures over ``rotation`` brought to the registry of ``side``."""
        digest = rotation_digest(rotation)
        signatures = [sign(self.signers[index], digest, ROTATION_CONTEXT) for index in signers]
        struct = rotation_tuple(rotation)
        return side.registry.send("approveRotation", struct, list(signers), signatures)

    def _relay(self, origin: Side, destination: Side) -> int:
        origin.sync()
        open_ones = [
            index
            for index, message in enumerate(origin.messages)
            if Message.decode(message).destination == destination.domain
            and not destination.inbox.call("delivered", origin.domain, index)
        ]
        if not open_ones:
            return 0
        root = origin.tree.root()
        if destination.inbox.call("attestedSize", origin.domain, root) == 0:
            self.attest(origin, destination)
        first = open_ones[0]
        sent = self.process_range(origin, destination, first, open_ones[-1] - first + 1)
        return int.from_bytes(sent.output, "big")


def _side(chain_id: int, domain: int, signer_set: SignerSet) -> Side:
    machine = Machine(chain_id)
    registry = machine.deploy("SignerRegistry", GOVERNANCE, HOUR_S, MAXIMUM_AGE_S)
    outbox = machine.deploy("Outbox", domain, GOVERNANCE)
    inbox = machine.deploy("Inbox", domain, registry.address, GOVERNANCE)
    receipts = machine.deploy("Receipts", outbox.address, inbox.address, OWNER)
    parts = (outbox.address, inbox.address, receipts.address)
    tokens = machine.deploy("TokenBridge", *parts, GOVERNANCE)
    nfts = machine.deploy("NftBridge", *parts, GOVERNANCE)
    verdicts = machine.deploy(
        *("VerdictRegistry", registry.address, GOVERNANCE, MAXIMUM_VALIDITY_S),
        int(MatchKind.MATCH),
    )
    verifiers = {}
    for algorithm, name in VERIFIERS.items():
        kernels = [
            machine.deploy_artifact(load(kernel)).address for kernel in KERNELS.get(algorithm, ())
        ]
        verifiers[algorithm] = machine.deploy(name, *kernels)
    side = Side(
        machine, domain, registry, outbox, inbox, receipts, tokens, nfts, verdicts, verifiers
    )
    side.register(signer_set.signers)
    registry.send("initialise", side.struct(signer_set))
    return side
