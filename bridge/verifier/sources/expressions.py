"""Expressions and names of types, read without a compiler."""

from __future__ import annotations

from typing import Any

from bridge.verifier.sources.cursor import Cursor
from bridge.verifier.sources.tokens import Kind
from bridge.verifier.sources.yul import MAX_DEPTH, Node, Unread

LOCATIONS = {"memory", "storage", "calldata", "payable", "indexed", "transient"}
VISIBILITIES = {"public", "private", "internal", "external"}
MUTABILITIES = {"pure", "view", "payable", "constant", "immutable"}
BINARY = {
    "||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, ">": 4, "<=": 4, ">=": 4, "|": 5, "^": 6, "&": 7,
    "<<": 8, ">>": 8, ">>>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "%": 10, "**": 11,
}  # fmt: skip
ASSIGNMENTS = {"=", "+=", "-=", "*=", "/=", "%=", "|=", "&=", "^=", "<<=", ">>=", ">>>="}


class Expressions(Cursor):
    """Reads expressions, types and declarations of variables."""

    def path(self) -> str:
        """Names with dots between them."""
        name = self.word()
        while self.peek() == "." and self.kind(1) is Kind.WORD:
            self.at += 1
            name += "." + self.take()
        return name

    def type_name(self) -> Node:
        """A type: elementary, a name, a mapping or a function, and arrays of these."""
        start = self.start()
        if self.peek() in ("mapping", "function"):
            text = self.take()
            begin = self.at
            self.balanced()
            text += "".join(one.text for one in self.words[begin : self.at])
            while text.startswith("function") and self.peek() in VISIBILITIES | MUTABILITIES:
                self.at += 1
            if text.startswith("function") and self.accept("returns"):
                self.balanced()
        else:
            text = self.path()
        while self.peek() == "[":
            begin = self.at
            self.balanced()
            text += "".join(one.text for one in self.words[begin : self.at])
        return self.node("TypeName", start, name=text)

    def declaration(self, start: int, kind: Node, name: str, **fields: Any) -> Node:
        """The declaration of ``name`` with the type ``kind``."""
        described = {"typeString": kind["name"]}
        return self.node(
            "VariableDeclaration",
            start,
            name=name,
            typeName=kind,
            typeDescriptions=described,
            **fields,
        )

    def parameters(self) -> list[Node]:
        """Declarations in brackets."""
        self.expect("(")
        found = []
        while self.peek() not in (")", ""):
            start = self.start()
            kind = self.type_name()
            kept = "default"
            while self.peek() in LOCATIONS:
                kept = self.take()
            name = self.take() if self.kind() is Kind.WORD else ""
            found.append(self.declaration(start, kind, name, storageLocation=kept))
            if not self.accept(","):
                break
        self.expect(")")
        return found

    def expression(self) -> Node:
        """An expression, assignments among them; ``Unread`` where it nests too deep."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.depth -= 1
            raise Unread("expressions nested too deep")
        try:
            return self._assignment()
        finally:
            self.depth -= 1

    def _assignment(self) -> Node:
        start = self.start()
        left = self.binary(1)
        if self.accept("?"):
            true = self.expression()
            self.expect(":")
            false = self.expression()
            return self.node(
                "Conditional", start, condition=left, trueExpression=true, falseExpression=false
            )
        if self.peek() in ASSIGNMENTS:
            operator = self.take()
            right = self.expression()
            return self.node(
                "Assignment", start, operator=operator, leftHandSide=left, rightHandSide=right
            )
        return left

    def binary(self, least: int) -> Node:
        """An expression of operators that bind at least so strongly."""
        start = self.start()
        left = self.unary()
        while BINARY.get(self.peek(), 0) >= least:
            operator = self.take()
            right = self.binary(BINARY[operator] + (operator != "**"))
            left = self.node(
                "BinaryOperation",
                start,
                operator=operator,
                leftExpression=left,
                rightExpression=right,
            )
        return left

    def unary(self) -> Node:
        """An expression with operators before or behind it."""
        start = self.start()
        if self.peek() in ("!", "~", "-", "+", "++", "--", "delete"):
            operator = self.take()
            self.depth += 1
            if self.depth > MAX_DEPTH:
                self.depth -= 1
                raise Unread("operators nested too deep")
            try:
                inner = self.unary()
            finally:
                self.depth -= 1
            return self.node("UnaryOperation", start, operator=operator, subExpression=inner)
        if self.accept("new"):
            kind = self.type_name()
            return self.postfix(start, self.node("NewExpression", start, typeName=kind))
        return self.postfix(start, self.primary())

    def primary(self) -> Node:
        """A literal, a name, a tuple, a `new`, with what follows it."""
        start, kind, text = self.start(), self.kind(), self.peek()
        if kind is Kind.NUMBER:
            self.at += 1
            units = ("wei", "gwei", "ether", "seconds", "minutes", "hours", "days", "weeks")
            if self.peek() in units:
                self.at += 1
            return self.node("Literal", start, kind="number", value=text)
        if kind is Kind.STRING:
            self.at += 1
            while self.kind() is Kind.STRING:
                self.at += 1
            return self.node("Literal", start, kind="string", value=text.strip("\"'"))
        if text in ("(", "["):
            self.at += 1
            close = ")" if text == "(" else "]"
            parts: list[Node | None] = []
            while self.peek() not in (close, ""):
                if self.peek() == ",":
                    parts.append(None)
                else:
                    parts.append(self.expression())
                if not self.accept(","):
                    break
            self.expect(close)
            return self.node("TupleExpression", start, components=parts)
        name = self.word()
        return self.node("Identifier", start, name=name)

    def postfix(self, start: int, value: Node) -> Node:
        """``value`` with the members, indices and calls that follow it."""
        while True:
            text = self.peek()
            if text == "." and self.kind(1) is Kind.WORD:
                self.at += 1
                name = self.take()
                value = self.node("MemberAccess", start, memberName=name, expression=value)
            elif text == "[":
                self.at += 1
                index = None if self.peek() in ("]", ":") else self.expression()
                if self.accept(":") and self.peek() != "]":
                    self.expression()
                self.expect("]")
                value = self.node("IndexAccess", start, baseExpression=value, indexExpression=index)
            elif text == "(":
                arguments = self.arguments()
                value = self.node("FunctionCall", start, expression=value, arguments=arguments)
            elif text == "{" and self.kind(1) is Kind.WORD and self.peek(2) == ":":
                names, options = self.named()
                value = self.node(
                    "FunctionCallOptions", start, expression=value, names=names, options=options
                )
            elif text in ("++", "--"):
                self.at += 1
                value = self.node("UnaryOperation", start, operator=text, subExpression=value)
            else:
                return value

    def arguments(self) -> list[Node]:
        """The arguments of a call, named ones in their own order."""
        self.expect("(")
        if self.peek() == "{":
            _, found = self.named()
        else:
            found = []
            while self.peek() not in (")", ""):
                found.append(self.expression())
                if not self.accept(","):
                    break
        self.expect(")")
        return found

    def named(self) -> tuple[list[str], list[Node]]:
        """Names and values between braces."""
        self.expect("{")
        names, values = [], []
        while self.peek() not in ("}", ""):
            names.append(self.word())
            self.expect(":")
            values.append(self.expression())
            if not self.accept(","):
                break
        self.expect("}")
        return names, values
