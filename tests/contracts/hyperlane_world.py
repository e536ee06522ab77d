"""A Mailbox of Hyperlane on each chain of a world, with the adapters between them.

Hyperlane knows the chains as 1001 and 1002; the bridge as 1 and 2.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from eth_abi.abi import encode

from bridge.chain.abi import encode_call
from bridge.testing import STRANGER, Deployed, Reverted, Sent, Side, World, padded
from bridge.testing.machine import OWNER
from tests.contracts.conftest import A, B
from tests.hyperlane import hyperlane

HYPERLANE_A, HYPERLANE_B = 1001, 1002
URLS = ["http://127.0.0.1:1/ccip/{sender}/{data}.json"]


@dataclass
class Hyperlane:
    """A's side has the hook as default hook; each recipient on B has the module of its name."""

    world: World
    mailbox_a: Deployed
    mailbox_b: Deployed
    tree_hook: Deployed
    hook: Deployed
    null_ism: Deployed
    ccip_ism: Deployed
    recipients: dict[str, Deployed]
    messages: list[bytes] = field(default_factory=list)

    @classmethod
    def built(cls, world: World) -> Hyperlane:
        mailbox_a, mailbox_b = _mailbox(world.a, HYPERLANE_A), _mailbox(world.b, HYPERLANE_B)
        a, b = world.a.machine, world.b.machine
        tree_hook = a.deploy_artifact(hyperlane("MerkleTreeHook"), mailbox_a.address)
        bridge_a = (world.a.outbox.address, world.a.inbox.address)
        bridge_b = (world.b.outbox.address, world.b.inbox.address)
        hook = a.deploy("HyperlaneHook", *bridge_a, mailbox_a.address, OWNER)
        null_ism = b.deploy("HyperlaneNullIsm", *bridge_b, OWNER)
        ccip_ism = b.deploy("HyperlaneCcipReadIsm", *bridge_b, OWNER)
        hook.send("enrolDomain", HYPERLANE_B, B, padded(null_ism.address))
        for ism in (null_ism, ccip_ism):
            ism.send("enrolDomain", HYPERLANE_A, A, padded(hook.address))
        ccip_ism.send("setUrls", URLS)
        noop = b.deploy_artifact(hyperlane("NoopIsm"))
        silent = a.deploy_artifact(hyperlane("NoopIsm"))
        mailbox_a.send("initialize", OWNER, silent.address, hook.address, tree_hook.address)
        mailbox_b.send("initialize", OWNER, noop.address, noop.address, noop.address)
        recipients = {}
        for name, ism in (("null", null_ism), ("ccip", ccip_ism), ("noop", noop)):
            recipients[name] = b.deploy_artifact(hyperlane("TestRecipient"))
            recipients[name].send("setInterchainSecurityModule", ism.address)
        return cls(world, mailbox_a, mailbox_b, tree_hook, hook, null_ism, ccip_ism, recipients)

    def dispatch(self, to: str, body: bytes = b"\5" * 32, value: int = 0) -> bytes:
        """A message of a stranger to the recipient ``to`` on B, through the Mailbox of A."""
        recipient = padded(self.recipients[to].address)
        sent = self.mailbox_a.send(
            "dispatch", HYPERLANE_B, recipient, body, sender=STRANGER, value=value
        )
        message: bytes = sent.events(self.mailbox_a)[0].arguments["message"]
        self.messages.append(message)
        self.world.a.sync()
        return message

    def attest(self) -> None:
        """All that A's Outbox dispatched, signed for B."""
        self.world.attest(self.world.a, self.world.b)

    def deliver(self, index: int) -> Sent:
        """The bridge's message ``index`` delivered on B."""
        return self.world.process(self.world.a, self.world.b, index)

    def metadata(self, index: int) -> bytes:
        """What the CCIP_READ module takes for the bridge's message ``index``."""
        proof = self.world.metadata(self.world.a, index)
        return encode(["bytes", "bytes"], [proof, self.world.a.messages[index]])

    def process(self, message: bytes, metadata: bytes = b"") -> Sent:
        """The Mailbox of B delivers."""
        return self.mailbox_b.send("process", metadata, message, sender=STRANGER)

    def received(self, to: str) -> tuple[bytes, bytes]:
        """The last sender and body that a recipient was given."""
        recipient = self.recipients[to]
        return recipient.call("lastSender"), recipient.call("lastData")


def says(error: Reverted, text: str) -> bool:
    """Whether a call reverted with ``text``, as Hyperlane's contracts do."""
    return error.data == encode_call("Error(string)", text)


def _mailbox(side: Side, domain: int) -> Deployed:
    return side.machine.deploy_artifact(hyperlane("Mailbox"), domain)
