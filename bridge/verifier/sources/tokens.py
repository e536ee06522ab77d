"""Tokens of Solidity and Yul. No text is refused: what is no token is passed over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a token is."""

    COMMENT = "comment"
    STRING = "string"
    NUMBER = "number"
    WORD = "word"
    SIGN = "sign"


@dataclass(frozen=True, slots=True)
class Token:
    """``start`` counts characters from 0; a string keeps its quotes."""

    kind: Kind
    text: str
    start: int


_TOKEN = re.compile(
    r"""
    (?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z))
  | (?P<string>(?:hex|unicode)?"(?:\\.|[^"\\\n])*"|(?:hex|unicode)?'(?:\\.|[^'\\\n])*')
  | (?P<number>0[xX][0-9a-fA-F_]+|\d[\d_]*(?:\.\d[\d_]*)?(?:[eE]-?\d+)?|\.\d+)
  | (?P<word>[A-Za-z_$][A-Za-z0-9_$]*)
  | (?P<sign>>>>=|<<=|>>=|>>>|\*\*|:=|=>|->|\+\+|--|&&|\|\||==|!=|<=|>=|<<|>>
            |\+=|-=|\*=|/=|%=|&=|\|=|\^=|[-+*/%&|^~!<>=?:;,.(){}\[\]@])
    """,
    re.VERBOSE | re.DOTALL,
)


def tokens(text: str) -> Iterator[Token]:
    """All tokens of ``text``, comments too, in order."""
    for match in _TOKEN.finditer(text):
        yield Token(Kind(match.lastgroup or "sign"), match.group(), match.start())
