"""The process that runs a creation in revm: a task in JSON on stdin, the code on stdout."""

from __future__ import annotations

import json
import resource
import sys
from typing import Any

MISSING = 4
SPECIFICATION = "OSAKA"
RICH_WEI = 1 << 200
MEMORY_BYTES = 4 << 30
READER = "0x" + "a5" * 20
SIZE_OF = bytes.fromhex("5f353b5f5260205ff3")
"""EXTCODESIZE of the address in the calldata."""
COPY_OF = bytes.fromhex("5f353b805f5f5f353c5ff3")
"""EXTCODECOPY of all the code there."""


def code_at(evm: Any, address: str) -> bytes:
    """The code at an address, asked of the EVM: revm's own answer has zeros behind it."""
    if not int.from_bytes(_ask(evm, SIZE_OF, address)):
        return b""
    return _ask(evm, COPY_OF, address)


def _ask(evm: Any, code: bytes, address: str) -> bytes:
    import pyrevm

    evm.insert_account_info(READER, pyrevm.AccountInfo(code=code))
    word = bytes.fromhex(address[2:]).rjust(32, b"\0")
    return bytes(evm.message_call("0x" + "00" * 20, READER, calldata=word, gas=1 << 24))


def run(task: dict[str, Any]) -> dict[str, str]:
    """The code that the task's transaction leaves at its address, or why there is none."""
    import pyrevm

    around = task["surroundings"]
    block = pyrevm.BlockEnv(
        number=around["number"],
        coinbase=around["coinbase"],
        timestamp=around["timestamp"],
        prevrandao=bytes.fromhex(around["prevrandao"]),
        basefee=0,  # else the call would have to pay it
        gas_limit=max(around["gas_limit"], task["gas"]),
    )
    evm = pyrevm.EVM(
        env=pyrevm.Env(cfg=pyrevm.CfgEnv(chain_id=task["chain_id"]), block=block),
        fork_url=task["url"],
        fork_block=str(task["block"]),
        spec_id=SPECIFICATION,
    )
    sender, data = task["sender"], bytes.fromhex(task["data"])
    # The nonce decides where a contract goes. Earlier transactions of the block may have raised it.
    evm.insert_account_info(sender, pyrevm.AccountInfo(nonce=task["nonce"], code=b""))
    evm.set_balance(sender, RICH_WEI)
    try:
        if task["to"] is None:
            evm.deploy(sender, data, value=task["value"], gas=task["gas"])
        else:
            evm.message_call(
                sender, task["to"], calldata=data, value=task["value"], gas=task["gas"]
            )
    except RuntimeError as error:
        return {"failed": f"the transaction does not succeed when run again: {error}"}
    return {"code": code_at(evm, task["address"]).hex()}


def main() -> int:
    """The process's exit code: `MISSING` without revm."""
    resource.setrlimit(resource.RLIMIT_CPU, (60, 65))
    try:
        import pyrevm  # noqa: F401
    except ImportError:
        return MISSING
    sys.stdout.write(json.dumps(run(json.load(sys.stdin))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
