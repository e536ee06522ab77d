"""The scan of deployed code: the contract, and what the chain says of the account that owns it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from aiohttp import ClientError
from eth_utils.address import to_checksum_address

from bridge.chain.client import ChainClient, ChainSettings
from bridge.chain.jsonrpc import JsonRpc
from bridge.chain.wire import parse_quantity
from bridge.domain.errors import ChainError, ChainUnreachable, InputError, NoMatch
from bridge.verifier.compilers.choice import Compilers
from bridge.verifier.contract_scan import ContractScan, scan_code, scan_matched
from bridge.verifier.finding import Confidence, Finding, Guard, Location, Severity
from bridge.verifier.match.request import Request
from bridge.verifier.match.verifying import verify
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


async def scan_address(
    url: str,
    address: bytes,
    block: int | str = "latest",
    source: Request | None = None,
    with_owner: bool = True,
    compilers: Compilers | None = None,
) -> ContractScan:
    """Findings in the code at ``address`` (20 bytes), and of its owner's account, at one block.

    With ``source`` the code must match it, and both are scanned. Raises ``InputError`` where there
    is no code, ``NoMatch`` where the source is another's, ``ChainError`` where the chain does not
    answer, and what compilers raise.
    """
    chain_id = await _chain_id(url)
    text = str(to_checksum_address(address))
    async with ChainClient(ChainSettings(NAME, chain_id, chain_id, url, TIMEOUT_S)) as chain:
        at = await chain.block(block)
        code = await chain.code(text, at.number)
        if not code:
            raise InputError(
                f"{text}: expected a contract on chain {chain_id}, got no code at block {at.number}"
            )
        if source is None:
            name = "0x" + address.hex()
            found = await asyncio.to_thread(scan_code, code, name)
        else:
            name = source.target.name
            found_by = compilers or Compilers()
            matched = await verify(chain, found_by, source, text, None, at.number)
            if not matched.runtime:
                raise NoMatch(matched.runtime.code, f"{source.target}: {matched.runtime.reason}")
            found = await asyncio.to_thread(scan_matched, code, matched.compiled, found_by)
        owner = await _owner(chain, text, name, at.number) if with_owner else None
        if owner is not None:
            found = replace(found, findings=(*found.findings, owner))
        # The same block again: a chain that changed in between has said nothing of use.
        if (await chain.block(at.number)).hash != at.hash:
            raise InputError(
                f"{text}: block {at.number} was replaced while it was read: scan again"
            )
    where = f"chain {chain_id}, block {at.number} 0x{at.hash.hex()}"
    return replace(found, notes=(*found.notes, where))


async def _owner(chain: ChainClient, address: str, name: str, block: int) -> Finding | None:
    """What is to be said of the account that the contract names as its owner, if it names one."""
    found = await _named_owner(chain, address, block)
    if found is None:
        return None
    role, account = found
    finding = Finding(
        detector="eoa-owner",
        contract=name,
        algorithm=ECDSA_SECP256K1,
        severity=Severity.LOW,
        confidence=Confidence.HIGH,
        location=Location(offset=0),
        guards=(Guard.OWNERSHIP,),
        detail=f"it names its {role}",
    )
    return next(with_account([finding], account))


async def _named_owner(chain: ChainClient, address: str, block: int) -> tuple[str, Account] | None:
    for name, selector in OWNER_CALLS.items():
        try:
            answer = await chain.call(address, selector, block=block)
        except ChainError:
            continue  # no such function
        if len(answer) == 32 and not any(answer[:12]) and any(answer):
            return name, await _account(chain, answer[12:], block)
    word = await chain.storage(address, ADMIN_SLOT, block)
    if any(word) and not any(word[:12]):
        return "administrator (ERC-1967)", await _account(chain, word[12:], block)
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
