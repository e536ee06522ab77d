"""Hyperlane's Mailboxes on the two chains of a network, secured by its relayer's attestations."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from eth_account import Account as EthAccount
from eth_account.messages import encode_defunct
from eth_utils.crypto import keccak

from bridge.apps.devnet.layout import DEPLOYER
from bridge.chain.abi import decode
from bridge.chain.artifact import Artifact, load
from bridge.chain.contracts import Contract
from bridge.chain.development import development_accounts
from bridge.chain.records import Receipt
from bridge.chain.transactions import Account, deploy
from bridge.domain.errors import TransactionReverted
from bridge.domain.messages import address_to_bytes32
from bridge.relayer.route import Side
from tests.hyperlane import hyperlane
from tests.integration.conftest import ROOT, Network, environment, until

A, B = 1, 2
HYPERLANE_A, HYPERLANE_B = 1001, 1002
USER = 5
"""The development account that owns and pays here; the network uses others."""
CCIP_DEADLINE_S = 20
LOOKUP = ["address", "string[]", "bytes", "bytes4", "bytes"]


def account(number: int = USER) -> Account:
    return Account.from_key(bytes(development_accounts()[number].key))


@dataclass
class Lane:
    """Addresses by name; ``artifacts`` has those of Hyperlane's contracts and of the adapters."""

    network: Network
    a: dict[str, str]
    b: dict[str, str]

    @classmethod
    def built(cls, network: Network, url: str) -> Lane:
        """With the hook as default hook on A, and a recipient on B for each module."""

        async def build(sides: dict[str, Side]) -> Lane:
            user, a, b = account(), sides["A"], sides["B"]

            async def create(side: Side, artifact: Artifact, *arguments: Any) -> str:
                return await deploy(side.client, user, artifact.deployment(*arguments))

            def at(side: Side, artifact: Artifact, address: str) -> Contract:
                return Contract(side.client, artifact, address)

            on_a, on_b = {}, {}
            on_a["mailbox"] = await create(a, hyperlane("Mailbox"), HYPERLANE_A)
            on_b["mailbox"] = await create(b, hyperlane("Mailbox"), HYPERLANE_B)
            on_a["tree"] = await create(a, hyperlane("MerkleTreeHook"), on_a["mailbox"])
            on_a["hook"] = await create(
                a,
                load("HyperlaneHook"),
                *(a.record.outbox, a.record.inbox, on_a["mailbox"], user.address),
            )
            bridge_b = (b.record.outbox, b.record.inbox, user.address)
            on_b["null"] = await create(b, load("HyperlaneNullIsm"), *bridge_b)
            on_b["ccip"] = await create(b, load("HyperlaneCcipReadIsm"), *bridge_b)
            on_b["noop"] = await create(b, hyperlane("NoopIsm"))
            on_b["factory"] = await create(b, hyperlane("StaticMessageIdMultisigIsmFactory"))
            hook = at(a, load("HyperlaneHook"), on_a["hook"])
            null = address_to_bytes32(on_b["null"])
            await hook.send(user, "enrolDomain", HYPERLANE_B, B, null)
            for kind, name in (("null", "HyperlaneNullIsm"), ("ccip", "HyperlaneCcipReadIsm")):
                ism = at(b, load(name), on_b[kind])
                peer = address_to_bytes32(on_a["hook"])
                await ism.send(user, "enrolDomain", HYPERLANE_A, A, peer)
            ccip = at(b, load("HyperlaneCcipReadIsm"), on_b["ccip"])
            urls = [url + "/ccip/{sender}/{data}.json", url + "/ccip"]
            await ccip.send(user, "setUrls", urls)
            for side, own, hooks in (
                (a, on_a, (on_a["hook"], on_a["tree"])),
                (b, on_b, (on_b["noop"], on_b["noop"])),
            ):
                mailbox = at(side, hyperlane("Mailbox"), own["mailbox"])
                ism = on_b["noop"] if side is b else on_a["tree"]
                await mailbox.send(user, "initialize", user.address, ism, *hooks)
            for count, threshold in ((1, 1), (5, 3)):
                factory = at(b, hyperlane("StaticMessageIdMultisigIsmFactory"), on_b["factory"])
                arguments = ([one.address for one in validators(count)], threshold)
                await factory.send(user, "deploy", *arguments)
                on_b[f"{threshold}/{count}"] = await factory.call("getAddress", *arguments)
            for kind in ("null", "ccip", "noop", "1/1", "3/5"):
                address = await create(b, hyperlane("TestRecipient"))
                recipient = at(b, hyperlane("TestRecipient"), address)
                await recipient.send(user, "setInterchainSecurityModule", on_b[kind])
                on_b[f"to {kind}"] = address
            return cls(network, on_a, on_b)

        return network.on_chain(build)

    # The chains

    def send(
        self,
        chain: str,
        artifact: Artifact,
        address: str,
        function: str,
        *arguments: Any,
        value: int = 0,
        sender: int = USER,
    ) -> Receipt:
        async def work(sides: dict[str, Side]) -> Receipt:
            contract = Contract(sides[chain].client, artifact, address)
            return await contract.send(account(sender), function, *arguments, value=value)

        return self.network.on_chain(work)

    def call(
        self, chain: str, artifact: Artifact, address: str, function: str, *arguments: Any
    ) -> Any:
        async def work(sides: dict[str, Side]) -> Any:
            return await Contract(sides[chain].client, artifact, address).call(function, *arguments)

        return self.network.on_chain(work)

    def balance(self, chain: str, address: str) -> int:
        async def work(sides: dict[str, Side]) -> int:
            return await sides[chain].client.balance(address)

        return self.network.on_chain(work)

    @contextmanager
    def charging(self, schedule: tuple[int, int, int]) -> Iterator[None]:
        """Fees to B inside, and none again behind."""
        arguments = ("A", load("Outbox"), self.outbox, "setFeeSchedule", B)
        self.send(*arguments, schedule, sender=DEPLOYER)
        try:
            yield
        finally:
            self.send(*arguments, (0, 0, 0), sender=DEPLOYER)

    @property
    def outbox(self) -> str:
        """The Outbox of A."""

        async def work(sides: dict[str, Side]) -> str:
            return sides["A"].record.outbox

        return self.network.on_chain(work)

    def small_recipient(self, kind: str) -> None:
        """Put a recipient with that module in place that stores one word of what it is given.

        With call data of four bytes it returns its module, with more it sets the slot of the body's
        first word.
        """
        module = self.b[kind][2:].lower()
        runtime = bytes.fromhex(
            "3660041060225773" + module + "5f5260205ff3" + "5b600160843555" + "00"
        )
        # PUSH1 length, DUP1, PUSH1 9, PUSH0, CODECOPY, PUSH0, RETURN
        code = bytes([0x60, len(runtime), 0x80, 0x60, 0x09, 0x5F, 0x39, 0x5F, 0xF3]) + runtime

        async def work(sides: dict[str, Side]) -> str:
            return await deploy(sides["B"].client, account(), code)

        self.b[f"to {kind}"] = self.network.on_chain(work)

    # Messages

    def dispatch(self, to: str, body: bytes, metadata: bytes = b"", value: int = 0) -> bytes:
        """Hyperlane's message, which the Mailbox of A dispatched."""
        mailbox = hyperlane("Mailbox")
        recipient = address_to_bytes32(self.b[f"to {to}"])
        arguments = (HYPERLANE_B, recipient, body, metadata)
        receipt = self.send("A", mailbox, self.a["mailbox"], "dispatch", *arguments, value=value)
        for log in receipt.logs:
            event = mailbox.event(log.topics, log.data)
            if log.address.lower() == self.a["mailbox"].lower() and event is not None:
                message: bytes = event.arguments["message"]
                return message
        raise AssertionError("the Mailbox told of no dispatch")

    def announced(self, message: bytes, *stages: str) -> str:
        """The id of the bridge's message that announces ``message``, once it is at a stage."""
        tail = keccak(message)

        def seen() -> str | None:
            entries = (e for e in self.network.entries() if e.message.body[32:] == tail)
            return next(("0x" + e.id.hex() for e in entries), None)

        identifier = until(seen, "the relayer sees the announcement")
        assert identifier is not None
        self.network.reaches(identifier, *stages)
        return identifier

    def process(self, message: bytes, metadata: bytes = b"") -> Receipt:
        arguments = (self.b["mailbox"], "process", metadata, message)
        return self.send("B", hyperlane("Mailbox"), *arguments)

    def received(self, to: str) -> bytes:
        data: bytes = self.call("B", hyperlane("TestRecipient"), self.b[f"to {to}"], "lastData")
        return data

    def lookup(self, message: bytes) -> tuple[str, list[str], bytes]:
        """Sender, URLs and data that the module says to fetch with."""
        ism, address = load("HyperlaneCcipReadIsm"), self.b["ccip"]
        with pytest.raises(TransactionReverted) as caught:
            self.call("B", ism, address, "getOffchainVerifyInfo", message)
        raised = caught.value.data
        assert raised[:4].hex() == "556f1830"  # OffchainLookup, EIP-3668
        sender, urls, data, callback, extra = decode(LOOKUP, raised[4:])
        assert callback == ism.call_data("verify", b"", b"")[:4]
        assert extra == message
        return sender, list(urls), data

    def multisig_metadata(self, message: bytes, index: int, keys: int) -> bytes:
        """What Hyperlane's message-id multisig takes: the checkpoint and validators' signatures."""
        tree = address_to_bytes32(self.a["tree"])
        root = b"\x07" * 32  # this module does not look whether the message is below it
        domain = keccak(HYPERLANE_A.to_bytes(4) + tree + b"HYPERLANE")
        digest = keccak(domain + root + index.to_bytes(4) + keccak(message))
        signed = [one.sign_message(encode_defunct(digest)) for one in validators(keys)]
        return tree + root + index.to_bytes(4) + b"".join(bytes(one.signature) for one in signed)


