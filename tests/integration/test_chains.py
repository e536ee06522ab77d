"""Both development chains as real processes, through the client that the bridge uses."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest
from eth_account import Account as EthAccount

from bridge.chain.abi import encode_call, event_topic
from bridge.chain.anvil import AnvilSettings, anvil_command, anvil_version, find_anvil
from bridge.chain.client import ChainClient, ChainSettings
from bridge.chain.development import BALANCE_WEI, development_accounts
from bridge.chain.events import Cursor, scan
from bridge.chain.records import BlockRef
from bridge.chain.revert import RevertDecoder
from bridge.chain.transactions import TRANSACTION_GAS_CAP, Account, deploy, send
from bridge.domain.errors import (
    BlockUnknown,
    ChainRefused,
    ChainUnreachable,
    TransactionReverted,
    TransactionTimeout,
    TransactionTooHeavy,
    WrongChainId,
)

with warnings.catch_warnings():
    # web3 7 imports websockets' deprecated half, for a provider that is not used here.
    warnings.filterwarnings("ignore", "websockets.legacy is deprecated", DeprecationWarning)
    from web3 import HTTPProvider, Web3
    from web3.exceptions import ContractCustomError

CHAIN_ID = 31_337
START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 20
TOPIC = event_topic("Seen(bytes)")

OPCODES = {
    "STOP": 0x00, "SUB": 0x03, "EQ": 0x14, "BYTE": 0x1A, "CALLDATALOAD": 0x35,
    "CALLDATASIZE": 0x36, "CALLDATACOPY": 0x37, "CHAINID": 0x46, "POP": 0x50, "MLOAD": 0x51,
    "MSTORE": 0x52, "SLOAD": 0x54, "SSTORE": 0x55, "JUMP": 0x56, "JUMPI": 0x57, "GAS": 0x5A,
    "JUMPDEST": 0x5B, "DUP1": 0x80, "SWAP1": 0x90, "LOG1": 0xA1, "RETURN": 0xF3,
    "DELEGATECALL": 0xF4, "STATICCALL": 0xFA, "REVERT": 0xFD, "INVALID": 0xFE, "ADDRESS": 0x30,
}  # fmt: skip
REVERT, LOG, HALT, STORE, CHAIN, LOAD, HASH = 1, 2, 3, 4, 5, 6, 7
HASHES = 2_100
"""SHA-256 precompile calls of one SLH-DSA-SHA2-128s verification."""


def assemble(text: str) -> bytes:
    """Bytecode: mnemonics, numbers (pushed), ``name:`` for a jump's end and ``@name`` for it."""
    code, places, jumps = bytearray(), {}, []
    for word in text.split():
        if word.endswith(":"):
            places[word[:-1]] = len(code)
            code.append(OPCODES["JUMPDEST"])
        elif word.startswith("@"):
            jumps.append((len(code) + 1, word[1:]))
            code += b"\x61\0\0"
        elif word in OPCODES:
            code.append(OPCODES[word])
        else:
            raw = bytes.fromhex(word[2:]) if word.startswith("0x") else bytes([int(word)])
            code += bytes([0x5F + len(raw)]) + raw
    for position, name in jumps:
        code[position : position + 2] = places[name].to_bytes(2, "big")
    return bytes(code)


