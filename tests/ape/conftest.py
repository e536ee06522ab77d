"""The whole bridge on ape's chain: domains 1 and 2, three signers, quorum two, real signatures."""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache

import pytest
from ape import compilers, reverts
from ape.api import AccountAPI, ReceiptAPI
from ape.contracts import ContractInstance
from ape.exceptions import ContractLogicError, CustomError
from ape.managers.project import ProjectManager

from bridge.chain.statements import checkpoint_tuple
from bridge.crypto.digests import checkpoint_digest, message_id
from bridge.crypto.keys import SigningKeyPair
from bridge.crypto.merkle import IncrementalTree
from bridge.crypto.providers import select
from bridge.domain.checkpoints import Checkpoint
from bridge.domain.contexts import CHECKPOINT_CONTEXT
from bridge.domain.keys import Algorithm
from bridge.domain.messages import Message, address_to_bytes32

SLH = Algorithm.SLH_DSA_SHA2_128S
A, B = 1, 2
THRESHOLD = 2
HOUR_S = 3_600


@cache
def key_pair(number: int) -> SigningKeyPair:
    """A key pair from a seed that is ``number`` in each byte."""
    return select("default").signatures.key_pair(SLH, bytes([number]) * 48)


@cache
def sign(number: int, message: bytes, ctx: bytes) -> bytes:
    """A signature of that key; the same one for the same arguments."""
    return select("default").signatures.sign(SLH, key_pair(number).secret, message, ctx)


@contextmanager
def refuses(error: type[CustomError], **arguments: object) -> Iterator[None]:
    """``ape.reverts`` for this error of a contract with exactly these arguments.

    Alone, ``ape.reverts`` is content with a revert that it cannot decode, with another error when
    it is given a contract's type, and with arguments that the error does not have.
    """
    with reverts(error) as caught:
        yield
    raised = caught.value
    if raised.revert_message.startswith('b"'):
        # ape's py-evm provider takes revert data from its repr and misses what has an apostrophe.
        data = "0x" + literal_eval(raised.revert_message).hex()
        undecoded = ContractLogicError(data, contract_address=error.contract.address)
        raised = compilers.enrich_error(undecoded)
    assert isinstance(raised, CustomError), raised
    assert type(raised).__name__ == error.__name__
    assert raised.inputs == arguments


@dataclass(frozen=True)
class Side:
    """The contracts of one domain."""

    domain: int
    registry: ContractInstance
    outbox: ContractInstance
    inbox: ContractInstance
    postcard: ContractInstance


@dataclass(frozen=True)
class Bridge:
    """Both domains stand on one chain with the id ``chain_id``."""

    chain_id: int
    verifier: ContractInstance
    sides: dict[int, Side]
    keys: tuple[int, ...] = (1, 2, 3)


@dataclass
class Route:
    """The messages from one domain to the other, as a relayer keeps them."""

    bridge: Bridge
    origin: Side
    destination: Side
    messages: list[Message] = field(default_factory=list)
    tree: IncrementalTree = field(default_factory=IncrementalTree)
    attestation: ReceiptAPI | None = None

    def collect(self, receipt: ReceiptAPI) -> Message:
        """The message that the origin's Outbox took in a transaction, put into the tree."""
        (log,) = receipt.decode_logs(self.origin.outbox.Dispatch)
        return self.keep(Message.decode(bytes(log.message)))

    def keep(self, message: Message) -> Message:
        """The message, put into the tree."""
        self.messages.append(message)
        self.tree.append(message_id(message))
        return message

    def send(self, text: str, sender: AccountAPI) -> Message:
        """A postcard to the peer."""
        postcard = self.origin.postcard
        return self.collect(postcard.send(self.destination.domain, bytes(32), text, sender=sender))

    def checkpoint(self, **changes: int) -> Checkpoint:
        """What the signers sign about the tree as it is."""
        made = Checkpoint(
            origin_domain=self.origin.domain,
            origin_chain_id=self.bridge.chain_id,
            outbox=bytes.fromhex(self.origin.outbox.address[2:]),
            root=self.tree.root(),
            size=len(self.tree),
            destination_domain=self.destination.domain,
            destination_chain_id=self.bridge.chain_id,
            inbox=bytes.fromhex(self.destination.inbox.address[2:]),
            epoch=1,
        )
        return replace(made, **changes)

    def attest(
        self,
        sender: AccountAPI,
        signers: tuple[int, ...] = (0, 2),
        checkpoint: Checkpoint | None = None,
        ctx: bytes = CHECKPOINT_CONTEXT,
    ) -> ReceiptAPI:
        """One transaction with the signatures of ``signers``."""
        checkpoint = checkpoint or self.checkpoint()
        digest = checkpoint_digest(checkpoint)
        signatures = [sign(self.bridge.keys[index], digest, ctx) for index in signers]
        return self.destination.inbox.attest(
            checkpoint_tuple(checkpoint), list(signers), signatures, sender=sender
        )

    def process(self, index: int, sender: AccountAPI) -> ReceiptAPI:
        """The delivery of message ``index`` under the root of the tree as it is."""
        metadata = self.tree.root() + b"".join(self.tree.proof(index))
        return self.destination.inbox.process(
            metadata, self.messages[index].encode(), sender=sender
        )