def validators(count: int) -> list[Any]:
    """Keys of validators of Hyperlane's kind, in the order of their addresses."""
    keys = [EthAccount.from_key(keccak(b"validator %d" % number)) for number in range(count)]
    return sorted(keys, key=lambda one: int(one.address, 16))


def fetch(sender: str, url: str, data: bytes) -> httpx.Response:
    """As EIP-3668 has it: GET where the URL has a place for the data, else POST."""
    filled = url.replace("{sender}", sender.lower()).replace("{data}", "0x" + data.hex())
    if "{data}" in url:
        return httpx.get(filled, trust_env=False)
    body = {"sender": sender.lower(), "data": "0x" + data.hex()}
    return httpx.post(filled, json=body, trust_env=False)


@dataclass
class Gateway:
    """``astralink ccip`` as a process."""

    process: subprocess.Popen[bytes]
    url: str

    @classmethod
    def started(cls, folder: Path, log: Path) -> Gateway:
        command = [sys.executable, "-m", "bridge.apps.cli", "ccip", "--port", "0"]
        with log.open("wb") as errors:
            process = subprocess.Popen(
                [*command, "--state", str(folder)],
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=ROOT,
                env=environment(),
            )

        def told() -> Mapping[str, Any] | None:
            assert process.poll() is None, log.read_text()
            lines = (json.loads(line) for line in log.read_text().splitlines() if line[-1] == "}")
            return next((one for one in lines if one["event"] == "ccip_started"), None)

        started = until(told, "the gateway listens")
        assert started is not None
        return cls(process, f"http://127.0.0.1:{started['port']}")

    def stop(self, number: int = signal.SIGTERM) -> bytes:
        """Its standard output, once it has ended."""
        self.process.send_signal(number)
        output, _ = self.process.communicate(timeout=CCIP_DEADLINE_S)
        return output
