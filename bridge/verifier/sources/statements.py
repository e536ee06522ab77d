"""Statements, read without a compiler."""

from __future__ import annotations

from bridge.verifier.sources.expressions import LOCATIONS, Expressions
from bridge.verifier.sources.tokens import Kind
from bridge.verifier.sources.yul import MAX_DEPTH, Node, Unread, YulReader

NO_STATEMENT = {"}", ""}


class Statements(Expressions):
    """Reads blocks; what cannot be read in one is passed over."""

    def block(self) -> Node:
        """Statements between braces; what cannot be read is passed over."""
        start = self.start()
        self.expect("{")
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unread("blocks nested too deep")
        statements: list[Node] = []
        try:
            while self.peek() not in NO_STATEMENT:
                before = self.at
                try:
                    statements.append(self.statement())
                except Unread:
                    self.skip()
                if self.at == before:
                    self.at += 1
        finally:
            self.depth -= 1
        self.accept("}")
        return self.node("Block", start, statements=statements)

    def statement(self) -> Node:
        """One statement; ``Unread`` where it nests too deep."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.depth -= 1
            raise Unread("statements nested too deep")
        try:
            return self._statement()
        finally:
            self.depth -= 1

    def _statement(self) -> Node:
        start, word = self.start(), self.peek()
        if word == "{":
            return self.block()
        if word == "unchecked" and self.peek(1) == "{":
            self.at += 1
            return self.block()
        if word == "if":
            self.at += 1
            condition = self.bracketed()
            true = self.statement()
            false = self.statement() if self.accept("else") else None
            return self.node(
                "IfStatement", start, condition=condition, trueBody=true, falseBody=false
            )
        if word == "while":
            self.at += 1
            condition = self.bracketed()
            return self.node("WhileStatement", start, condition=condition, body=self.statement())
        if word == "do":
            self.at += 1
            body = self.statement()
            self.expect("while")
            condition = self.bracketed()
            self.accept(";")
            return self.node("DoWhileStatement", start, condition=condition, body=body)
        if word == "for":
            return self.loop(start)
        if word == "return":
            self.at += 1
            value = None if self.peek() == ";" else self.expression()
            self.accept(";")
            return self.node("Return", start, expression=value)
        if word == "assembly":
            while self.peek() not in ("{", ""):
                self.at += 1
            yul = YulReader(self.words, self.at)
            tree = yul.block()
            self.at = yul.at
            return self.node("InlineAssembly", start, AST=tree)
        if word in ("emit", "revert") and self.kind(1) is Kind.WORD:
            self.at += 1
            call = self.expression()
            self.accept(";")
            kind = "EmitStatement" if word == "emit" else "RevertStatement"
            return self.node(kind, start, **{f"{'event' if word == 'emit' else 'error'}Call": call})
        if word == "try":
            return self.attempt(start)
        if word in ("break", "continue", "throw", "_") and self.peek(1) == ";":
            self.at += 2
            kinds = {"_": "PlaceholderStatement", "throw": "Throw"}
            return self.node(kinds.get(word, "Break"), start)
        return self.simple(start)

    def loop(self, start: int) -> Node:
        """A `for` loop."""
        self.at += 1
        self.expect("(")
        first = None if self.accept(";") else self.simple(self.start())
        condition = None if self.peek() == ";" else self.expression()
        self.accept(";")
        last = None if self.peek() == ")" else self.expression()
        self.expect(")")
        step = None if last is None else self.node("ExpressionStatement", start, expression=last)
        return self.node(
            "ForStatement", start, initializationExpression=first, condition=condition,
            loopExpression=step, body=self.statement(),
        )  # fmt: skip

    def attempt(self, start: int) -> Node:
        """A `try` with its clauses."""
        self.at += 1
        call = self.expression()
        clauses: list[Node] = []
        while True:
            where = self.start()
            parameters: list[Node] = []
            if self.accept("returns"):
                parameters = self.parameters()
            elif self.accept("catch"):
                if self.kind() is Kind.WORD:
                    self.at += 1
                if self.peek() == "(":
                    parameters = self.parameters()
            elif clauses:
                break
            clauses.append(
                self.node(
                    "TryCatchClause",
                    where,
                    parameters={"parameters": parameters},
                    block=self.block(),
                )
            )
        return self.node("TryStatement", start, externalCall=call, clauses=clauses)

    def simple(self, start: int) -> Node:
        """A declaration of variables, or an expression."""
        before = self.at
        try:
            return self.declared(start)
        except Unread:
            self.at = before
        value = self.expression()
        self.accept(";")
        return self.node("ExpressionStatement", start, expression=value)

    def declared(self, start: int) -> Node:
        """The declaration of one or several variables, with its value."""
        names: list[Node | None] = []
        if self.accept("var") and self.peek() != "(":
            names.append(self.declaration(start, {"name": "var"}, self.word()))
        elif self.accept("("):
            while self.peek() not in (")", ""):
                if self.peek() == ",":
                    names.append(None)
                elif self.kind(1) is Kind.SIGN and self.peek(1) in (",", ")"):
                    names.append(self.declaration(start, {"name": "var"}, self.word()))
                else:
                    names.append(self.local())
                if not self.accept(","):
                    break
            self.expect(")")
            if self.peek() != "=" or not any(
                one and one["typeDescriptions"]["typeString"] != "var" for one in names
            ):
                raise Unread("a declaration")
        else:
            names.append(self.local())
            if self.peek() not in ("=", ";"):
                raise Unread("a declaration")
        value = self.expression() if self.accept("=") else None
        self.accept(";")
        return self.node(
            "VariableDeclarationStatement", start, declarations=names, initialValue=value
        )

    def local(self) -> Node:
        """The declaration of a variable without its value."""
        start = self.start()
        kind = self.type_name()
        kept = "default"
        while self.peek() in LOCATIONS:
            kept = self.take()
        return self.declaration(start, kind, self.word(), storageLocation=kept)

    def bracketed(self) -> Node:
        """An expression in brackets."""
        self.expect("(")
        value = self.expression()
        self.expect(")")
        return value
