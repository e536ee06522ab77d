"""Hyperlane's own Mailboxes on two Anvils, over the running relayer, key service and gateway."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from eth_utils.crypto import keccak

from bridge.chain.artifact import load
from bridge.chain.development import development_accounts
from bridge.chain.hyperlane import ProofRequest, announcement
from bridge.domain.errors import TransactionReverted
from bridge.domain.messages import Message, address_to_bytes32
from tests.hyperlane import hyperlane
from tests.integration.conftest import Network, astralink, until
from tests.integration.hyperlane_lane import (
    HYPERLANE_A,
    HYPERLANE_B,
    USER,
    A,
    B,
    Gateway,
    Lane,
    fetch,
)

pytestmark = pytest.mark.parametrize("_network", ["anvil"], ids=["on anvil"], indirect=True)

BODY = b"\xa5" * 32
ATTESTED = ("attested", "delivered", "confirmed")
DELIVERED = ("delivered", "confirmed")
SCHEDULE = (1, 100_000, 16)
FEE = 100_000 + 60_000 + 64 * 16
NOBODY = "0x" + "fe" * 20
PUBLISHED = {"1/1": 97_310, "3/5": 109_766}
"""Gas of ``process`` with a message-id multisig and a 32-byte body, measured elsewhere."""


@pytest.fixture(scope="module")
def gateway(_network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    hyperlane("Mailbox")  # skips before anything is started
    log = tmp_path_factory.mktemp("gateway") / "log"
    running = Gateway.started(_network.folder, log)
    yield running
    assert running.stop() == b""
    assert running.process.returncode == 0, log.read_text()


@pytest.fixture(scope="module")
def lane(_network: Network, gateway: Gateway) -> Lane:
    return Lane.built(_network, gateway.url)


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def test_the_null_module_passes_what_the_bridge_delivered(lane: Lane) -> None:
    message = lane.dispatch("null", b"over the bridge")
    lane.announced(message, *DELIVERED)
    assert lane.call("B", load("HyperlaneNullIsm"), lane.b["null"], "attested", A, keccak(message))
    lane.process(message)
    assert lane.received("null") == b"over the bridge"
    with pytest.raises(TransactionReverted, match="Mailbox: already delivered"):
        lane.process(message)


def test_the_ccip_module_passes_what_the_gateway_proves(lane: Lane) -> None:
    """By each of the two ways that EIP-3668 knows."""
    messages = [lane.dispatch("ccip", b"by get"), lane.dispatch("ccip", b"by post")]
    for which, message in enumerate(messages):
        lane.announced(message, *ATTESTED)
        sender, urls, data = lane.lookup(message)
        assert sender == lane.b["ccip"].lower()
        assert ["{data}" in url for url in urls] == [True, False]
        answer = fetch(sender, urls[which], data)
        assert answer.status_code == 200, answer.text
        metadata = bytes.fromhex(answer.json()["data"][2:])
        for changed in (metadata[:-1], metadata + b"\0", flipped(metadata, 200)):
            with pytest.raises(TransactionReverted):
                lane.process(message, changed)
        with pytest.raises(TransactionReverted, match="WrongHyperlaneMessage"):
            lane.process(messages[which][:-1] + b"!", metadata)
        lane.process(message, metadata)
        with pytest.raises(TransactionReverted, match="Mailbox: already delivered"):
            lane.process(message, metadata)
    assert lane.received("ccip") == b"by post"


def test_an_answer_about_a_confirmed_message_may_be_kept(lane: Lane) -> None:
    message = lane.dispatch("ccip", b"kept")
    lane.announced(message)
    sender, urls, data = lane.lookup(message)
    assert "immutable" in fetch(sender, urls[0], data).headers["Cache-Control"]


# What does not pass


def forged(lane: Lane, to: str) -> bytes:
    """A message that no Mailbox dispatched."""
    recipient = address_to_bytes32(lane.b[f"to {to}"])
    sender = address_to_bytes32(str(development_accounts()[USER].address))
    return Message(2**31, HYPERLANE_A, sender, HYPERLANE_B, recipient, b"forged").encode()


def test_what_was_not_dispatched_is_not_announced(lane: Lane) -> None:
    message = forged(lane, "null")
    with pytest.raises(TransactionReverted, match="NotDispatched"):
        lane.send("A", load("HyperlaneHook"), lane.a["hook"], "postDispatch", b"", message)
    with pytest.raises(TransactionReverted, match="NotAttested"):
        lane.process(message)


def test_and_the_gateway_has_nothing_for_it(lane: Lane) -> None:
    message = forged(lane, "ccip")
    sender, urls, data = lane.lookup(message)
    for url in urls:
        answer = fetch(sender, url, data)
        assert answer.status_code == 404
        assert keccak(message).hex() in answer.json()["message"]
        assert fetch(sender, url, data[:-1]).status_code == 400
    with pytest.raises(TransactionReverted, match="MalformedMetadata"):
        lane.process(message)


@pytest.mark.parametrize("kind", ["null", "ccip"])
def test_an_announcement_by_a_stranger_is_worth_nothing(lane: Lane, kind: str) -> None:
    """It travels, it is attested, and neither module nor gateway takes it for the hook's."""
    message = forged(lane, kind)
    body, recipient = announcement(keccak(message)), address_to_bytes32(lane.b[kind])
    lane.send("A", load("Outbox"), lane.outbox, "dispatch", B, recipient, body)
    identifier = lane.announced(message, "attested")
    refused = until(lambda: lane.network.entry(identifier).error, "the module refuses it")
    assert refused is not None
    assert refused.startswith("NotPeer(1, 0x")
    if kind == "null":
        with pytest.raises(TransactionReverted, match="NotAttested"):
            lane.process(message)
        return
    sender, urls, data = lane.lookup(message)
    assert fetch(sender, urls[0], data).status_code == 404
    # Whoever asks the gateway for the stranger's own gets a proof, which the module refuses.
    stranger = address_to_bytes32(str(development_accounts()[USER].address))
    asked = ProofRequest(A, stranger, B, keccak(message)).encode()
    answer = fetch(sender, urls[0], asked)
    assert answer.status_code == 200
    with pytest.raises(TransactionReverted, match="NotPeer"):
        lane.process(message, bytes.fromhex(answer.json()["data"][2:]))