# The first byte of the call data says what to do with the rest, which is in memory from 0.
RUNTIME = assemble(
    f"""
    1 CALLDATASIZE SUB DUP1 1 0 CALLDATACOPY
    0 CALLDATALOAD 0 BYTE
    DUP1 {REVERT} EQ @revert JUMPI
    DUP1 {LOG} EQ @log JUMPI
    DUP1 {HALT} EQ @halt JUMPI
    DUP1 {STORE} EQ @store JUMPI
    DUP1 {CHAIN} EQ @chain JUMPI
    DUP1 {LOAD} EQ @load JUMPI
    DUP1 {HASH} EQ @hash JUMPI
    POP 0 RETURN
    revert: POP 0 REVERT
    log: POP 0x{TOPIC.hex()} SWAP1 0 LOG1 STOP
    halt: INVALID
    store: 0 MLOAD 0 SSTORE STOP
    chain: CHAINID 0 MSTORE 32 0 RETURN
    load: 0 SLOAD 0 MSTORE 32 0 RETURN
    hash: 0x{HASHES:04x}
    again: 32 0 32 0 2 GAS STATICCALL POP 1 SWAP1 SUB DUP1 @again JUMPI STOP
    """
)
INIT = assemble(f"0x{len(RUNTIME):04x} DUP1 13 0 CALLDATACOPY 0 RETURN").replace(b"\x37", b"\x39")
INIT = INIT.ljust(13, b"\0") + RUNTIME


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class Node:
    """One chain in a process of its own."""

    def __init__(
        self,
        kind: str,
        chain_id: int = CHAIN_ID,
        port: int | None = None,
        state: Path | None = None,
        extra: tuple[str, ...] = (),
        block_time_s: float = 0.25,
    ) -> None:
        self.kind, self.chain_id = kind, chain_id
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        if kind == "anvil":
            binary = find_anvil()
            assert binary is not None
            command = anvil_command(
                binary, AnvilSettings(self.port, chain_id, block_time_s, 2, state)
            )
        else:
            command = [sys.executable, "-m", "bridge.chain.embedded_server"]
            command += ["--port", str(self.port), "--chain-id", str(chain_id)]
            command += ["--block-time", str(block_time_s), "--finality", "2"]
            command += ["--state", str(state)] if state else []
        self.process = subprocess.Popen([*command, *extra], stderr=subprocess.PIPE, text=True)

    def settings(self, timeout_s: float = 20.0) -> ChainSettings:
        return ChainSettings(self.kind, 7, self.chain_id, self.url, timeout_s)

    def ready(self) -> Node:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.process.communicate()[1]
            try:
                if "result" in self.post({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"}):
                    return self
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError(f"{self.kind} did not answer within {START_TIMEOUT_S} s")

    def post(self, body: object) -> dict:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = httpx.post(
            self.url, content=content, headers={"content-type": "application/json"}, timeout=20
        )
        return answer.json()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.communicate(timeout=STOP_TIMEOUT_S)
        return self.process.returncode


@pytest.fixture(params=["embedded", "anvil"])
def kind(request: pytest.FixtureRequest) -> str:
    if request.param == "anvil" and find_anvil() is None:
        pytest.skip("no Anvil: set ASTRALINK_ANVIL or install @foundry-rs/anvil")
    name: str = request.param
    return name


@pytest.fixture
def start() -> Iterator[Callable[..., Node]]:
    nodes: list[Node] = []

    def run(*arguments: object, **options: object) -> Node:
        nodes.append(Node(*arguments, **options))
        return nodes[-1].ready()

    yield run
    for node in nodes:
        node.stop(signal.SIGKILL)


@pytest.fixture(scope="module")
def running() -> Iterator[Callable[[str], Node]]:
    """The chain of a kind that tests share: each uses accounts and contracts of its own."""
    nodes: dict[str, Node] = {}

    def of(kind: str) -> Node:
        if kind not in nodes:
            nodes[kind] = Node(kind).ready()
        assert nodes[kind].process.poll() is None, f"{kind} has ended"
        return nodes[kind]

    yield of
    for node in nodes.values():
        node.stop(signal.SIGKILL)


@pytest.fixture
def node(kind: str, running: Callable[[str], Node]) -> Node:
    return running(kind)


@pytest.fixture
def fresh(kind: str, start: Callable[..., Node]) -> Node:
    """A chain on which nothing was done."""
    return start(kind)


@pytest.fixture
async def client(node: Node) -> AsyncIterator[ChainClient]:
    async with ChainClient(node.settings()) as connected:
        yield connected


@pytest.fixture
def account() -> Account:
    return Account(development_accounts()[0])


async def finalize(client: ChainClient, number: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while (await client.finalized()).number < number:
        assert time.monotonic() < deadline, "finalized does not advance"


# Connecting


async def test_accounts_are_funded_as_on_every_development_chain(client: ChainClient) -> None:
    accounts = await client.request("eth_accounts")
    assert [one.lower() for one in accounts] == [
        one.address.lower() for one in development_accounts()
    ]
    assert development_accounts()[0].address == "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
    for address in accounts:
        assert await client.balance(address) == BALANCE_WEI
    assert await client.balance("0x" + "11" * 20) == 0


async def test_wrong_chain_id_is_refused(node: Node) -> None:
    client = ChainClient(ChainSettings("other", 1, CHAIN_ID + 1, node.url))
    with pytest.raises(WrongChainId, match=rf"expected chain id {CHAIN_ID + 1} at .* got 31337"):
        async with client:
            raise AssertionError("connected to another chain")


async def test_nobody_there() -> None:
    client = ChainClient(ChainSettings("none", 1, 1, f"http://127.0.0.1:{free_port()}", 3.0))
    with pytest.raises(ChainUnreachable, match="chain none: no answer from http://127") as caught:
        await client.connect()
    assert caught.value.retryable
    await client.close()


async def test_no_json_there() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        client = ChainClient(ChainSettings("files", 1, 1, f"http://127.0.0.1:{port}", 5.0))
        with pytest.raises(ChainUnreachable, match="no answer from"):
            await client.connect()
        await client.close()


async def test_a_node_that_hangs_meets_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        client = ChainClient(ChainSettings("mute", 1, 1, url, 0.5))
        began = time.monotonic()
        with pytest.raises(ChainUnreachable, match=r"no answer within 0\.5 s"):
            await client.connect()
        assert time.monotonic() - began < 5
        await client.close()


def test_port_in_use(start: Callable[..., Node]) -> None:
    first = start("embedded")
    second = Node("embedded", port=first.port)
    _, errors = second.process.communicate(timeout=START_TIMEOUT_S)
    assert second.process.returncode == 2
    assert errors.splitlines() == [
        f"chain {CHAIN_ID}: port {first.port} on 127.0.0.1 is in use by another process; "
        "stop that process or choose another port"
    ]


async def test_two_chains_at_once(kind: str, start: Callable[..., Node], account: Account) -> None:
    nodes = [start(kind, chain_id) for chain_id in (31_337, 31_338)]
    answers = []
    for node in nodes:
        async with ChainClient(node.settings()) as client:
            address = await deploy(client, account, INIT)
            answers.append(int.from_bytes(await client.call(address, bytes([CHAIN]))))
    assert answers == [31_337, 31_338]


async def test_signature_for_another_chain_is_refused(client: ChainClient) -> None:
    fields = {"to": "0x" + "22" * 20, "value": 1, "gas": 21_000, "nonce": 0}
    fees = {"maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**9, "type": 2}
    signer = development_accounts()[1]
    wrong = signer.sign_transaction({**fields, **fees, "chainId": 1})
    with pytest.raises(ChainRefused, match=r"(?i)chain.?id"):
        await client.send_raw(bytes(wrong.raw_transaction))
    right = signer.sign_transaction({**fields, **fees, "chainId": CHAIN_ID})
    assert await client.send_raw(bytes(right.raw_transaction)) == bytes(right.hash)


# JSON-RPC


def test_batch(node: Node) -> None:
    names = ["eth_chainId", "no_such_method", "net_version"]
    answers = node.post([{"jsonrpc": "2.0", "id": n, "method": name, "params": []}
                         for n, name in enumerate(names)])  # fmt: skip
    by_id = {answer["id"]: answer for answer in answers}
    assert by_id[0]["result"] == hex(CHAIN_ID)
    assert by_id[1]["error"]["code"] == -32601
    assert by_id[2]["result"] == str(CHAIN_ID)


def test_malformed_json(node: Node) -> None:
    answer = node.post(b'{"jsonrpc": "2.0", "id": 1, "method"')
    assert answer["error"]["code"] == (-32700 if node.kind == "embedded" else -32600)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ([], -32600),
        ({"id": 1}, -32600),
        ({"id": 1, "method": "eth_getBalance", "params": {"a": 1}}, -32602),
        ({"id": 1, "method": "eth_getBalance", "params": ["0x12"]}, -32602),
        ({"id": 1, "method": "eth_getBalance", "params": []}, -32602),
        ({"id": 1, "method": "eth_getBlockByNumber", "params": ["first", False]}, -32602),
        ({"id": 1, "method": "eth_getBalance", "params": ["0x" + "11" * 20, "0xffffff"]}, -32000),
        ({"id": 1, "method": "eth_sendRawTransaction", "params": ["0x02c0"]}, -32000),
    ],
)
def test_bad_requests_to_the_embedded_chain(
    running: Callable[[str], Node], body: object, code: int
) -> None:
    assert running("embedded").post(body)["error"]["code"] == code


async def test_blocks_by_tag_number_and_hash(client: ChainClient) -> None:
    await finalize(client, 1)
    raw = await client.request("eth_getBlockByNumber", "0x1", True)
    by_hash = await client.request("eth_getBlockByHash", raw["hash"], False)
    assert by_hash["number"] == "0x1"
    genesis = await client.block("earliest")
    assert (genesis.number, genesis.hash) == (0, (await client.block(1)).parent_hash)
    pending = await client.request("eth_getBlockByNumber", "pending", False)
    assert int(pending["number"], 16) >= 1
    assert await client.find_block(10**6) is None
    with pytest.raises(BlockUnknown, match="no block 1000000"):
        await client.block(10**6)


async def test_finalized_follows_latest(client: ChainClient) -> None:
    await finalize(client, 3)
    finalized, latest = await client.finalized(), await client.block("latest")
    assert 2 <= latest.number - finalized.number <= 4
    assert finalized.timestamp <= latest.timestamp <= time.time() + 1


async def test_fee_history(client: ChainClient) -> None:
    await finalize(client, 2)
    history = await client.request("eth_feeHistory", "0x2", "latest", [50.0])
    assert len(history["baseFeePerGas"]) == 3
    assert len(history["gasUsedRatio"]) == len(history["reward"]) == 2
    fees = await client.fees()
    assert fees.max_fee_wei > fees.max_priority_fee_wei > 0
    assert await client.gas_price() > 0


# Transactions


async def test_deploy_call_store_and_read(client: ChainClient, account: Account) -> None:
    nonce = await client.nonce(account.address)
    address = await deploy(client, account, INIT)
    assert await client.code(address) == RUNTIME
    assert await client.code("0x" + "11" * 20) == b""
    assert await client.call(address, b"\0hello") == b"hello"
    before = await client.block("latest")
    receipt = await send(client, account, address, bytes([STORE]) + (42).to_bytes(32))
    assert receipt.status
    assert receipt.block_number > before.number
    assert receipt.block_hash == (await client.block(receipt.block_number)).hash
    assert 21_000 < receipt.gas_used < 60_000
    assert await client.call(address, bytes([LOAD])) == (42).to_bytes(32)
    assert await client.call(address, bytes([LOAD]), before.number) == bytes(32)
    slot = await client.request("eth_getStorageAt", address, "0x0", "latest")
    assert int(slot, 16) == 42
    stored = await client.request("eth_getTransactionByHash", "0x" + receipt.transaction_hash.hex())
    assert stored["from"].lower() == account.address.lower()
    assert await client.nonce(account.address) == nonce + 2


CUSTOM = "IndexOutOfRange(uint256,uint256)"


async def test_revert_data_of_call_estimate_and_receipt(
    client: ChainClient, account: Account
) -> None:
    address = await deploy(client, account, INIT)
    error = encode_call(CUSTOM, 5, 3)
    body = bytes([REVERT]) + error
    with pytest.raises(TransactionReverted) as caught:
        await client.call(address, body)
    assert caught.value.data == error
    with pytest.raises(TransactionReverted) as caught:
        await client.estimate(address, body)
    assert caught.value.data == error
    decoder = RevertDecoder([CUSTOM])
    with pytest.raises(TransactionReverted, match=r"reverted: IndexOutOfRange\(5, 3\)$"):
        await send(client, account, address, body, decoder=decoder)
    nonce = await client.nonce(account.address)
    with pytest.raises(TransactionReverted, match=r"IndexOutOfRange\(5, 3\)$") as caught:
        await send(client, account, address, body, gas=100_000, decoder=decoder)
    assert caught.value.data == error
    assert await client.nonce(account.address) == nonce + 1, "this one was mined"


async def test_revert_without_data_and_with_a_reason(client: ChainClient, account: Account) -> None:
    address = await deploy(client, account, INIT)
    with pytest.raises(TransactionReverted, match="no revert data") as caught:
        await client.call(address, bytes([REVERT]))
    assert caught.value.data == b""
    with pytest.raises(TransactionReverted, match=r"reverted: not today$"):
        await client.call(address, bytes([REVERT]) + encode_call("Error(string)", "not today"))


async def test_a_halt_is_no_revert(client: ChainClient, account: Account) -> None:
    address = await deploy(client, account, INIT)
    with pytest.raises((ChainRefused, TransactionReverted)):
        await client.call(address, bytes([HALT]))
    with pytest.raises(TransactionReverted):
        await send(client, account, address, bytes([HALT]), gas=50_000)


async def test_estimate_is_enough_and_close(client: ChainClient, account: Account) -> None:
    address = await deploy(client, account, INIT)
    estimate = await client.estimate(address, bytes([HASH]), account.address)
    receipt = await send(client, account, address, bytes([HASH]), gas=estimate)
    assert receipt.gas_used <= estimate <= receipt.gas_used * 1.05
    assert await client.estimate("0x" + "33" * 20, b"", account.address, 1) == 21_000


async def test_gas_over_the_cap_is_refused(client: ChainClient, account: Account) -> None:
    with pytest.raises(TransactionTooHeavy, match="at most 16777216"):
        await send(client, account, "0x" + "33" * 20, b"", gas=TRANSACTION_GAS_CAP + 1)
    fees = await client.fees()
    raw, _ = account.sign(
        {
            "type": 2, "chainId": CHAIN_ID, "nonce": 0, "gas": TRANSACTION_GAS_CAP + 1,
            "to": "0x" + "33" * 20, "value": 0, "maxFeePerGas": fees.max_fee_wei,
            "maxPriorityFeePerGas": fees.max_priority_fee_wei,
        }
    )  # fmt: skip
    with pytest.raises(ChainRefused):
        await client.send_raw(raw)


async def test_a_poor_sender_is_refused(client: ChainClient) -> None:
    poor = Account(EthAccount.from_key(b"\x07" * 32))
    with pytest.raises(ChainRefused, match=r"(?i)insufficient funds"):
        await send(client, poor, "0x" + "33" * 20, b"", value=1, gas=21_000)


async def test_nonces_are_reconciled_after_another_sender(client: ChainClient) -> None:
    first, second = (Account(development_accounts()[2]) for _ in range(2))
    to = "0x" + "44" * 20
    for sender in (first, second, first, second):
        receipt = await send(client, sender, to, b"", value=1, gas=21_000)
        assert receipt.status
    assert await client.balance(to) == 4
    assert await client.nonce(first.address) == 4


async def test_no_receipt_before_the_deadline(client: ChainClient) -> None:
    account = Account(development_accounts()[3])
    account.used(client, 5)  # as if five were sent: the chain waits for them
    with pytest.raises(TransactionTimeout, match="no receipt for 0x"):
        await send(client, account, "0x" + "44" * 20, b"", gas=21_000, timeout_s=1.0)
    receipt = await send(client, account, "0x" + "44" * 20, b"", gas=21_000)
    assert receipt.status, "the nonce was read from the chain again"


async def test_a_waiting_transaction_is_mined_when_its_turn_comes(client: ChainClient) -> None:
    signer = development_accounts()[4]
    fees = await client.fees()
    hashes = []
    for nonce in (1, 0):
        signed = signer.sign_transaction(
            {
                "type": 2, "chainId": CHAIN_ID, "nonce": nonce, "gas": 21_000, "value": 1,
                "to": "0x" + "55" * 20, "maxFeePerGas": fees.max_fee_wei,
                "maxPriorityFeePerGas": fees.max_priority_fee_wei,
            }
        )  # fmt: skip
        hashes.append(await client.send_raw(bytes(signed.raw_transaction)))
        if nonce:
            assert await client.receipt(hashes[0]) is None
    deadline = time.monotonic() + 10
    while await client.receipt(hashes[0]) is None:
        assert time.monotonic() < deadline
    assert await client.balance("0x" + "55" * 20) == 2


# Events


async def test_logs_are_filtered_and_typed(client: ChainClient, account: Account) -> None:
    address = await deploy(client, account, INIT)
    receipts = [
        await send(client, account, address, bytes([LOG]) + text) for text in (b"one", b"two")
    ]
    last = receipts[-1].block_number
    logs = await client.logs(address, [TOPIC], 0, last)
    assert [log.data for log in logs] == [b"one", b"two"]
    assert logs[1].topics == (TOPIC,)
    assert logs[1].block_hash == receipts[1].block_hash
    assert logs[1].transaction_hash == receipts[1].transaction_hash
    assert receipts[1].logs == (logs[1],)
    assert await client.logs(address, [[TOPIC, bytes(32)]], 0, last) == logs
    assert await client.logs(address, [None], 0, last) == logs
    assert await client.logs(address, [bytes(32)], 0, last) == ()
    assert await client.logs("0x" + "11" * 20, [TOPIC], 0, last) == ()
    assert await client.logs(address, [TOPIC], last, last) == logs[1:]


async def test_a_range_that_is_too_wide_is_split(
    start: Callable[..., Node], account: Account
) -> None:
    node = start("embedded", extra=("--log-range", "3"))
    async with ChainClient(node.settings()) as client:
        address = await deploy(client, account, INIT)
        for text in (b"a", b"b"):
            await send(client, account, address, bytes([LOG]) + text)
        await finalize(client, 8)
        wide = {"address": address, "fromBlock": "0x0", "toBlock": "latest"}
        with pytest.raises(ChainRefused, match="block range too wide"):
            await client.request("eth_getLogs", wide)
        logs = await client.logs(address, [TOPIC], 0, (await client.block("latest")).number)
        assert [log.data for log in logs] == [b"a", b"b"]


async def test_cursor_reads_each_finalized_log_once(client: ChainClient, account: Account) -> None:
    address = await deploy(client, account, INIT)
    cursor, seen = Cursor.at(0), []
    for text in (b"1", b"2", b"3"):
        receipt = await send(client, account, address, bytes([LOG]) + text)
        fresh = await scan(client, cursor, address, [TOPIC])
        assert all(log.block_number <= fresh.cursor.next_block - 1 for log in fresh.logs)
        await finalize(client, receipt.block_number)
        for found in (fresh, await scan(client, fresh.cursor, address, [TOPIC])):
            assert found.removed_from_block is None
            seen += [log.data for log in found.logs]
            cursor = found.cursor
    assert seen == [b"1", b"2", b"3"]


async def test_a_reorg_is_seen_by_the_cursor(client: ChainClient, account: Account) -> None:
    address = await deploy(client, account, INIT)
    kept = await send(client, account, address, bytes([LOG]) + b"kept")
    await finalize(client, kept.block_number)
    first = await scan(client, Cursor.at(0), address, [TOPIC])
    assert [log.data for log in first.logs] == [b"kept"]
    lost = await send(client, account, address, bytes([LOG]) + b"lost")
    await finalize(client, lost.block_number)
    second = await scan(client, first.cursor, address, [TOPIC])
    assert [log.data for log in second.logs] == [b"lost"]

    depth = (await client.block("latest")).number - kept.block_number
    await client.request("anvil_reorg", depth, [])
    assert (await client.block(kept.block_number)).hash == kept.block_hash
    assert (await client.block(lost.block_number)).hash != lost.block_hash
    assert await client.receipt(lost.transaction_hash) is None

    account.forget(client)
    again = await send(client, account, address, bytes([LOG]) + b"again")
    await finalize(client, again.block_number)
    third = await scan(client, second.cursor, address, [TOPIC])
    assert third.removed_from_block is not None
    assert kept.block_number < third.removed_from_block <= lost.block_number
    assert [log.data for log in third.logs] == [b"again"]
    assert await client.logs(address, [TOPIC], 0, again.block_number) == first.logs + third.logs


# State and signals


def stop_signals() -> list[tuple[str, signal.Signals]]:
    return [
        ("embedded", signal.SIGTERM),
        ("embedded", signal.SIGINT),
        ("embedded", signal.SIGKILL),
        ("anvil", signal.SIGTERM),
    ]


@pytest.mark.parametrize(("name", "how"), stop_signals())
async def test_state_survives_a_restart(
    start: Callable[..., Node], tmp_path: Path, account: Account, name: str, how: signal.Signals
) -> None:
    if name == "anvil" and find_anvil() is None:
        pytest.skip("no Anvil: set ASTRALINK_ANVIL or install @foundry-rs/anvil")
    state = tmp_path / "state"
    node = start(name, state=state)
    async with ChainClient(node.settings()) as client:
        address = await deploy(client, account, INIT)
        receipt = await send(client, account, address, bytes([LOG]) + b"before")
        await send(client, account, address, bytes([STORE]) + b"\x09" * 32)
        latest = await client.block("latest")
    code = node.stop(how)
    assert code == (-signal.SIGKILL if how is signal.SIGKILL else 0)
    node = start(name, state=state)
    async with ChainClient(node.settings()) as client:
        assert (await client.block(latest.number)).hash == latest.hash
        assert (await client.block("latest")).number >= latest.number
        assert await client.call(address, bytes([LOAD])) == b"\x09" * 32
        assert await client.code(address) == RUNTIME
        assert await client.nonce(account.address) == 3
        assert await client.receipt(receipt.transaction_hash) == receipt
        assert await client.logs(address, [TOPIC], 0, latest.number) == receipt.logs
        assert (await send(client, account, address, bytes([LOG]) + b"after")).status


def test_sigterm_ends_the_process(fresh: Node) -> None:
    assert fresh.stop() == 0
    with pytest.raises(ProcessLookupError):
        os.kill(fresh.process.pid, 0)
    with pytest.raises(httpx.ConnectError):
        fresh.post({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"})


def test_state_of_another_chain_is_refused(start: Callable[..., Node], tmp_path: Path) -> None:
    state = tmp_path / "chain.db"
    assert start("embedded", state=state).stop() == 0
    other = Node("embedded", chain_id=CHAIN_ID + 1, state=state)
    _, errors = other.process.communicate(timeout=START_TIMEOUT_S)
    assert other.process.returncode == 2
    assert f"expected chain id {CHAIN_ID + 1}, it holds {CHAIN_ID}" in errors


def test_state_that_is_in_use_or_no_state_is_refused(
    start: Callable[..., Node], tmp_path: Path
) -> None:
    state, text = tmp_path / "chain.db", tmp_path / "text"
    start("embedded", state=state)
    text.write_text("this is no chain\n" * 100)
    for path, reason in ((state, "locked"), (text, "not a database")):
        other = Node("embedded", state=path)
        _, errors = other.process.communicate(timeout=START_TIMEOUT_S)
        assert other.process.returncode == 2
        assert reason in errors
        assert len(errors.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--port", "0"], "--port: expected 1 to 65535, got 0"),
        (["--port", "70000"], "--port: expected 1 to 65535, got 70000"),
        (["--chain-id", "0"], "--chain-id: expected 1"),
        (["--block-time", "-1"], "--block-time: expected 0 to 3600, got -1.0"),
        (["--finality", "x"], "invalid int value: 'x'"),
        (["--state", "/no/such/folder/chain.db"], "unable to open database file"),
    ],
)
def test_arguments_that_cannot_be_used(arguments: list[str], reason: str) -> None:
    node = Node("embedded", extra=tuple(arguments))
    _, errors = node.process.communicate(timeout=START_TIMEOUT_S)
    assert node.process.returncode == 2
    assert reason in errors


async def test_an_answer_that_cannot_be_read(node: Node) -> None:
    async with ChainClient(node.settings()) as client:
        broken = client._ask(BlockRef.from_json, "eth_blockNumber")
        with pytest.raises(ChainRefused, match=r"eth_blockNumber .* answer that cannot be read"):
            await broken


def test_plain_web3_works_on_it(node: Node) -> None:
    web3 = Web3(HTTPProvider(node.url))
    sender = development_accounts()[7]
    built = (
        web3.eth.contract(abi=[], bytecode=INIT)
        .constructor()
        .build_transaction(
            {"from": sender.address, "nonce": web3.eth.get_transaction_count(sender.address)}
        )
    )
    sent = web3.eth.send_raw_transaction(sender.sign_transaction(built).raw_transaction)
    receipt = web3.eth.wait_for_transaction_receipt(sent)
    address = receipt["contractAddress"]
    assert web3.eth.get_code(address) == RUNTIME
    assert web3.eth.get_block(receipt["blockNumber"], True)["transactions"][0]["hash"] == sent
    assert web3.eth.get_block("pending")["number"] > receipt["blockNumber"] - 1
    error = encode_call(CUSTOM, 5, 3)
    with pytest.raises(ContractCustomError) as caught:
        web3.eth.call({"to": address, "data": bytes([REVERT]) + error})
    assert caught.value.data == "0x" + error.hex()


async def test_replacement_of_a_stuck_transaction(start: Callable[..., Node]) -> None:
    """The pool takes a replacement at 1.1 times both fees and no cheaper one, as geth does."""
    node = start("embedded", block_time_s=60.0)
    signer = development_accounts()[5]
    async with ChainClient(node.settings()) as client:

        async def offer(fee_wei: int) -> bytes:
            fields = {
                "type": 2, "chainId": CHAIN_ID, "nonce": 0, "gas": 21_000, "value": 1,
                "to": "0x" + "66" * 20, "maxFeePerGas": fee_wei, "maxPriorityFeePerGas": fee_wei,
            }  # fmt: skip
            return await client.send_raw(bytes(signer.sign_transaction(fields).raw_transaction))

        stuck = await offer(1_000)
        assert await client.receipt(stuck) is None
        assert (await client.request("eth_getTransactionByHash", "0x" + stuck.hex()))[
            "blockNumber"
        ] is None
        assert await client.nonce(signer.address) == 1
        assert await client.nonce(signer.address, "latest") == 0
        with pytest.raises(ChainRefused, match="replacement transaction underpriced"):
            await offer(1_099)
        replaced = await offer(10**10)
        receipt = await client.receipt(replaced)
        assert receipt is not None
        assert await client.receipt(stuck) is None


async def test_send_transaction_from_a_known_account(client: ChainClient) -> None:
    sender = development_accounts()[6].address
    request = {"from": sender, "to": "0x" + "77" * 20, "value": "0x5"}
    await client.request("eth_sendTransaction", request)
    deadline = time.monotonic() + 10
    while await client.balance("0x" + "77" * 20) != 5:
        assert time.monotonic() < deadline
    with pytest.raises(ChainRefused):
        await client.request("eth_sendTransaction", {**request, "from": "0x" + "12" * 20})


# Anvil itself


def test_anvil_says_its_version() -> None:
    binary = find_anvil()
    if binary is None:
        pytest.skip("no Anvil: set ASTRALINK_ANVIL or install @foundry-rs/anvil")
    assert anvil_version(binary).split(".")[0].isdigit()
