"""The VerdictRegistry of one chain: what stands in it, and what is brought to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_checksum_address

from bridge.chain.client import Block
from bridge.chain.contracts import Contract
from bridge.chain.records import Receipt
from bridge.chain.statements import revocation_tuple, verdict_tuple
from bridge.chain.transactions import TRANSACTION_GAS_CAP, Account
from bridge.crypto.digests import statement_digest
from bridge.crypto.hashing import keccak256
from bridge.domain.quorums import indices_of
from bridge.domain.verdicts import MatchKind, Statement, VerdictStatement, text_of

BASE_GAS = 500_000
"""A transaction's own cost, the fields, a record of six words, and to spare."""
GAS_A_SIGNATURE = 1_500_000
"""Verification with its calldata, as when a checkpoint is attested."""


@dataclass(frozen=True, slots=True)
class StandingVerdict:
    """The last verdict on a contract as a registry has it; times are seconds since 1970.

    ``revoked`` is whether it was revoked by itself, ``code_revoked`` whether its code was since.
    ``revoked_at`` is until when all that was issued counts no more; 0 for never.
    """

    code_hash: bytes
    sequence: int
    issued_at: int
    expires_at: int
    epoch: int
    match: MatchKind
    revoked: bool
    block_number: int
    revoked_at: int
    block_hash: bytes
    scan_digest: bytes
    tool: str
    code_revoked: bool


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The VerdictRegistry at its address."""

    contract: Contract

    @property
    def raw_address(self) -> bytes:
        """Its address, 20 bytes."""
        return bytes.fromhex(self.contract.address[2:])

    async def standing(
        self, chain_id: int, address: bytes, block: Block = "latest"
    ) -> StandingVerdict | None:
        """The last verdict on a contract, whether it counts or not; None where there was none."""
        raw = await self._record(chain_id, address, block)
        code_hash, sequence, issued_at, expires_at, epoch, match, revoked, number = raw[:8]
        revoked_at, block_hash, scan_digest, tool = raw[8:]
        if not any(code_hash):
            return None
        code_revoked_at = await self.contract.call("codeRevokedAt", code_hash, block=block)
        return StandingVerdict(
            code_hash=code_hash,
            sequence=sequence,
            issued_at=issued_at,
            expires_at=expires_at,
            epoch=epoch,
            match=MatchKind(match),
            revoked=revoked,
            block_number=number,
            revoked_at=revoked_at,
            block_hash=block_hash,
            scan_digest=scan_digest,
            tool=text_of(tool),
            code_revoked=issued_at <= code_revoked_at,
        )

    async def sequence(self, chain_id: int, address: bytes, block: Block = "latest") -> int:
        """The number of the last statement of a contract that was accepted; 0 for none."""
        sequence: int = (await self._record(chain_id, address, block))[1]
        return sequence

    async def is_verified(
        self, chain_id: int, address: bytes, least: MatchKind, block: Block = "latest"
    ) -> bool:
        """Whether a verdict counts; a contract of this chain is looked at as it is now."""
        verified: bool = await self.contract.call(
            "isVerified", chain_id, _checksummed(address), int(least), block=block
        )
        return verified

    async def obstacle(self, chain_id: int, address: bytes, least: MatchKind) -> str | None:
        """Why a contract does not count as verified now, in words; None where it does.

        The answer is the registry's own; the words are from what it has at the same block.
        """
        client = self.contract.client
        block = (await client.block("latest")).number
        if await self.is_verified(chain_id, address, least, block):
            return None
        standing = await self.standing(chain_id, address, block)
        if standing is None:
            return "no verdict is on it"
        if await self.contract.call("paused", 0, block=block):
            return "the registry of verdicts is paused"
        if standing.revoked:
            return "its verdict was revoked"
        if standing.code_revoked:
            return f"the verdicts on its code 0x{standing.code_hash.hex()} were revoked"
        now = (await client.block(block)).timestamp
        if now > standing.expires_at:
            return f"its verdict expired at {standing.expires_at}, it is {now}"
        if standing.match < max(least, MatchKind.MATCH):
            return f"its verdict is {standing.match.name}, expected {least.name} at the least"
        if chain_id == client.settings.chain_id:
            has = keccak256(await client.code(_checksummed(address), block))
            return f"its verdict is on code 0x{standing.code_hash.hex()}, it has 0x{has.hex()}"
        return "the registry does not say why"

    async def counted(self, statement: Statement) -> set[int]:
        """The indices of the signers that were counted for a statement."""
        return indices_of(await self.contract.call("counted", statement_digest(statement)))

    async def submit(
        self, account: Account, statement: Statement, signatures: Mapping[int, bytes]
    ) -> tuple[Receipt, bool]:
        """Bring signatures by the signers' indices; the receipt, and whether it is accepted now.

        Raises what ``send`` raises.
        """
        if isinstance(statement, VerdictStatement):
            function, struct = "submit", verdict_tuple(statement)
        else:
            function, struct = "revoke", revocation_tuple(statement)
        indices = sorted(signatures)
        arguments = struct, indices, [signatures[index] for index in indices]
        gas = min(BASE_GAS + GAS_A_SIGNATURE * len(signatures), TRANSACTION_GAS_CAP)
        # Without a transaction first: what is refused costs nothing then.
        data = self.contract.artifact.call_data(function, *arguments)
        where = self.contract.address
        await self.contract.client.call(where, data, sender=account.address, gas=gas)
        receipt = await self.contract.send(account, function, *arguments, gas=gas)
        names = {event.name for event in self.contract.events(receipt.logs)}
        return receipt, bool(names & {"VerdictAccepted", "VerdictRevoked"})

    async def revoke_now(self, guardian: Account, chain_id: int, address: bytes) -> Receipt:
        """Revoke what was said of a contract until now; ``guardian`` is the registry's."""
        return await self.contract.send(guardian, "revokeNow", chain_id, _checksummed(address))

    async def revoke_code(self, guardian: Account, code_hash: bytes) -> Receipt:
        """Revoke what was said of code until now; ``guardian`` is the registry's."""
        return await self.contract.send(guardian, "revokeCode", code_hash)

    async def _record(self, chain_id: int, address: bytes, block: Block) -> tuple[Any, ...]:
        record: tuple[Any, ...] = await self.contract.call(
            "verdictOf", chain_id, _checksummed(address), block=block
        )
        return record


def _checksummed(address: bytes) -> str:
    return to_checksum_address(address)