@pytest.fixture(scope="session")
def owner(accounts) -> AccountAPI:
    return accounts[0]


@pytest.fixture(scope="session")
def stranger(accounts) -> AccountAPI:
    return accounts[1]


@pytest.fixture(scope="session")
def governance(owner: AccountAPI, accounts) -> tuple[AccountAPI, AccountAPI, int]:
    """Owner, guardian and delay, as the contracts take them."""
    return owner, accounts[2], HOUR_S


def signer_set(verifier: ContractInstance, numbers: tuple[int, ...], threshold: int) -> tuple:
    """Signers of weight 1 with the keys of these numbers, as a registry takes them."""
    members = [(1, [(verifier.address, key_pair(number).public_key)]) for number in numbers]
    return members, threshold, 0, 0


@pytest.fixture(scope="session")
def bridge(project: ProjectManager, owner: AccountAPI, governance, chain) -> Bridge:
    verifier = project.SlhDsaSha2128sVerifier.deploy(sender=owner)
    members = signer_set(verifier, (1, 2, 3), THRESHOLD)
    sides = {}
    for domain in (A, B):
        registry = project.SignerRegistry.deploy(governance, HOUR_S, 24 * HOUR_S, sender=owner)
        registry.initialise(members, sender=owner)
        outbox = project.Outbox.deploy(domain, governance, sender=owner)
        inbox = project.Inbox.deploy(domain, registry, governance, sender=owner)
        postcard = project.Postcard.deploy(outbox, inbox, owner, sender=owner)
        sides[domain] = Side(domain, registry, outbox, inbox, postcard)
    for own, other in ((sides[A], sides[B]), (sides[B], sides[A])):
        own.outbox.enrolDestination(other.domain, sender=owner)
        own.inbox.enrolOrigin(other.domain, chain.chain_id, other.outbox, sender=owner)
        peer = address_to_bytes32(other.postcard.address)
        own.postcard.enrolPeer(other.domain, peer, sender=owner)
    return Bridge(chain.chain_id, verifier, sides)


@pytest.fixture(scope="session")
def attested(bridge: Bridge, owner: AccountAPI, stranger: AccountAPI) -> Route:
    """From A to B, with two messages under one attested root. Tests deliver and send no more."""
    route = Route(bridge, bridge.sides[A], bridge.sides[B])
    for text in ("hello", "again"):
        route.send(text, owner)
    route.attestation = route.attest(stranger)
    return route


@pytest.fixture
def there(attested: Route) -> Route:
    """From A to B, after the two messages of ``attested``, for tests that send and attest more."""
    route = Route(attested.bridge, attested.origin, attested.destination)
    for message in attested.messages:
        route.keep(message)
    return route


@pytest.fixture
def back(bridge: Bridge) -> Route:
    """From B to A."""
    return Route(bridge, bridge.sides[B], bridge.sides[A])
