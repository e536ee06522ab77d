"""Vyper, read without its compiler: trees in the form of Solidity's, by Python's own parser.

Vyper is close enough to Python that a few words have to be written otherwise first. What is still
no Python gives an empty tree, and that is said by the scan.
"""

from __future__ import annotations

import ast
import re
from typing import Any

from bridge.verifier.sources.yul import Node, ids

_OPENERS = re.compile(r"^(\s*)(?:struct|interface|event|flag|enum)\s+(\w+)\s*:", re.MULTILINE)
_DECLARED = re.compile(
    r"^(\s*)(?:implements|uses|initializes|exports)\s*:.*?(?=^\S|\Z)", re.MULTILINE | re.DOTALL
)
_LOOP = re.compile(r"\bfor\s+(\w+)\s*:\s*[^:\n]+?\s+in\b")
_EXTERNAL_CALL = re.compile(r"\b(?:extcall|staticcall)\s+(?=[\w.])")
_LOG = re.compile(r"^(\s*)log\s+", re.MULTILINE)
_FACE = re.compile(
    r"^(\s+def\s+\w+\(.*?\)(?:\s*->\s*[^:\n]+)?)\s*:\s*(?:view|pure|payable|nonpayable)\s*$",
    re.MULTILINE | re.DOTALL,
)
_BINARY = {ast.Eq: "==", ast.NotEq: "!="}
_ENV = {"msg", "block", "tx", "chain"}