# Fees


def test_too_little_is_refused_and_the_excess_comes_back(lane: Lane) -> None:
    mailbox, recipient = hyperlane("Mailbox"), address_to_bytes32(lane.b["to null"])
    refund = (1).to_bytes(2) + bytes(64) + bytes.fromhex(NOBODY[2:])
    with lane.charging(SCHEDULE):
        quoted = lane.call(
            "A", mailbox, lane.a["mailbox"], "quoteDispatch", HYPERLANE_B, recipient, BODY
        )
        assert quoted == FEE
        with pytest.raises(TransactionReverted, match="FeeTooLow"):
            lane.dispatch("null", BODY, value=FEE - 1)
        before = lane.balance("A", NOBODY)
        message = lane.dispatch("null", BODY, refund, value=FEE + 12_345)
        assert lane.balance("A", NOBODY) == before + 12_345
        assert lane.balance("A", lane.a["hook"]) == 0
    lane.announced(message, *DELIVERED)
    lane.process(message)


# Gas


def test_what_a_delivery_costs_beside_hyperlanes_own(lane: Lane) -> None:
    """Whole transactions of ``Mailbox.process``, with a recipient that stores one word."""
    gas: dict[str, int] = {}
    for kind in ("null", "ccip", "noop", "1/1", "3/5"):
        lane.small_recipient(kind)
        message = lane.dispatch(kind, BODY)
        identifier = lane.announced(message, *DELIVERED)
        metadata = b""
        if kind == "ccip":
            sender, urls, data = lane.lookup(message)
            metadata = bytes.fromhex(fetch(sender, urls[0], data).json()["data"][2:])
            levels = (len(metadata) - 64 - 64 - 160) // 32 - 1
        elif "/" in kind:
            # As many signatures as the threshold asks, of the first keys in order.
            metadata = lane.multisig_metadata(message, 0, 1 if kind == "1/1" else 5)
            metadata = metadata[: 68 + 65 * int(kind[0])]
        gas[kind] = lane.process(message, metadata).gas_used
        if kind == "null":
            steps = lane.network.cli("message", identifier, "--json").json["stages"]
            gas["announcement"] = next(s["gas"] for s in steps if s["stage"] == "delivered")
    print("\nMailbox.process, 32-byte body, whole transaction, recipient stores a word:")
    for kind, name in (
        ("noop", "no check at all (Hyperlane's NoopIsm)"),
        ("null", "HyperlaneNullIsm"),
        ("ccip", f"HyperlaneCcipReadIsm, proof of {levels} levels"),
        ("1/1", "Hyperlane's message-id multisig 1/1"),
        ("3/5", "Hyperlane's message-id multisig 3/5"),
    ):
        known = f", measured before: {PUBLISHED[kind]:,}" if kind in PUBLISHED else ""
        print(f"  {gas[kind]:>9,}  {name}{known}")
    print(f"  {gas['announcement']:>9,}  the announcement's own delivery to HyperlaneNullIsm")
    assert gas["noop"] < gas["null"] < gas["1/1"]
    assert gas["noop"] < gas["ccip"] < gas["3/5"] + 40_000
    for kind, figure in PUBLISHED.items():
        assert abs(gas[kind] - figure) < figure // 20


# The gateway as a process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_gateway_stops_cleanly(
    network: Network, tmp_path: Path, number: signal.Signals
) -> None:
    running = Gateway.started(network.folder, tmp_path / "log")
    assert httpx.get(running.url + "/ccip", trust_env=False).status_code == 405
    assert running.stop(number) == b""
    log = (tmp_path / "log").read_text()
    assert running.process.returncode == 0, log
    assert "ccip_stopped" in log
    assert "Traceback" not in log


def test_a_gateway_that_cannot_start_says_why(gateway: Gateway, network: Network) -> None:
    port = int(gateway.url.rsplit(":", 1)[1])
    ended = network.cli("ccip", "--port", port)
    assert ended.code == 2
    assert f"CCIP-Read gateway: port {port} on 127.0.0.1 is in use" in ended.err
    assert network.cli("ccip", "--host", "no.such.host.invalid", "--port", 0).code == 2


def test_a_gateway_without_a_journal_says_so(network: Network, tmp_path: Path) -> None:
    (tmp_path / "astralink.toml").write_text((network.folder / "astralink.toml").read_text())
    ended = astralink("ccip", "--state", tmp_path)
    assert ended.code == 2
    assert "journal.sqlite" in ended.err
    assert "expected the relayer's journal, got none" in ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["astralink.toml"]
