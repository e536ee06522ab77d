"""What verdicts cost: bringing one under a quorum, taking it back, and asking for it.

The quorum is that of the deliveries, 3 of 5 with ML-DSA-87. Asking is measured from a contract,
with nothing touched before: the registry, its words, and the account that is asked for. Either
revocation takes back a verdict that stands, on a contract of which none was revoked before: what a
second one on the same contract costs depends on whether its block has another second's timestamp.
"""

from __future__ import annotations

from bridge.apps.bench.delivery import QUORUM, BenchBridge
from bridge.apps.bench.meter import Meter
from bridge.chain.client import ChainClient
from bridge.chain.contracts import Contract
from bridge.chain.development import development_accounts
from bridge.chain.transactions import Account
from bridge.chain.verdicts import Verdicts
from bridge.crypto.digests import statement_digest
from bridge.crypto.hashing import keccak256
from bridge.crypto.providers import select
from bridge.domain.contexts import REVOCATION_CONTEXT, VERDICT_CONTEXT
from bridge.domain.keys import Algorithm
from bridge.domain.verdicts import (
    MatchKind,
    Place,
    RevocationStatement,
    Statement,
    Verdict,
    VerdictStatement,
)

DAY_S = 86_400


async def verdict_gas(
    client: ChainClient, account: Account, meter: Meter, bridge: BenchBridge
) -> dict[str, int]:
    """Gas by what is done: whole transactions, and execution where a contract asks."""
    side = bridge.side
    assert side.verdicts is not None
    contract = Contract.at(client, "VerdictRegistry", side.verdicts)
    verdicts = Verdicts(contract)
    figures = {}
    for sequence, name in ((1, "submit_first"), (2, "submit_next")):
        statement = await _verdict(verdicts, sequence, side.postcard)
        figures[name] = await _bring(verdicts, account, bridge, statement)
    asked = {
        "is_verified": ("isVerified", side.postcard),
        "is_code_verified": ("isCodeVerified", statement.verdict.code_hash),
    }
    for name, (function, argument) in asked.items():
        data = contract.artifact.call_data(function, argument)
        figures[name] = (await meter.cost(side.verdicts, data)).gas
    block = await client.block("latest")
    chain_id = client.settings.chain_id
    place = Place(chain_id, verdicts.raw_address, 1, 3)
    revocation = RevocationStatement(place, block.timestamp, chain_id, statement.verdict.address)
    figures["revoke_by_quorum"] = await _bring(verdicts, account, bridge, revocation)
    other = await _verdict(verdicts, 1, side.inbox)
    await _bring(verdicts, account, bridge, other)
    guardian = Account(development_accounts()[1])
    figures["revoke_by_guardian"] = (
        await verdicts.revoke_now(guardian, chain_id, other.verdict.address)
    ).gas_used
    return figures


async def _verdict(verdicts: Verdicts, sequence: int, address: str) -> VerdictStatement:
    """On the code that the contract at ``address`` has now."""
    client = verdicts.contract.client
    block = await client.block("latest")
    chain_id = client.settings.chain_id
    return VerdictStatement(
        Place(chain_id, verdicts.raw_address, 1, sequence),
        block.timestamp,
        block.timestamp + DAY_S,
        Verdict(
            chain_id=chain_id,
            address=bytes.fromhex(address[2:]),
            code_hash=keccak256(await client.code(address)),
            block_number=block.number,
            block_hash=block.hash,
            match=MatchKind.EXACT_MATCH,
            scan_digest=keccak256(b"a report"),
            tool="astralink/bench",
        ),
    )


async def _bring(
    verdicts: Verdicts, account: Account, bridge: BenchBridge, statement: Statement
) -> int:
    is_verdict = isinstance(statement, VerdictStatement)
    ctx = VERDICT_CONTEXT if is_verdict else REVOCATION_CONTEXT
    sign = select("default").signatures.sign
    digest = statement_digest(statement)
    signatures = {
        index: sign(Algorithm.ML_DSA_87, pair.secret, digest, ctx)
        for index, pair in enumerate(bridge.pairs[:QUORUM])
    }
    receipt, accepted = await verdicts.submit(account, statement, signatures)
    if not accepted:
        raise AssertionError(f"expected it to be accepted, got {receipt}")
    return receipt.gas_used
