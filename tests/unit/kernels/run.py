"""Running assembled code on a bare EVM."""

from __future__ import annotations

from dataclasses import dataclass

import pyrevm

from scripts.kernels.asm import Asm

ME = "0x" + "11" * 20


@dataclass(frozen=True)
class Ran:
    """What a program returned, and its gas without the transaction's base cost and calldata."""

    output: bytes
    gas: int


def run(code: bytes, calldata: bytes = b"", gas: int = 1 << 28) -> Ran:
    """Deploy ``code`` as it is and call it."""
    evm = pyrevm.EVM(gas_limit=1 << 40, spec_id="PRAGUE")
    evm.set_balance(ME, 10**24)
    address = "0x" + "22" * 20
    evm.insert_account_info(address, pyrevm.AccountInfo(code=code))
    output = evm.message_call(ME, address, calldata=calldata, gas=gas)
    intrinsic = 21_000 + sum(16 if byte else 4 for byte in calldata)
    return Ran(bytes(output), evm.result.gas_used - intrinsic)


def return_memory(asm: Asm, start: int, length: int) -> None:
    """End a program with a piece of its memory."""
    asm.push(length)
    asm.push(start)
    asm.op("RETURN")
