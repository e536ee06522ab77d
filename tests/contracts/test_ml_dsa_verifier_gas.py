"""What a verification costs a contract that asks for it, with every account and slot cold."""

from __future__ import annotations

import pyrevm
import pytest
from eth_utils import keccak

from bridge.crypto.providers import select
from bridge.testing.machine import GAS, OWNER, Machine
from tests.contracts.ml_dsa import FORMS, ML_DSA, OnChain, as_held, deploy, key_id, key_pair, sign

CTX = b"astralink/checkpoint/v1"
MEAN_LIMITS = {"registered": 1_000_000, "committed": 1_056_000, "raw": 6_530_000}
LIMITS = {"registered": 1_008_000, "committed": 1_066_000, "raw": 6_600_000}
"""What a call costs varies from signature to signature; the mean hardly does."""
RUNS = {"registered": 60, "committed": 10, "raw": 10}
COLD_ACCOUNT, COLD_SLOT = 2_500, 2_000
"""EIP-2929: what a first access costs more than another."""
ACCOUNTS = {"registered": 6, "committed": 2, "raw": 3}
"""The verifier and the kernel; the four contracts of a registered key; the expander."""
SLOTS = {"registered": (0,), "committed": (2,), "raw": ()}
"""Where ``heads`` and ``commitments`` are."""

# Forwards what follows the first word of calldata by STATICCALL to the address in that word, and
# returns the first word of the answer, the gas that the call took, and whether it succeeded.
RUNTIME = bytes.fromhex(
    "602036038060205f37"  # n = CALLDATASIZE - 32; CALLDATACOPY(0, 32, n)
    "5a"  # the gas before; the memory is paid for
    "60205f835f5f355afa"  # STATICCALL(GAS, CALLDATALOAD(0), 0, n, 0, 32)
    "5a"  # the gas after
    "90604052"  # MSTORE(64, success)
    "9003602052"  # MSTORE(32, before - after)
    "60605ff3"  # RETURN(0, 96)
)
# PUSH1 length, DUP1, PUSH1 9, PUSH0, CODECOPY, PUSH0, RETURN
CALLER = bytes([0x60, len(RUNTIME), 0x80, 0x60, 0x09, 0x5F, 0x39, 0x5F, 0xF3]) + RUNTIME


def cold(chain: OnChain, caller: str, form: str, public_key: bytes) -> Machine:
    """A machine with the same contracts on which nothing was called yet.

    On one machine, what a call touched stays warm for the next.
    """
    evm, made = chain.machine.evm, Machine()
    contracts = [caller, chain.verifier.address, chain.kernel.address, chain.expander.address]
    if form == "registered":
        head = chain.verifier.call("heads", key_id(public_key))
        tail = bytes(evm.get_code(head))[1 + 16_384 + 64 :][:96]
        contracts += [head, *("0x" + tail[at + 12 : at + 32].hex() for at in (0, 32, 64))]
    for address in contracts:
        info = pyrevm.AccountInfo(code=bytes(evm.get_code(address)), nonce=1)
        made.evm.insert_account_info(address, info)
    # Writing the slot warms the account, which going back undoes; the slot stays written.
    before = made.evm.snapshot()
    for mapping in SLOTS[form]:
        slot = int.from_bytes(keccak(key_id(public_key) + mapping.to_bytes(32)))
        value = evm.storage(chain.verifier.address, slot)
        assert value
        made.evm.insert_account_storage(chain.verifier.address, slot, value)
    made.evm.revert(before)
    return made


def from_a_contract(machine: Machine, caller: str, to: str, data: bytes) -> tuple[bool, int]:
    """The verdict, and the gas between before and after STATICCALL."""
    target = bytes.fromhex(to[2:]).rjust(32, b"\0")
    output = machine.raw_call(caller, target + data, OWNER, static=True, gas=GAS)
    answer, gas, success = (int.from_bytes(output[at : at + 32]) for at in (0, 32, 64))
    assert success == 1
    assert answer in (0, 1)
    return answer == 1, gas


@pytest.fixture(scope="module")
def chain() -> OnChain:
    return deploy()


@pytest.fixture(scope="module")
def caller(chain: OnChain) -> str:
    return chain.machine.deploy_code(CALLER)


@pytest.mark.parametrize("form", FORMS)
def test_all_that_a_call_touches_is_cold(chain: OnChain, caller: str, form: str) -> None:
    """The second call on a machine costs less, by the accounts and slots that are now warm."""
    public_key = key_pair(1).public_key
    key, signature = as_held(chain.key(form, public_key), sign(1, b"message", CTX))
    call = ("verifyWithContext", key, b"message", CTX, signature)
    data = chain.verifier.artifact.call_data(*call)
    machine = cold(chain, caller, form, public_key)
    first, second = (
        from_a_contract(machine, caller, chain.verifier.address, data)[1] for _ in range(2)
    )
    cold_accesses = ACCOUNTS[form] * COLD_ACCOUNT + len(SLOTS[form]) * COLD_SLOT
    assert first - second == cold_accesses


@pytest.mark.parametrize("form", FORMS)
def test_gas_of_a_verification(chain: OnChain, caller: str, form: str) -> None:
    provider, spent = select("default").signatures, []
    for number in range(RUNS[form]):
        pair, message = key_pair(1 + number % 5), bytes([number]) * 32
        key = chain.key(form, pair.public_key)
        signature = provider.sign(ML_DSA, pair.secret, message, CTX)
        key, signature = as_held(key, signature)
        for ctx in (CTX, CTX + b"x"):
            call = ("verifyWithContext", key, message, ctx, signature)
            data = chain.verifier.artifact.call_data(*call)
            machine = cold(chain, caller, form, pair.public_key)
            valid, gas = from_a_contract(machine, caller, chain.verifier.address, data)
            assert valid is (ctx == CTX)
            spent.append(gas)
    print(
        f"ML-DSA-87 {form}: {min(spent):,} to {max(spent):,} gas, "
        f"mean {sum(spent) / len(spent):,.0f}, in {len(spent)} cold calls from a contract"
    )
    assert sum(spent) / len(spent) <= MEAN_LIMITS[form]
    assert max(spent) <= LIMITS[form]
