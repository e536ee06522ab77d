"""Assembly as a syntax tree in the compiler's form, for trees that hold it as text only."""

from __future__ import annotations

from itertools import count
from typing import Any

from bridge.verifier.sources.tokens import Kind, Token, tokens

Node = dict[str, Any]
MAX_DEPTH = 150


class Unread(Exception):
    """Text that is not what was expected there; the reader passes over it."""


class YulReader:
    """Reads assembly from tokens; ``at`` is the place of the next one."""

    def __init__(self, words: list[Token], at: int, base: int = 0) -> None:
        self._words = words
        self._base = base
        self._depth = 0
        self.at = at

    def block(self) -> Node:
        """``{ ... }`` as a YulBlock. What cannot be read in it is passed over."""
        start = self._start()
        self._expect("{")
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Unread("assembly nested too deep")
        statements = []
        while self._peek() not in ("}", ""):
            before = self.at
            try:
                statements.append(self._statement())
            except Unread:
                if self.at == before:
                    self.at += 1
        self._depth -= 1
        self._accept("}")
        return self._node("YulBlock", start, statements=statements)

    def _statement(self) -> Node:
        start, word = self._start(), self._peek()
        if word == "{":
            return self.block()
        if word == "if":
            self.at += 1
            condition = self._expression()
            return self._node("YulIf", start, condition=condition, body=self.block())
        if word == "for":
            self.at += 1
            pre = self.block()
            condition = self._expression()
            post = self.block()
            body = self.block()
            return self._node(
                "YulForLoop", start, pre=pre, condition=condition, post=post, body=body
            )
        if word == "switch":
            return self._switch(start)
        if word == "function":
            return self._function(start)
        if word in ("break", "continue", "leave"):
            self.at += 1
            return self._node("YulLeave", start)
        if word == "let":
            self.at += 1
            names = self._names()
            value = self._expression() if self._accept(":=") else None
            return self._node("YulVariableDeclaration", start, variables=names, value=value)
        if self._peek(1) in (":=", ",") or (self._peek(1) == "." and self._peek(3) in (":=", ",")):
            names = self._names()
            self._expect(":=")
            return self._node("YulAssignment", start, variableNames=names, value=self._expression())
        value = self._expression()
        return self._node("YulExpressionStatement", start, expression=value)

    def _switch(self, start: int) -> Node:
        self.at += 1
        value = self._expression()
        cases = []
        while self._peek() in ("case", "default"):
            where = self._start()
            if self._take() == "case":
                self._expression()
            cases.append(self._node("YulCase", where, body=self.block()))
        return self._node("YulSwitch", start, expression=value, cases=cases)

    def _function(self, start: int) -> Node:
        self.at += 1
        name = self._take()
        self._expect("(")
        parameters = [] if self._peek() == ")" else self._names()
        self._expect(")")
        returned = self._names() if self._accept("->") else []
        return self._node(
            "YulFunctionDefinition",
            start,
            name=name,
            parameters=parameters,
            returnVariables=returned,
            body=self.block(),
        )

    def _names(self) -> list[Node]:
        names = []
        while True:
            start = self._start()
            name = self._word()
            names.append(self._node("YulIdentifier", start, name=name))
            if not self._accept(","):
                return names

    def _word(self) -> str:
        token = self._token()
        if token is None or token.kind is not Kind.WORD:
            raise Unread("a name")
        name = self._take()
        while self._accept("."):
            name += "." + self._take()
        return name

    def _expression(self) -> Node:
        start, token = self._start(), self._token()
        if token is None:
            raise Unread("an expression")
        if token.kind in (Kind.NUMBER, Kind.STRING):
            self.at += 1
            kind = "number" if token.kind is Kind.NUMBER else "string"
            return self._node("YulLiteral", start, kind=kind, value=token.text.strip("\"'"))
        name = self._word()
        called = self._node("YulIdentifier", start, name=name)
        if not self._accept("("):
            return called
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Unread("assembly nested too deep")
        arguments = []
        while self._peek() not in (")", ""):
            arguments.append(self._expression())
            if not self._accept(","):
                break
        self._depth -= 1
        self._expect(")")
        return self._node("YulFunctionCall", start, functionName=called, arguments=arguments)

    def _node(self, kind: str, start: int, /, **fields: Any) -> Node:
        end = self._words[self.at - 1].start + self._base if self.at else start
        return {"nodeType": kind, "src": f"{start}:{max(end - start, 1)}:0", **fields}

    def _token(self, ahead: int = 0) -> Token | None:
        at = self.at + ahead
        return self._words[at] if at < len(self._words) else None

    def _peek(self, ahead: int = 0) -> str:
        token = self._token(ahead)
        return token.text if token else ""

    def _start(self) -> int:
        token = self._token()
        return (token.start if token else 0) + self._base

    def _take(self) -> str:
        text = self._peek()
        if not text:
            raise Unread("more text")
        self.at += 1
        return text

    def _accept(self, text: str) -> bool:
        if self._peek() == text:
            self.at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise Unread(text)


def read_yul(text: str, base: int) -> Node:
    """The block in ``text``, which stands at byte ``base`` of its source."""
    words = [one for one in tokens(text) if one.kind is not Kind.COMMENT]
    start = next((at for at, one in enumerate(words) if one.text == "{"), 0)
    try:
        return YulReader(words, start, base).block()
    except Unread:
        return {"nodeType": "YulBlock", "src": f"{base}:1:0", "statements": []}


ids = count(1)
"""Numbers for the nodes of trees that no compiler made: a Python process has them once."""
