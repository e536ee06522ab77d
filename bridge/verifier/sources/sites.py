"""Sites: where a program computes with cryptography, told by calls and by constants of curves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from bridge.verifier.sources.program import Contract, Function, Node, Program, below


class Site(StrEnum):
    """What is computed there."""

    ECRECOVER = "ecrecover"
    RIPEMD160 = "ripemd160"
    MODEXP = "modexp"
    BN254_ADD = "bn254 addition"
    BN254_MUL = "bn254 multiplication"
    BN254_PAIRING = "bn254 pairing"
    KZG = "kzg point evaluation"
    BLS12_381 = "bls12-381 operation"
    P256 = "p-256 verification"
    P256_ARITHMETIC = "p-256 arithmetic"
    SECP256K1_ARITHMETIC = "secp256k1 arithmetic"
    CALLS_1271 = "call of isValidSignature"
    CALLS_PROOF = "call of a proof's verifier"
    CALLS_PERMIT = "call of permit"
    CALLS_PERMIT2 = "call of Permit2"
    CALLS_VRF = "request of a random word"


PRECOMPILES = {
    1: Site.ECRECOVER,
    3: Site.RIPEMD160,
    5: Site.MODEXP,
    6: Site.BN254_ADD,
    7: Site.BN254_MUL,
    8: Site.BN254_PAIRING,
    10: Site.KZG,
    **dict.fromkeys(range(0x0B, 0x12), Site.BLS12_381),
    0x100: Site.P256,
    # Verifiers in Solidity at these addresses on many chains, for those without 0x100.
    0xC2B78104907F722DABAC4C69F826A522B2754DE4: Site.P256,
    0x000000000000D01EA45F9EFD5C54F037FA57EA1A: Site.P256,
}
"""EIP-198, 196, 197, 4844, 2537, 7951, and what else answers as they do."""

P256_CONSTANTS = {
    0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF: "p",
    0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B: "b",
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296: "Gx",
}
"""NIST SP 800-186, P-256."""
SECP256K1_CONSTANTS = {
    0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC2F: "p",
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798: "Gx",
}
"""SEC 2, secp256k1. The order n is not among them: every check of a signature's s has it."""

ASKS_ANOTHER = {Site.CALLS_1271, Site.CALLS_PERMIT, Site.CALLS_PERMIT2, Site.CALLS_VRF}
"""Where the contract relies on what another checks, under a key that is not in sight here."""
LOW_LEVEL = {"call", "delegatecall", "staticcall", "callcode"}
PROOF_CALL = re.compile(r"^verif(y|ies)(\w*Proof\w*|\w*Snark\w*|Tx)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Place:
    """One site: what, in which source, from which byte on."""

    site: Site
    source: str
    start: int


def number(text: str) -> int | None:
    """The value of a literal; None where it is no whole number."""
    clean = text.replace("_", "")
    try:
        return int(clean, 16) if clean.lower().startswith("0x") else int(clean)
    except ValueError:
        return None


class Constants:
    """Values of expressions that are constant: of literals, casts and names of constants."""

    def __init__(self, program: Program) -> None:
        self._program = program

    def value(
        self, node: Node | None, function: Function, contract: Contract, depth: int = 0
    ) -> int | None:
        """The number that ``node`` always is; None where it is not known."""
        if node is None or depth > 8:
            return None
        kind = node["nodeType"]
        if kind in ("Literal", "YulLiteral"):
            return number(str(node.get("value") or ""))
        if kind == "TupleExpression":
            parts = node.get("components") or []
            return self.value(parts[0], function, contract, depth + 1) if len(parts) == 1 else None
        if kind == "FunctionCall" and len(node.get("arguments") or ()) == 1:
            if _is_cast(node):
                return self.value(node["arguments"][0], function, contract, depth + 1)
            return None
        if kind in ("Identifier", "YulIdentifier"):
            declared = self._declared(node, function, contract)
            if declared is None:
                return None
            value = declared.get("value") or declared.get("initialValue")
            return self.value(value, function, contract, depth + 1)
        return None

    def _declared(self, node: Node, function: Function, contract: Contract) -> Node | None:
        name = str(node["name"])
        known = self._program.by_id.get(node.get("referencedDeclaration") or 0)
        if isinstance(known, dict) and known.get("nodeType") == "VariableDeclaration":
            return known if known.get("value") else self._local(name, function)
        return (
            self._local(name, function)
            or self._program.variable_in(contract, name)
            or self._program.variable_in(function.contract, name)
            or next(
                (
                    one
                    for one in self._program.by_id.values()
                    if isinstance(one, dict) and one.get("name") == name and one.get("constant")
                ),
                None,
            )
        )

    def _local(self, name: str, function: Function) -> Node | None:
        """What a local name is set to, if that happens once."""
        found: list[Node] = []
        for node in below(function.body):
            kind = node["nodeType"]
            if kind == "VariableDeclarationStatement":
                names = [one and one.get("name") for one in node.get("declarations") or ()]
                if names == [name] and node.get("initialValue"):
                    found.append({"value": node["initialValue"]})
            elif kind == "YulVariableDeclaration":
                if [one["name"] for one in node["variables"]] == [name] and node.get("value"):
                    found.append({"value": node["value"]})
            elif (
                kind == "YulAssignment" and name in [o["name"] for o in node["variableNames"]]
            ) or (kind == "Assignment" and node["leftHandSide"].get("name") == name):
                return None
        return found[0] if len(found) == 1 else None


def _is_cast(node: Node) -> bool:
    called = node.get("expression") or {}
    if (
        node.get("kind") == "typeConversion"
        or called.get("nodeType") == "ElementaryTypeNameExpression"
    ):
        return True
    name = str(called.get("name") or "")
    return re.fullmatch(r"address|payable|u?int\d*|bytes\d+", name) is not None


def curve_constants(program: Program, function: Function) -> Site | None:
    """The curve that a function's own literals, or the constants it names, belong to."""
    for node in below(function.body):
        values = []
        if node["nodeType"] in ("Literal", "YulLiteral"):
            values.append(number(str(node.get("value") or "")))
        elif node["nodeType"] in ("Identifier", "YulIdentifier"):
            known = program.by_id.get(node.get("referencedDeclaration") or 0)
            if not isinstance(known, dict):
                known = program.variable_in(function.contract, str(node["name"]))
            if known and (known.get("value") or {}).get("nodeType") == "Literal":
                values.append(number(str(known["value"].get("value") or "")))
        for value in values:
            if value in P256_CONSTANTS:
                return Site.P256_ARITHMETIC
            if value in SECP256K1_CONSTANTS:
                return Site.SECP256K1_ARITHMETIC
    return None