def read_vyper(name: str, text: str) -> Node:
    """The source unit of ``text``, with one contract of the file's name; empty where it is unread.

    Lines are kept; positions are those of their beginnings.
    """
    unit: Node = {"nodeType": "SourceUnit", "id": next(ids), "src": "0:1:0", "nodes": []}
    try:
        module = ast.parse(_pythonic(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return unit
    unit["nodes"].append(_Reader(text).contract(name, module))
    return unit


def _pythonic(text: str) -> str:
    for pattern, replacement in (
        (_OPENERS, r"\1class \2:"),
        (_LOOP, r"for \1 in"),
        (_EXTERNAL_CALL, ""),
        (_LOG, r"\1"),
        (_FACE, r"\1: ..."),
    ):
        text = pattern.sub(replacement, text)
    return _DECLARED.sub(lambda found: "\n" * found.group().count("\n"), text)


class _Reader:
    def __init__(self, text: str) -> None:
        self.starts = [0]
        for line in text.encode(errors="replace").splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def node(self, kind: str, of: Any, /, **fields: Any) -> Node:
        line = min(getattr(of, "lineno", 1), len(self.starts)) - 1
        return {"nodeType": kind, "id": next(ids), "src": f"{self.starts[line]}:1:0", **fields}

    def contract(self, name: str, module: ast.Module) -> Node:
        nodes: list[Node] = []
        for one in module.body:
            if isinstance(one, ast.FunctionDef):
                nodes.append(self.function(one))
            elif isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
                nodes.append(self.state(one))
            elif isinstance(one, ast.ClassDef):
                nodes.append(self.node("StructDefinition", one, name=one.name))
        title = name.rsplit("/", 1)[-1].removesuffix(".vy")
        return self.node(
            "ContractDefinition", module, name=title, contractKind="contract", abstract=False,
            baseContracts=[], nodes=nodes,
        )  # fmt: skip

    def state(self, one: ast.AnnAssign) -> Node:
        kind = ast.unparse(one.annotation)
        name = one.target.id if isinstance(one.target, ast.Name) else ""
        return self.node(
            "VariableDeclaration", one, name=name, typeName={"name": kind}, stateVariable=True,
            constant=kind.startswith(("constant", "immutable")), value=self.value(one.value),
        )  # fmt: skip

    def function(self, one: ast.FunctionDef) -> Node:
        marks = {ast.unparse(mark).split("(")[0] for mark in one.decorator_list}
        outside = marks & {"external", "public", "deploy"}
        constructs = one.name == "__init__"
        changes = "view" if marks & {"view", "pure", "constant"} else "nonpayable"
        parameters = [
            self.node(
                "VariableDeclaration",
                arg,
                name=arg.arg,
                typeName={"name": ast.unparse(arg.annotation) if arg.annotation else ""},
            )
            for arg in one.args.args
        ]
        kind = (
            "constructor" if constructs else "fallback" if one.name == "__default__" else "function"
        )
        return self.node(
            "FunctionDefinition", one, name=one.name, kind=kind, modifiers=[],
            visibility="external" if outside else "internal", stateMutability=changes,
            parameters={"parameters": parameters}, returnParameters={"parameters": []},
            body=self.block(one, one.body), implemented=True,
        )  # fmt: skip

    def block(self, of: ast.AST, body: list[ast.stmt]) -> Node:
        statements = [made for one in body if (made := self.statement(one)) is not None]
        return self.node("Block", of, statements=statements)

    def statement(self, one: ast.stmt) -> Node | None:
        if isinstance(one, ast.Expr):
            return self.node("ExpressionStatement", one, expression=self.value(one.value))
        if isinstance(one, ast.Return):
            return self.node("Return", one, expression=self.value(one.value))
        if isinstance(one, ast.Assert):
            called = self.node("Identifier", one, name="require")
            call = self.node(
                "FunctionCall", one, expression=called, arguments=[self.value(one.test)]
            )
            return self.node("ExpressionStatement", one, expression=call)
        if isinstance(one, ast.If):
            return self.node(
                "IfStatement", one, condition=self.value(one.test),
                trueBody=self.block(one, one.body), falseBody=self.block(one, one.orelse),
            )  # fmt: skip
        if isinstance(one, ast.For):
            start = self.assign(one, one.target, self.value(one.iter))
            return self.node(
                "ForStatement", one, initializationExpression=start, condition=None,
                loopExpression=None, body=self.block(one, one.body),
            )  # fmt: skip
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
            declared = self.node("VariableDeclaration", one, name=one.target.id)
            return self.node(
                "VariableDeclarationStatement", one, declarations=[declared],
                initialValue=self.value(one.value),
            )  # fmt: skip
        if isinstance(one, ast.Assign):
            return self.assign(one, one.targets[0], self.value(one.value))
        if isinstance(one, ast.AugAssign):
            return self.assign(one, one.target, self.value(one.value))
        return None

    def assign(self, one: ast.stmt, target: ast.expr, value: Node | None) -> Node:
        left = self.value(target)
        made = self.node("Assignment", one, operator="=", leftHandSide=left, rightHandSide=value)
        return self.node("ExpressionStatement", one, expression=made)

    def value(self, one: ast.expr | None) -> Node | None:
        if one is None:
            return None
        if isinstance(one, ast.Name):
            return self.node("Identifier", one, name=one.id)
        if isinstance(one, ast.Constant):
            return self.node("Literal", one, kind="number", value=str(one.value))
        if isinstance(one, ast.Attribute):
            if isinstance(one.value, ast.Name) and one.value.id == "self":
                return self.node("Identifier", one, name=one.attr)
            inner = self.value(one.value)
            return self.node("MemberAccess", one, memberName=one.attr, expression=inner)
        if isinstance(one, ast.Call):
            return self.call(one)
        if isinstance(one, ast.Subscript):
            base, index = self.value(one.value), self.value(one.slice)
            return self.node("IndexAccess", one, baseExpression=base, indexExpression=index)
        if isinstance(one, ast.Compare):
            sides = [one.left, *one.comparators]
            operator = _BINARY.get(type(one.ops[0]), "<")
            return self.node(
                "BinaryOperation", one, operator=operator, leftExpression=self.value(sides[0]),
                rightExpression=self.value(sides[-1]),
            )  # fmt: skip
        parts = [
            self.value(part) for part in ast.iter_child_nodes(one) if isinstance(part, ast.expr)
        ]
        return self.node("TupleExpression", one, components=parts)

    def call(self, one: ast.Call) -> Node:
        arguments = [self.value(part) for part in one.args]
        name = one.func.id if isinstance(one.func, ast.Name) else ""
        if name == "raw_call" and one.args:
            return self.raw_call(one, arguments)
        if name in ("ecadd", "ecmul"):
            return self.precompile(one, {"ecadd": 6, "ecmul": 7}[name], arguments)
        if name == "send" and len(arguments) == 2:
            called = self.node("MemberAccess", one, memberName="send", expression=arguments[0])
            return self.node("FunctionCall", one, expression=called, arguments=arguments[1:])
        arguments += [self.value(word.value) for word in one.keywords]
        return self.node("FunctionCall", one, expression=self.value(one.func), arguments=arguments)

    def raw_call(self, one: ast.Call, arguments: list[Node | None]) -> Node:
        words = {word.arg: word.value for word in one.keywords}
        static = isinstance(words.get("is_static_call"), ast.Constant)
        called = self.node(
            "MemberAccess",
            one,
            memberName="staticcall" if static else "call",
            expression=arguments[0],
        )
        if "value" in words:
            called = self.node(
                "FunctionCallOptions", one, expression=called, options=[self.value(words["value"])]
            )
        return self.node("FunctionCall", one, expression=called, arguments=arguments[1:])

    def precompile(self, one: ast.Call, address: int, arguments: list[Node | None]) -> Node:
        at = self.node("Literal", one, kind="number", value=str(address))
        called = self.node("MemberAccess", one, memberName="staticcall", expression=at)
        return self.node("FunctionCall", one, expression=called, arguments=arguments)
