"""The ML-DSA-87 kernel as a whole, by every official vector."""

from __future__ import annotations

from functools import cache

import pyrevm
import pytest

from bridge.domain.keys import Algorithm
from scripts.kernels import mldsa87
from scripts.kernels.matrix87 import key_parts
from scripts.kernels.verify87 import part_code, program
from tests.vectors import VerifyCase, verify_cases

ME = "0x" + "11" * 20
KERNEL = "0x" + "22" * 20
CASES = verify_cases(Algorithm.ML_DSA_87)
SIZED = [
    case
    for case in CASES
    if len(case.public_key) == mldsa87.PUBLIC_KEY_BYTES
    and len(case.signature) == mldsa87.SIGNATURE_BYTES
    and len(case.ctx) <= 255
]


@cache
def code() -> bytes:
    return program()


PARTS = [f"0x{number + 1:02x}" + "33" * 19 for number in range(4)]


@cache
def contracts(public_key: bytes) -> list[bytes]:
    key = mldsa87.expand_key(public_key)
    others = b"".join(bytes.fromhex(address[2:]).rjust(32, b"\0") for address in PARTS[1:])
    first, *rest = key_parts(key)
    return [part_code(first, key.tr + others), *map(part_code, rest)]


def kernel_call(case: VerifyCase, in_calldata: bool = False) -> tuple[bool, int]:
    """The kernel's verdict, and the gas of the call without base cost and calldata."""
    evm = pyrevm.EVM(gas_limit=1 << 40, spec_id="PRAGUE")
    evm.set_balance(ME, 10**24)
    evm.insert_account_info(KERNEL, pyrevm.AccountInfo(code=code()))
    said = case.signature + bytes([0, len(case.ctx)]) + case.ctx + case.message
    if in_calldata:
        key = mldsa87.expand_key(case.public_key)
        calldata = bytes(32) + said + b"".join(key_parts(key)) + key.tr
    else:
        for address, held in zip(PARTS, contracts(case.public_key), strict=True):
            evm.insert_account_info(address, pyrevm.AccountInfo(code=held))
        calldata = bytes.fromhex(PARTS[0][2:]).rjust(32, b"\0") + said
    output = bytes(evm.message_call(ME, KERNEL, calldata=calldata, gas=1 << 24))
    assert len(output) == 32
    intrinsic = 21_000 + sum(16 if byte else 4 for byte in calldata)
    return int.from_bytes(output) == 1, evm.result.gas_used - intrinsic


@pytest.mark.parametrize("case", SIZED[::9], ids=lambda case: f"{case.source} {case.tc_id}")
def test_with_the_key_in_calldata(case: VerifyCase) -> None:
    assert kernel_call(case, in_calldata=True)[0] is case.valid


def test_the_kernel_fits_a_contract() -> None:
    print(f"kernel: {len(code()):,} bytes")
    assert len(code()) <= 24_576


@pytest.mark.parametrize("case", SIZED, ids=lambda case: f"{case.source} {case.tc_id}")
def test_every_vector_of_the_right_size(case: VerifyCase) -> None:
    assert kernel_call(case)[0] is case.valid


ONE_BLOCK = 136 - 64 - 2 - 1
"""Bytes of context and message that fit the first block with tr."""
GAS = 998_000


def test_gas_of_a_message_in_one_block() -> None:
    short = [case for case in SIZED if len(case.message) + len(case.ctx) <= ONE_BLOCK]
    spent = [gas for good, gas in map(kernel_call, short) if good]
    print(f"ML-DSA-87: {min(spent):,} to {max(spent):,} gas in {len(spent)} valid signatures")
    assert len(spent) >= 20
    assert max(spent) <= GAS
