"""What a delivered message costs on the destination chain, by the size of its batch.

A quorum of 3 of 5 signers attests one root with ML-DSA-87; then all messages of the batch are
delivered under it. Everything is counted, from the receipts: 21,000 a transaction, calldata, the
three verifications, the proof, the recipient's storage. The tree has more than 100,000 messages
before the batch, so that a proof has 17 levels, and the batch begins in the middle of a subtree and
in a word of delivery flags that no message used before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from bridge.chain.client import ChainClient
from bridge.chain.contracts import Contract
from bridge.chain.deployment import Governors, SideRecord, deploy_bridge
from bridge.chain.development import development_accounts
from bridge.chain.records import Receipt
from bridge.chain.statements import checkpoint_tuple
from bridge.chain.transactions import TRANSACTION_GAS_CAP, Account, deploy
from bridge.crypto.digests import checkpoint_digest, message_id
from bridge.crypto.hashing import keccak256
from bridge.crypto.keys import SigningKeyPair
from bridge.crypto.merkle import IncrementalTree
from bridge.crypto.providers import select
from bridge.domain.checkpoints import Checkpoint
from bridge.domain.contexts import CHECKPOINT_CONTEXT
from bridge.domain.keys import Algorithm
from bridge.domain.messages import Message, address_to_bytes32
from bridge.domain.quorums import Signer, SignerKey, SignerSet

BATCHES = (1, 64, 256, 1024)
SIGNERS, QUORUM = 5, 3
BODY_BYTES = 32
EARLIER = 100_000
"""Messages in the tree before the first batch."""
WORD = 256
"""Delivery flags in a word of storage."""
OFFSET = 101
"""Where in its word of flags a batch begins."""
MESSAGES_A_TRANSACTION = 400
"""A range of these takes some 13 million gas, below the cap of EIP-7825."""
ORIGIN, ORIGIN_CHAIN_ID = 7, 70_007
OUTBOX = "0x" + "70" * 20
RECIPIENT = bytes.fromhex(
    "600680600a5f395ff300"  # creation code; the STOP that fills it up is never reached
    "6001608435550000"
)
"""``handle`` of the recipient: storage[first word of the body] = 1, a word that was zero before.
It checks no caller: a real one reads two more words for that, once a transaction."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Gas on the destination chain of one batch of ``messages`` of 32 bytes.

    ``attest_gas`` is the transaction with the quorum's signatures, ``deliver_gas`` the sum of
    ``transactions`` with the messages, ``gas_per_message`` all of it divided by their number,
    rounded up.
    """

    gas_per_message: int
    messages: int
    attest_gas: int
    deliver_gas: int
    transactions: int


class _Bench:
    """One chain with the bridge, a tree that grows, and the keys of its signers."""

    def __init__(
        self,
        inbox: Contract,
        domain: int,
        account: Account,
        keys: Sequence[SigningKeyPair],
        to: str,
    ) -> None:
        self._inbox = inbox
        self._domain = domain
        self._account = account
        self._keys = keys
        self._recipient = address_to_bytes32(to)
        self._tree = IncrementalTree(keccak256(b"%d" % index) for index in range(EARLIER))

    async def measure(self, count: int) -> Delivery:
        while len(self._tree) % WORD != OFFSET:
            self._tree.append(keccak256(b"%d" % len(self._tree)))
        first = len(self._tree)
        messages = [self._message(first + index) for index in range(count)]
        for message in messages:
            self._tree.append(message_id(message))
        attested = await self._attest()
        if count == 1:
            proof = b"".join(self._tree.proof(first))
            receipts = [
                await self._send("process", self._tree.root() + proof, messages[0].encode())
            ]
        else:
            receipts = [
                await self._range(first + start, messages[start : start + MESSAGES_A_TRANSACTION])
                for start in range(0, count, MESSAGES_A_TRANSACTION)
            ]
        delivered = sum(
            event.name == "ProcessId"
            for receipt in receipts
            for event in self._inbox.events(receipt.logs)
        )
        if delivered != count:
            raise AssertionError(f"expected {count} deliveries, got {delivered}")
        deliver_gas = sum(receipt.gas_used for receipt in receipts)
        return Delivery(
            gas_per_message=-(-(attested.gas_used + deliver_gas) // count),
            messages=count,
            attest_gas=attested.gas_used,
            deliver_gas=deliver_gas,
            transactions=len(receipts),
        )

    def _message(self, nonce: int) -> Message:
        return Message(
            nonce=nonce,
            origin=ORIGIN,
            sender=address_to_bytes32("0x" + "a1" * 20),
            destination=self._domain,
            recipient=self._recipient,
            body=keccak256(b"body %d" % nonce),
        )

    async def _attest(self) -> Receipt:
        checkpoint = Checkpoint(
            origin_domain=ORIGIN,
            origin_chain_id=ORIGIN_CHAIN_ID,
            outbox=bytes.fromhex(OUTBOX[2:]),
            root=self._tree.root(),
            size=len(self._tree),
            destination_domain=self._domain,
            destination_chain_id=self._inbox.client.settings.chain_id,
            inbox=bytes.fromhex(self._inbox.address[2:]),
            epoch=1,
        )
        digest = checkpoint_digest(checkpoint)
        sign = select("default").signatures.sign
        signatures = [
            sign(Algorithm.ML_DSA_87, pair.secret, digest, CHECKPOINT_CONTEXT)
            for pair in self._keys[:QUORUM]
        ]
        struct = checkpoint_tuple(checkpoint)
        return await self._send("attest", struct, list(range(QUORUM)), signatures)

    async def _range(self, first: int, messages: list[Message]) -> Receipt:
        siblings = self._tree.range_proof(first, len(messages))
        encoded = [message.encode() for message in messages]
        root = self._tree.root()
        return await self._send("processRange", ORIGIN, root, first, encoded, list(siblings))

    async def _send(self, function: str, *arguments: object) -> Receipt:
        return await self._inbox.send(self._account, function, *arguments, gas=TRANSACTION_GAS_CAP)


@dataclass(frozen=True, slots=True)
class BenchBridge:
    """One side of a bridge, with the keys of its signers, of whom ``QUORUM`` sign."""

    side: SideRecord
    pairs: tuple[SigningKeyPair, ...]


async def bench_bridge(client: ChainClient, account: Account) -> BenchBridge:
    """The bridge that is measured, deployed."""
    pairs = [
        select("default").signatures.key_pair(Algorithm.ML_DSA_87, bytes([number]) * 32)
        for number in range(1, SIGNERS + 1)
    ]
    signers = tuple(
        Signer((SignerKey(f"bench-{number}", Algorithm.ML_DSA_87, pair.public_key),))
        for number, pair in enumerate(pairs, 1)
    )
    guardian = str(development_accounts()[1].address)
    governors = Governors(account.address, guardian)
    record = await deploy_bridge(
        {"bench": client}, account, SignerSet(1, QUORUM, signers), governors
    )
    return BenchBridge(record.sides["bench"], tuple(pairs))


async def deliveries(
    client: ChainClient, account: Account, bridge: BenchBridge, announce: Callable[[str], None]
) -> dict[str, dict[str, int]]:
    """``Delivery`` for each of ``BATCHES``, by the number of messages as a string."""
    side = bridge.side
    inbox = Contract.at(client, "Inbox", side.inbox)
    await inbox.send(account, "enrolOrigin", ORIGIN, ORIGIN_CHAIN_ID, OUTBOX)
    recipient = await deploy(client, account, RECIPIENT)
    bench = _Bench(inbox, side.domain, account, bridge.pairs, recipient)
    found = {}
    for count in BATCHES:
        announce(f"delivery: {count} messages")
        found[str(count)] = asdict(await bench.measure(count))
    return found
