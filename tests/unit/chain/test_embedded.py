"""The embedded chain itself, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from eth._utils.address import generate_contract_address

from bridge.chain.development import development_accounts
from bridge.chain.embedded import BlockMissing, Call, EmbeddedChain, ExecutionFailed
from bridge.chain.embedded_pool import TransactionRefused
from bridge.chain.embedded_rules import TRANSACTION_GAS_CAP
from bridge.chain.embedded_store import SqliteStore
from bridge.domain.errors import InputError

CHAIN_ID = 4242
SENDER = bytes(20)
# GAS; 100000 < GAS ? STOP : REVERT(0, 0)
NEEDS_GAS_LEFT = bytes.fromhex("5a620186a010600c575f5ffd5b00")
# CALLDATASIZE ? CALL(self, one byte less) or REVERT(0, 0) : STOP
CALLS_ITSELF = bytes.fromhex("36600557005b5f5f600136035f5f305af16017575f5ffd5b00")
TO = "0x" + "11" * 20


@pytest.fixture
def chain() -> Iterator[EmbeddedChain]:
    built = EmbeddedChain(CHAIN_ID, 2)
    yield built
    built.close()


def transaction(nonce: int = 0, **changes: object) -> bytes:
    fields: dict[str, object] = {
        "type": 2,
        "chainId": CHAIN_ID,
        "nonce": nonce,
        "gas": 100_000,
        "to": TO,
        "value": 0,
        "maxFeePerGas": 10**10,
        "maxPriorityFeePerGas": 10**9,
    }
    return bytes(development_accounts()[0].sign_transaction(fields | changes).raw_transaction)


def put(chain: EmbeddedChain, code: bytes) -> bytes:
    """The address of a new contract with ``code``."""
    init = bytes([0x60, len(code), 0x60, 0x0B, 0x5F, 0x39, 0x60, len(code), 0x5F, 0xF3])
    sender = bytes.fromhex(development_accounts()[0].address[2:])
    nonce = chain.state(chain.head).get_nonce(sender)
    sent = chain.submit(transaction(nonce, to="", data=init.ljust(11, b"\0") + code, gas=200_000))
    chain.mine_waiting()
    found = chain.find(sent)
    assert found is not None
    assert found.receipt.state_root == b"\1"
    address = generate_contract_address(sender, nonce)
    assert chain.state(chain.head).get_code(address) == code
    return address


def test_legacy_and_access_list_transactions(chain: EmbeddedChain) -> None:
    account = development_accounts()[1]
    legacy = {"chainId": CHAIN_ID, "nonce": 0, "gas": 21_000, "to": TO, "value": 3,
              "gasPrice": 10**10}  # fmt: skip
    listed = legacy | {"type": 1, "nonce": 1, "gas": 30_000, "accessList": []}
    for fields in (legacy, listed):
        sent = chain.submit(bytes(account.sign_transaction(fields).raw_transaction))
        assert chain.mine_waiting() == 1
        assert chain.find(sent) is not None
    assert chain.state(chain.head).get_balance(bytes.fromhex("11" * 20)) == 6


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "invalid transaction"),
        (b"\x02\xc0", "invalid transaction"),
        (transaction(chainId=1), "invalid chain id for signer: have 1, want 4242"),
        (transaction(gas=20_999), "intrinsic gas too low: have 20999, want 21000"),
        (transaction(gas=25_000, data=b"\1" * 1000), "intrinsic gas too low"),
        (transaction(gas=TRANSACTION_GAS_CAP + 1), "transaction gas limit too high"),
        (transaction(value=10**24), "insufficient funds"),
        (transaction(to="", data=bytes(50_000), gas=10**6), "max initcode size exceeded"),
    ],
)
def test_refused_transactions(chain: EmbeddedChain, raw: bytes, reason: str) -> None:
    with pytest.raises(TransactionRefused, match=reason):
        chain.submit(raw)
    assert chain.mine_waiting() == 0


def test_a_nonce_that_was_used(chain: EmbeddedChain) -> None:
    chain.submit(transaction())
    with pytest.raises(TransactionRefused, match="already known"):
        chain.submit(transaction())
    assert chain.mine_waiting() == 1
    with pytest.raises(TransactionRefused, match="nonce too low: next nonce 1, tx nonce 0"):
        chain.submit(transaction())


def test_a_signature_before_eip_155_is_refused(chain: EmbeddedChain) -> None:
    fields = {"nonce": 0, "gas": 21_000, "to": TO, "value": 0, "gasPrice": 10**10}
    raw = bytes(development_accounts()[0].sign_transaction(fields).raw_transaction)
    with pytest.raises(TransactionRefused, match="invalid chain id for signer: have None"):
        chain.submit(raw)


def test_estimate_of_code_that_asks_for_gas_left(chain: EmbeddedChain) -> None:
    address = put(chain, NEEDS_GAS_LEFT)
    call = Call(SENDER, address, 0, b"", None)
    estimate = chain.estimate(call, chain.head)
    assert estimate > 121_000
    chain.call(Call(SENDER, address, 0, b"", estimate), chain.head)
    with pytest.raises(ExecutionFailed):
        chain.call(Call(SENDER, address, 0, b"", 110_000), chain.head)


def test_estimate_of_nested_calls(chain: EmbeddedChain) -> None:
    """Each level hands on 63/64 of its gas and reverts when the level below fails (EIP-150)."""
    address = put(chain, CALLS_ITSELF)
    call = Call(SENDER, address, 0, bytes(60), None)
    estimate = chain.estimate(call, chain.head)
    chain.call(Call(SENDER, address, 0, bytes(60), estimate), chain.head)
    with pytest.raises(ExecutionFailed):
        chain.call(Call(SENDER, address, 0, bytes(60), estimate * 3 // 4), chain.head)


def test_calls_leave_no_trace(chain: EmbeddedChain) -> None:
    address = put(chain, bytes.fromhex("5f545f5260015f5560205ff3"))  # return slot 0, then set it
    before = chain.head.state_root
    for _ in range(2):
        assert chain.call(Call(SENDER, address, 0, b"", None), chain.head) == bytes(32)
    chain.mine_empty()
    assert chain.head.state_root == before


def test_blocks_that_are_not_there(chain: EmbeddedChain) -> None:
    with pytest.raises(BlockMissing, match="no block 1: the newest is 0"):
        chain.header(1)
    with pytest.raises(BlockMissing, match="no block 0x00"):
        chain.header_by_hash(bytes(32))
    with pytest.raises(BlockMissing, match="expected a depth of 1 to 0, got 1"):
        chain.reorg(1)


def test_reorg_drops_transactions(chain: EmbeddedChain) -> None:
    kept = chain.submit(transaction(0))
    chain.mine_waiting()
    lost = chain.submit(transaction(1))
    chain.mine_waiting()
    old = chain.head
    chain.reorg(1)
    assert chain.head.block_number == old.block_number + 1
    assert chain.header(old.block_number).hash != old.hash
    with pytest.raises(BlockMissing, match="was reorged out"):
        chain.header_by_hash(old.hash)
    assert chain.find(kept) is not None
    assert chain.find(lost) is None
    chain.submit(transaction(1))
    assert chain.mine_waiting() == 1


def test_time_does_not_run_ahead(chain: EmbeddedChain) -> None:
    first = chain.head.timestamp
    for _ in range(20):
        chain.mine_empty()
    assert chain.head.timestamp - first <= 2


def test_a_failed_block_leaves_nothing(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "chain.db", CHAIN_ID)

    def fail_inside() -> None:
        with store.transaction():
            store[b"key"] = b"value"
            assert store.exists(b"key")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        fail_inside()
    assert not store.exists(b"key")
    with pytest.raises(KeyError):
        store[b"key"]
    store.close()


def test_a_folder_is_no_state_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="state file"):
        SqliteStore(tmp_path, CHAIN_ID)
