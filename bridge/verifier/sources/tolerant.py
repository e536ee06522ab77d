"""A tolerant reader of Solidity: trees in the compiler's form, of text that need not compile.

Nothing is resolved and no type is known; what cannot be read is passed over. A scan of such a tree
finds less, and what it finds is less sure.
"""

from __future__ import annotations

from typing import Any

from bridge.verifier.sources.tokens import Kind, Token, tokens
from bridge.verifier.sources.yul import MAX_DEPTH, Node, Unread, YulReader, ids

LOCATIONS = {"memory", "storage", "calldata", "payable", "indexed", "transient"}
VISIBILITIES = {"public", "private", "internal", "external"}
MUTABILITIES = {"pure", "view", "payable", "constant", "immutable"}
BINARY = {
    "||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, ">": 4, "<=": 4, ">=": 4, "|": 5, "^": 6, "&": 7,
    "<<": 8, ">>": 8, ">>>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "%": 10, "**": 11,
}  # fmt: skip
ASSIGNMENTS = {"=", "+=", "-=", "*=", "/=", "%=", "|=", "&=", "^=", "<<=", ">>=", ">>>="}
NO_STATEMENT = {"}", ""}


def read_solidity(name: str, text: str) -> Node:
    """The source unit of ``text``; positions count bytes, as the compiler's do."""
    latin = text.encode(errors="replace").decode("latin-1")
    words = [one for one in tokens(latin) if one.kind is not Kind.COMMENT]
    return Reader(words).unit(name)


class Reader:
    """One pass over the tokens of a file."""

    def __init__(self, words: list[Token]) -> None:
        self.words = words
        self.at = 0
        self.depth = 0

    # Tokens.

    def peek(self, ahead: int = 0) -> str:
        at = self.at + ahead
        return self.words[at].text if at < len(self.words) else ""

    def kind(self, ahead: int = 0) -> Kind | None:
        at = self.at + ahead
        return self.words[at].kind if at < len(self.words) else None

    def start(self) -> int:
        if self.at < len(self.words):
            return self.words[self.at].start
        return self.words[-1].start if self.words else 0

    def take(self) -> str:
        text = self.peek()
        if not text:
            raise Unread("more text")
        self.at += 1
        return text

    def accept(self, text: str) -> bool:
        if self.peek() == text:
            self.at += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.accept(text):
            raise Unread(text)

    def word(self) -> str:
        if self.kind() is not Kind.WORD:
            raise Unread("a name")
        return self.take()

    def node(self, kind: str, start: int, /, **fields: Any) -> Node:
        last = self.words[self.at - 1] if self.at else None
        end = last.start + len(last.text) if last else start
        return {
            "nodeType": kind,
            "id": next(ids),
            "src": f"{start}:{max(end - start, 1)}:0",
            **fields,
        }

    def skip(self) -> None:
        """To behind the next ``;``, or a whole ``{...}``, or before a ``}`` that closes."""
        depth = 0
        while self.at < len(self.words):
            text = self.peek()
            if text in "({[" and text:
                depth += 1
            elif text in ")}]":
                if depth == 0:
                    return
                depth -= 1
                if depth == 0 and text == "}":
                    self.at += 1
                    return
            elif text == ";" and depth == 0:
                self.at += 1
                return
            self.at += 1

    def balanced(self) -> None:
        """Over one ``(...)``, ``{...}`` or ``[...]``."""
        depth = 0
        while self.at < len(self.words):
            text = self.take()
            depth += (text in ("(", "{", "[")) - (text in (")", "}", "]"))
            if depth == 0:
                return

    # Units and contracts.

    def unit(self, name: str) -> Node:
        nodes: list[Node] = []
        while self.at < len(self.words):
            before = self.at
            try:
                one = self.top()
                if one is not None:
                    nodes.append(one)
            except Unread:
                self.skip()
            if self.at == before:
                self.at += 1
        return self.node("SourceUnit", 0, nodes=nodes, absolutePath=name)

    def top(self) -> Node | None:
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
        nodes: list[Node] = []
        while self.peek() not in NO_STATEMENT:
            before = self.at
            try:
                one = self.member()
                if one is not None:
                    nodes.append(one)
            except Unread:
                self.skip()
            if self.at == before:
                self.at += 1
        self.accept("}")
        return self.node(
            "ContractDefinition", start, name=name, contractKind=kind, abstract=abstract,
            baseContracts=bases, nodes=nodes,
        )  # fmt: skip

    def member(self) -> Node | None:
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

    def path(self) -> str:
        name = self.word()
        while self.peek() == "." and self.kind(1) is Kind.WORD:
            self.at += 1
            name += "." + self.take()
        return name

    def function(self, start: int) -> Node:
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

    def parameters(self) -> list[Node]:
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

    def declaration(self, start: int, kind: Node, name: str, **fields: Any) -> Node:
        described = {"typeString": kind["name"]}
        return self.node(
            "VariableDeclaration",
            start,
            name=name,
            typeName=kind,
            typeDescriptions=described,
            **fields,
        )

    def type_name(self) -> Node:
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

    def variable(self, state: bool) -> Node:
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

    # Statements.

    def block(self) -> Node:
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
        start = self.start()
        kind = self.type_name()
        kept = "default"
        while self.peek() in LOCATIONS:
            kept = self.take()
        return self.declaration(start, kind, self.word(), storageLocation=kept)

    def bracketed(self) -> Node:
        self.expect("(")
        value = self.expression()
        self.expect(")")
        return value

    # Expressions.

    def expression(self) -> Node:
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
