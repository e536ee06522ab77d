"""Owners: which contracts obey one account, and what a chain says of that account."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from bridge.verifier.finding import Finding, Severity
from bridge.verifier.sources.program import Contract, Node, Program, below, start_of

OWNER = re.compile(r"owner|admin|governor|governance|guardian|operator|controller|authority", re.I)
OWNING_BASES = re.compile(
    r"^(Ownable\w*|OwnableRoles|Owned|Auth|AccessControl\w*|ConfirmedOwner\w*|OwnerIsCreator)$"
)


@dataclass(frozen=True, slots=True)
class Account:
    """What a chain says of the account that owns a contract."""

    address: bytes
    has_code: bool
    nonce: int

    @property
    def key_is_public(self) -> bool:
        """Whether a transaction, and so its public key, is on chain."""
        return not self.has_code and self.nonce > 0


def owned(program: Program, contract: Contract) -> tuple[str, int, str] | None:
    """Where a contract compares its caller with an owner: source, line, and what it is.

    None where it does not, or asks that the owner be a contract.
    """
    if contract.kind != "contract" or contract.abstract:
        return None
    for base in contract.line:
        if any(_needs_code(one) for one in below(base.node)):
            return None
    for base in contract.line:
        if OWNING_BASES.match(base.name) and base is not contract and _used(contract, base):
            line = program.line_of(contract.source, start_of(contract.node))
            return contract.source, line, f"it is {base.name}"
        for functions in (*base.functions.values(), list(base.modifiers.values())):
            for function in functions:
                for node in below(function.body):
                    name = _compared(node)
                    if name is not None:
                        line = program.line_of(base.source, start_of(node))
                        return base.source, line, f"the caller is compared with {name}"
    return None


def _used(contract: Contract, base: Contract) -> bool:
    """Whether something of the contract asks for the owner: a modifier of it, or a base's check."""
    names = set(base.modifiers) | {
        "_checkOwner",
        "_checkRole",
        "onlyOwner",
        "onlyRole",
        "requiresAuth",
    }
    for one in contract.line:
        for functions in one.functions.values():
            for function in functions:
                for modifier in function.node.get("modifiers") or ():
                    if str((modifier.get("modifierName") or {}).get("name")) in names:
                        return True
                if one is not base and any(
                    node.get("name") in names for node in below(function.body)
                ):
                    return True
    return False


def _compared(node: Node) -> str | None:
    """The owner that ``msg.sender`` is compared with in this node; None where it is not."""
    if node["nodeType"] != "BinaryOperation" or node.get("operator") not in ("==", "!="):
        return None
    sides = (node.get("leftExpression") or {}, node.get("rightExpression") or {})
    for caller, other in (sides, sides[::-1]):
        if _is_caller(caller):
            name = _owner_name(other)
            if name is not None:
                return name
    return None


def _is_caller(node: Node) -> bool:
    if node.get("nodeType") == "FunctionCall":
        called = node.get("expression") or {}
        return str(called.get("name") or "").lower() in ("_msgsender", "msgsender")
    base = node.get("expression") or {}
    return node.get("memberName") == "sender" and base.get("name") == "msg"


def _owner_name(node: Node) -> str | None:
    """A state variable's name, or a function's without arguments, that says owner or the like."""
    if node.get("nodeType") == "FunctionCall" and not node.get("arguments"):
        node = node.get("expression") or {}
    name = node.get("name") if node.get("nodeType") == "Identifier" else node.get("memberName")
    return str(name) if name and OWNER.search(str(name)) else None


def _needs_code(node: Node) -> bool:
    """Whether a node asks ``owner.code.length``, or ``isContract`` of an owner."""
    if node["nodeType"] == "MemberAccess" and node.get("memberName") == "length":
        inner = node.get("expression") or {}
        if inner.get("memberName") == "code":
            return any(OWNER.search(str(one.get("name") or "")) for one in below(inner))
    return False


def with_account(findings: list[Finding], account: Account) -> Iterator[Finding]:
    """The findings with what the chain says of the owner: severity and words of ``eoa-owner``."""
    address = "0x" + account.address.hex()
    for one in findings:
        if one.detector != "eoa-owner":
            yield one
        elif account.has_code:
            detail = f"{one.detail}; the owner {address} is a contract"
            yield replace(one, severity=Severity.INFO, detail=detail)
        elif account.key_is_public:
            detail = (
                f"{one.detail}; the owner {address} has sent {account.nonce} transactions, so that "
                "its public key is on chain"
            )
            yield replace(one, severity=Severity.HIGH, detail=detail)
        else:
            detail = f"{one.detail}; the owner {address} has no code and has sent nothing yet"
            yield replace(one, severity=Severity.MEDIUM, detail=detail)
