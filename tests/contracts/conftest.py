"""Two domains on one bare EVM, with real keys and real signatures."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache

import pytest

from bridge.crypto.digests import checkpoint_digest
from bridge.crypto.keys import SigningKeyPair
from bridge.crypto.merkle import IncrementalTree
from bridge.crypto.providers import select
from bridge.domain.checkpoints import CHECKPOINT_CONTEXT, Checkpoint
from bridge.domain.keys import Algorithm
from tests.contracts.machine import CHAIN_ID, OWNER, Deployed, Machine

SLH = Algorithm.SLH_DSA_SHA2_128S
A, B = 1, 2
A_CHAIN_ID = 31001


@cache
def key_pair(number: int) -> SigningKeyPair:
    """A key pair of SLH-DSA-SHA2-128s from a seed that is ``number`` in each byte."""
    return select("default").signatures.key_pair(SLH, bytes([number]) * 48)


@cache
def sign(number: int, message: bytes, ctx: bytes) -> bytes:
    """A hedged signature of that key; the same one for the same arguments."""
    return select("default").signatures.sign(SLH, key_pair(number).secret, message, ctx)


def raw(address: str) -> bytes:
    return bytes.fromhex(address[2:])


def padded(address: str) -> bytes:
    return raw(address).rjust(32, b"\0")


@dataclass
class World:
    """An Outbox of domain A and an Inbox of domain B, three signers, quorum two."""

    machine: Machine
    outbox: Deployed
    inbox: Deployed
    registry: Deployed
    verifier: Deployed
    keys: tuple[int, ...] = (1, 2, 3)
    tree: IncrementalTree = field(default_factory=IncrementalTree)
    messages: list[bytes] = field(default_factory=list)

    def dispatch(self, recipient: bytes, body: bytes = b"hello") -> bytes:
        """A message from the Outbox, kept in ``messages`` and in the off-chain ``tree``."""
        events = self.outbox.send("dispatch", B, recipient, body).events(self.outbox)
        self.messages.append(events[0].arguments["message"])
        self.tree.append(events[1].arguments["messageId"])
        return self.messages[-1]

    def checkpoint(self, **changes: object) -> Checkpoint:
        made = Checkpoint(
            origin_domain=A,
            origin_chain_id=A_CHAIN_ID,
            outbox=raw(self.outbox.address),
            root=self.tree.root(),
            size=len(self.tree),
            destination_domain=B,
            destination_chain_id=CHAIN_ID,
            inbox=raw(self.inbox.address),
            epoch=1,
        )
        return replace(made, **changes)  # type: ignore[arg-type]

    def signature(self, index: int, checkpoint: Checkpoint, ctx: bytes | None = None) -> bytes:
        context = CHECKPOINT_CONTEXT if ctx is None else ctx
        return sign(self.keys[index], checkpoint_digest(checkpoint), context)

    def attest(self, checkpoint: Checkpoint | None = None, signers: tuple[int, ...] = (0, 2)):
        checkpoint = checkpoint or self.checkpoint()
        signatures = [self.signature(index, checkpoint) for index in signers]
        return self.inbox.send("attest", as_tuple(checkpoint), list(signers), signatures)

    def metadata(self, index: int, size: int | None = None) -> bytes:
        return self.tree.root(size) + b"".join(self.tree.proof(index, size))


def as_tuple(c: Checkpoint) -> tuple[object, ...]:
    return (
        c.origin_domain,
        c.origin_chain_id,
        "0x" + c.outbox.hex(),
        c.root,
        c.size,
        c.destination_domain,
        c.destination_chain_id,
        "0x" + c.inbox.hex(),
        c.epoch,
    )


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def world(machine: Machine) -> World:
    verifier = machine.deploy("SlhDsaSha2128sVerifier")
    registry = machine.deploy("SignerRegistry", OWNER)
    outbox = machine.deploy("Outbox", A, OWNER)
    inbox = machine.deploy("Inbox", B, registry.address, OWNER)
    made = World(machine, outbox, inbox, registry, verifier)
    signers = [(verifier.address, key_pair(number).public_key) for number in made.keys]
    registry.send("initialise", signers, 2)
    outbox.send("enrolDestination", B)
    inbox.send("enrolOrigin", A, A_CHAIN_ID, outbox.address)
    return made


# Creation codes of small recipients, written as bytes so that no test contract is compiled.
ACCEPTS = bytes.fromhex("6001600c60003960016000f300")  # runtime: STOP
REFUSES = bytes.fromhex(
    "600d600c600039600d6000f3"  # return the 13 bytes that follow
    "632a2a2a2a6000526004601cfd"  # mstore(0, 0x2a2a2a2a); revert(28, 4)
)


@pytest.fixture
def recipient(world: World) -> bytes:
    """A contract that takes whatever comes, left-padded to 32 bytes."""
    return padded(world.machine.deploy_code(ACCEPTS))
