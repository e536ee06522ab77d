"""A place in the tokens of a file, and the nodes that are made of what was read there."""

from __future__ import annotations

from typing import Any

from bridge.verifier.sources.tokens import Kind, Token
from bridge.verifier.sources.yul import Node, Unread, ids


class Cursor:
    """Goes through tokens; `Unread` where something else was expected."""

    def __init__(self, words: list[Token]) -> None:
        self.words = words
        self.at = 0
        self.depth = 0

    # Tokens.

    def peek(self, ahead: int = 0) -> str:
        """The word that is ``ahead`` of here, empty behind the end."""
        at = self.at + ahead
        return self.words[at].text if at < len(self.words) else ""

    def kind(self, ahead: int = 0) -> Kind | None:
        """The kind of that word, None behind the end."""
        at = self.at + ahead
        return self.words[at].kind if at < len(self.words) else None

    def start(self) -> int:
        """Where the next word begins, in bytes; the last word's start at the end."""
        if self.at < len(self.words):
            return self.words[self.at].start
        return self.words[-1].start if self.words else 0

    def take(self) -> str:
        """The next word, which is passed; ``Unread`` at the end."""
        text = self.peek()
        if not text:
            raise Unread("more text")
        self.at += 1
        return text

    def accept(self, text: str) -> bool:
        """Pass the next word where it is ``text``; whether it was."""
        if self.peek() == text:
            self.at += 1
            return True
        return False

    def expect(self, text: str) -> None:
        """Pass the next word, which must be ``text``; ``Unread`` where it is not."""
        if not self.accept(text):
            raise Unread(text)

    def word(self) -> str:
        """The next word, which must be a name; ``Unread`` where it is not."""
        if self.kind() is not Kind.WORD:
            raise Unread("a name")
        return self.take()

    def node(self, kind: str, start: int, /, **fields: Any) -> Node:
        """A node from ``start`` to the last word that was passed, as the compiler writes it."""
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
