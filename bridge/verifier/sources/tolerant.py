"""A tolerant reader of Solidity: trees in the compiler's form, of text that need not compile.

Nothing is resolved and no type is known; what cannot be read is passed over. A scan of such a tree
finds less, and what it finds is less sure.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bridge.verifier.sources.expressions import LOCATIONS, MUTABILITIES, VISIBILITIES
from bridge.verifier.sources.statements import NO_STATEMENT, Statements
from bridge.verifier.sources.tokens import Kind, tokens
from bridge.verifier.sources.yul import Node, Unread


def read_solidity(name: str, text: str) -> Node:
    """The source unit of ``text``; positions count bytes, as the compiler's do."""
    latin = text.encode(errors="replace").decode("latin-1")
    words = [one for one in tokens(latin) if one.kind is not Kind.COMMENT]
    return Reader(words).unit(name)


class Reader(Statements):
    """Reads units, contracts and functions: one pass over the tokens of a file."""

    def each(self, read: Callable[[], Node | None], done: Callable[[], bool]) -> list[Node]:
        """What ``read`` makes of one part after another; what it cannot read is passed over."""
        nodes: list[Node] = []
        while not done():
            before = self.at
            try:
                one = read()
                if one is not None:
                    nodes.append(one)
            except Unread:
                self.skip()
            if self.at == before:
                self.at += 1
        return nodes

    def unit(self, name: str) -> Node:
        """The whole file."""
        nodes = self.each(self.top, lambda: self.at >= len(self.words))
        return self.node("SourceUnit", 0, nodes=nodes, absolutePath=name)

    def top(self) -> Node | None:
        """A part of the file: a contract, function, struct or constant; None for others."""
        start, word = self.start(), self.peek()
        if word == "abstract" and self.peek(1) == "contract":
            self.at += 1
            return self.contract(start, abstract=True)
        if word in ("contract", "library", "interface") and self.kind(1) is Kind.WORD:
            return self.contract(start, abstract=False)
        if word in ("pragma", "import", "event", "error", "type"):
            self.skip()
            return None
        return self.member()

    def contract(self, start: int, abstract: bool) -> Node:
        """A contract, library or interface with its bases and members."""
        kind = self.take()
        name = self.word()
        bases = []
        if self.accept("is"):
            while True:
                where = self.start()
                path = self.path()
                arguments = self.arguments() if self.peek() == "(" else []
                base = self.node("IdentifierPath", where, name=path)
                bases.append(
                    self.node("InheritanceSpecifier", where, baseName=base, arguments=arguments)
                )
                if not self.accept(","):
                    break
        while self.peek() not in ("{", ""):
            self.at += 1
        self.expect("{")
        nodes = self.each(self.member, lambda: self.peek() in NO_STATEMENT)
        self.accept("}")
        return self.node(
            "ContractDefinition", start, name=name, contractKind=kind, abstract=abstract,
            baseContracts=bases, nodes=nodes,
        )  # fmt: skip

    def member(self) -> Node | None:
        """A part of a contract; None for what a scan has no use for."""
        start, word = self.start(), self.peek()
        if word == "using":
            self.at += 1
            library = self.path() if self.peek() != "{" else ""
            self.skip()
            return self.node("UsingForDirective", start, libraryName={"name": library})
        if word in ("function", "modifier", "constructor") or (
            word in ("fallback", "receive") and self.peek(1) == "("
        ):
            return self.function(start)
        if word in ("struct", "enum"):
            self.at += 1
            name = self.word()
            self.balanced()
            return self.node("StructDefinition", start, name=name)
        if word in ("event", "error", "type"):
            self.skip()
            return None
        declared = self.variable(state=True)
        self.accept(";")
        return declared

    def function(self, start: int) -> Node:
        """A function, constructor or modifier."""
        kind = self.take()
        name = kind if kind in ("constructor", "fallback", "receive") else ""
        if self.peek() != "(" and self.kind() is Kind.WORD:
            name = self.take()
        fields: dict[str, Any] = {
            "name": name,
            "visibility": "internal" if kind == "modifier" else "public",
            "stateMutability": "nonpayable",
            "virtual": False,
            "modifiers": [],
            "parameters": {"parameters": []},
            "returnParameters": {"parameters": []},
        }
        if self.peek() == "(":
            fields["parameters"] = {"parameters": self.parameters()}
        while self.peek() not in ("{", ";", ""):
            where, word = self.start(), self.peek()
            if word in VISIBILITIES:
                fields["visibility"] = self.take()
            elif word in MUTABILITIES:
                fields["stateMutability"] = {"constant": "view"}.get(word, word)
                self.at += 1
            elif word in ("virtual", "override"):
                fields["virtual"] = True
                self.at += 1
                if self.peek() == "(":
                    self.balanced()
            elif word == "returns":
                self.at += 1
                fields["returnParameters"] = {"parameters": self.parameters()}
            elif self.kind() is Kind.WORD:
                called = self.node("Identifier", where, name=self.path())
                arguments = self.arguments() if self.peek() == "(" else []
                fields["modifiers"].append(
                    self.node("ModifierInvocation", where, modifierName=called, arguments=arguments)
                )
            else:
                self.at += 1
        if self.peek() == "{":
            fields["body"] = self.block()
        else:
            self.accept(";")
            fields["body"] = None
        node_kind = "ModifierDefinition" if kind == "modifier" else "FunctionDefinition"
        fields["kind"] = kind if kind in ("constructor", "fallback", "receive") else "function"
        return self.node(node_kind, start, implemented=fields["body"] is not None, **fields)

    def variable(self, state: bool) -> Node:
        """A variable of the contract, or a constant of the file."""
        start = self.start()
        kind = self.type_name()
        constant = False
        while self.peek() in VISIBILITIES | MUTABILITIES | LOCATIONS | {"override"}:
            constant |= self.take() in ("constant", "immutable")
            if self.peek() == "(":
                self.balanced()
        name = self.word()
        value = None
        if self.peek() not in ("=", ";"):
            raise Unread("= or ;")
        if self.accept("="):
            value = self.expression()
        return self.declaration(
            start, kind, name, stateVariable=state, constant=constant, value=value
        )
