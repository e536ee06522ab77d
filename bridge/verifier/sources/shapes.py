"""Shapes of expressions: what a call calls, what a target begins with, and the like."""

from __future__ import annotations

from bridge.verifier.sources.program import Contract, Function, Node, cast_of, type_of


def what_is_called(node: Node) -> tuple[Node, list[Node]]:
    """What a call calls, and its options: ``f{value: v}(x)``, or in old code ``f.value(v)(x)``."""
    called: Node = node["expression"]
    options: list[Node] = []
    while True:
        kind = called["nodeType"]
        if kind == "FunctionCallOptions":
            options += called.get("options") or []
            called = called["expression"]
        elif kind == "TupleExpression" and len(called.get("components") or ()) == 1:
            called = called["components"][0]
        elif (
            kind == "FunctionCall"
            and (called.get("expression") or {}).get("nodeType") == "MemberAccess"
            and called["expression"].get("memberName") in ("value", "gas", "salt")
        ):
            options += called.get("arguments") or []
            called = called["expression"]["expression"]
        else:
            return called, options


def root_of(node: Node) -> Node | None:
    """What an expression such as ``a.b[c].d`` begins with."""
    while node["nodeType"] in ("MemberAccess", "IndexAccess"):
        node = node.get("expression") or node.get("baseExpression") or {"nodeType": "none"}
    return node if node["nodeType"] in ("Identifier", "FunctionCall") else None


def names_in(node: Node | None) -> list[str]:
    """The names in an expression such as ``a.b[c].d``, without those of indexes."""
    names: list[str] = []
    while node:
        kind = node["nodeType"]
        if kind == "MemberAccess":
            names.append(str(node["memberName"]))
            node = node.get("expression")
        elif kind == "IndexAccess":
            node = node.get("baseExpression")
        elif kind == "FunctionCall":
            node = node.get("expression")
        else:
            if kind == "Identifier":
                names.append(str(node["name"]))
            break
    return names


def no_address(node: Node | None) -> bool:
    """Whether it is ``address(0)``, or in old code ``0x0``."""
    if not node:
        return False
    if node["nodeType"] == "FunctionCall" and len(node.get("arguments") or ()) == 1:
        inner = node["arguments"][0]
        if cast_of(node) in ("address", "payable"):
            return no_address(inner) or str(inner.get("value")) == "0"
    return node["nodeType"] == "Literal" and str(node.get("value")).lower() in ("0x0", "0x00")


def takes_proof(member: str, declared: Contract | Function | Node | None) -> bool:
    """Whether it is a ``verify`` that takes a pairing proof: eight words, or two by two."""
    if not isinstance(declared, Function) or not member.lower().startswith("verif"):
        return False
    types = {type_of(one).split(" ")[0] for one in declared.parameters}
    return bool(types & {"uint256[8]", "uint256[2][2]"})


def mentions(nodes: object, name: str) -> bool:
    """Whether a name or member of that name stands anywhere in the nodes."""
    if isinstance(nodes, dict):
        if name in (nodes.get("memberName"), nodes.get("name")):
            return True
        return any(mentions(one, name) for one in nodes.values() if isinstance(one, dict | list))
    if isinstance(nodes, list):
        return any(mentions(one, name) for one in nodes)
    return False
