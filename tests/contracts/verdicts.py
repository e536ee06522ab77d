"""Verdicts and revocations for the tests of the VerdictRegistry, and signers for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bridge.chain.statements import revocation_tuple, verdict_tuple
from bridge.crypto.digests import statement_digest
from bridge.crypto.hashing import keccak256
from bridge.domain.contexts import REVOCATION_CONTEXT, VERDICT_CONTEXT
from bridge.domain.quorums import Signer
from bridge.domain.verdicts import (
    MatchKind,
    Place,
    RevocationStatement,
    Statement,
    Verdict,
    VerdictStatement,
)
from bridge.testing.machine import OWNER, Deployed, Sent
from bridge.testing.world import SIGNERS, Side, raw, sign

DAY_S = 86_400
REVM_PADDING = 33
ABROAD = 31001
"""A chain that is not the registry's."""


def place(side: Side, sequence: int = 1, **changes: Any) -> Place:
    """In the registry of verdicts of a side."""
    made = Place(side.machine.chain_id, raw(side.verdicts.address), 1, sequence)
    return replace(made, **changes)


def verdict(side: Side, account: str, sequence: int = 1, **changes: Any) -> VerdictStatement:
    """On the code that the account has now, issued now, for a day.

    ``changes`` are of the verdict, the statement or the place, by their names.
    """
    now = side.machine.timestamp
    made = VerdictStatement(
        place(side, sequence),
        now,
        now + DAY_S,
        Verdict(
            chain_id=side.machine.chain_id,
            address=raw(account),
            code_hash=keccak256(code_of(side, account)),
            block_number=7,
            block_hash=b"\x0b" * 32,
            match=MatchKind.EXACT_MATCH,
            scan_digest=b"\x5c" * 32,
            tool="astralink/test",
        ),
    )
    return changed(made, **changes)


def changed(statement: VerdictStatement, **changes: Any) -> VerdictStatement:
    """With other fields, of whichever of its parts has them."""
    parts = {"place": statement.place, "verdict": statement.verdict}
    for name, value in changes.items():
        if name in ("issued_at", "expires_at"):
            continue
        part = "verdict" if hasattr(statement.verdict, name) else "place"
        parts[part] = replace(parts[part], **{name: value})
    times = {name: changes[name] for name in ("issued_at", "expires_at") if name in changes}
    return replace(statement, **parts, **times)


def revocation(side: Side, account: str, sequence: int = 2, **changes: Any) -> RevocationStatement:
    """Of what was said of an account of this chain until now."""
    made = RevocationStatement(
        place(side, sequence),
        side.machine.timestamp,
        side.machine.chain_id,
        raw(account),
        reason="a test",
    )
    return replace(made, **changes)


def code_of(side: Side, account: str) -> bytes:
    """The code that an account has now."""
    info = side.machine.evm.basic(account)
    code = bytes(info.code or b"")
    # revm keeps what it deployed with zeros behind it.
    return code if keccak256(code) == info.code_hash else code[:-REVM_PADDING]


def signature(member: Signer, statement: Statement, ctx: bytes | None = None) -> bytes:
    """A signer's signature over a verdict or revocation."""
    own = VERDICT_CONTEXT if isinstance(statement, VerdictStatement) else REVOCATION_CONTEXT
    return sign(member, statement_digest(statement), own if ctx is None else ctx)


def bring(
    registry: Deployed,
    statement: Statement,
    signers: Sequence[int] = (0, 2),
    members: Sequence[Signer] = SIGNERS,
    sender: str = OWNER,
    signatures: Sequence[bytes] | None = None,
) -> Sent:
    """Signatures of signers brought in one transaction."""
    if signatures is None:
        signatures = [signature(members[index], statement) for index in signers]
    if isinstance(statement, VerdictStatement):
        function, struct = "submit", verdict_tuple(statement)
    else:
        function, struct = "revoke", revocation_tuple(statement)
    return registry.send(function, struct, list(signers), list(signatures), sender=sender)
