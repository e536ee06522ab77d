"""The scan of deployed code: its bytecode, and what the chain says of the account that owns it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib import import_module

from aiohttp import ClientError

from bridge.chain.client import ChainClient, ChainSettings
from bridge.chain.jsonrpc import JsonRpc
from bridge.chain.wire import parse_quantity
from bridge.domain.errors import ChainError, ChainUnreachable, InputError
from bridge.verifier.finding import Confidence, Finding, Guard, Location, Severity
from bridge.verifier.sources.judge import ECDSA_SECP256K1
from bridge.verifier.sources.owners import Account, with_account

NAME = "chain"
TIMEOUT_S = 30.0
OWNER_CALLS = {
    "owner": bytes.fromhex("8da5cb5b"),
    "admin": bytes.fromhex("f851a440"),
    "getOwner": bytes.fromhex("893d20e8"),
}
"""Selectors of functions without arguments that name the account in charge."""
ADMIN_SLOT = 0xB53127684A568B3173AE13B9F8A6016E243E63B6E8EE1178D6A717850B5D6103
"""ERC-1967: where a proxy keeps its administrator."""

ScanBytecode = Callable[[bytes, str], Iterable[Finding]]
"""The findings in runtime code of the contract of that name."""


@dataclass(slots=True)
class AddressScan:
    """What was found at an address, and at which block."""

    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def scan_address(
    address: bytes, url: str, scan_bytecode: ScanBytecode | None = None
) -> AddressScan:
    """Findings in the code at ``address`` and of its owner, all read at one block.

    ``InputError`` where there is no code, ``ChainError`` where the chain does not answer.
    """
    return asyncio.run(_scan(address, url, scan_bytecode or _all_detectors))


def _all_detectors(code: bytes, contract: str) -> Iterable[Finding]:
    found: Iterable[Finding] = (
        import_module("bridge.verifier.evm.scan").scan_bytecode(code, contract).findings
    )
    return found


async def _scan(address: bytes, url: str, scan_bytecode: ScanBytecode) -> AddressScan:
    chain_id = await _chain_id(url)
    text = "0x" + address.hex()
    async with ChainClient(ChainSettings(NAME, chain_id, chain_id, url, TIMEOUT_S)) as chain:
        block = await chain.block("latest")
        code = await chain.code(text, block.number)
        if not code:
            raise InputError(f"{text}: expected a contract on chain {chain_id}, got no code")
        result = AddressScan(list(scan_bytecode(code, text)))
        result.notes.append(f"chain {chain_id}, block {block.number} 0x{block.hash.hex()}")
        owner = await _owner(chain, text, block.number)
        if owner is not None:
            name, account = owner
            finding = Finding(
                detector="eoa-owner",
                contract=text,
                algorithm=ECDSA_SECP256K1,
                severity=Severity.LOW,
                confidence=Confidence.HIGH,
                location=Location(offset=0),
                guards=(Guard.OWNERSHIP,),
                detail=f"it names its {name}",
            )
            result.findings += with_account([finding], account)
        # The same block again: a chain that changed in between has said nothing of use.
        if (await chain.block(block.number)).hash != block.hash:
            raise InputError(
                f"{text}: block {block.number} was replaced while it was read: scan again"
            )
    return result


async def _owner(chain: ChainClient, text: str, block: int) -> tuple[str, Account] | None:
    for name, selector in OWNER_CALLS.items():
        try:
            answer = await chain.call(text, selector, block=block)
        except ChainError:
            continue  # no such function
        if len(answer) == 32 and not any(answer[:12]) and any(answer):
            return name, await _account(chain, answer[12:], block)
    slot = await chain.request("eth_getStorageAt", text, hex(ADMIN_SLOT), hex(block))
    word = int(str(slot), 16)
    if 0 < word < 1 << 160:
        return "administrator (ERC-1967)", await _account(chain, word.to_bytes(20), block)
    return None


async def _account(chain: ChainClient, address: bytes, block: int) -> Account:
    text = "0x" + address.hex()
    code = await chain.code(text, block)
    # EIP-7702: code that begins so delegates, and the account's key still rules.
    delegates = code.startswith(bytes.fromhex("ef0100"))
    return Account(address, bool(code) and not delegates, await chain.nonce(text, block))


async def _chain_id(url: str) -> int:
    rpc = JsonRpc(url, TIMEOUT_S)
    try:
        answer = await rpc.post("eth_chainId", [])
        if not isinstance(answer, dict):
            raise ValueError(f"expected a JSON object, got {answer!r:.80}")
        return parse_quantity(answer.get("result"))
    except (ClientError, OSError, TimeoutError, ValueError) as error:
        raise ChainUnreachable(NAME, url, str(error) or type(error).__name__) from error
    finally:
        await rpc.close()
