"""What is wrong with contract code or with what belongs to it: a part of the tree in `errors`."""

from __future__ import annotations

from enum import StrEnum

from bridge.domain.errors.input import InputError


class CodeProblem(StrEnum):
    """Why code is refused. The names appear in answers over HTTP and never change."""

    NO_CODE = "no_code"
    CODE_TOO_LONG = "code_too_long"
    EOF_FORMAT = "eof_format"
    RESERVED_FORMAT = "reserved_format"
    BAD_DELEGATION = "bad_delegation"
    BAD_CBOR = "bad_cbor"
    BAD_SOURCE_MAP = "bad_source_map"
    NOT_HEX = "not_hex"


class CodeRefused(InputError):
    """Bytes that cannot be read as EVM code, CBOR auxdata or a source map; ``code`` says why."""

    def __init__(self, code: CodeProblem, message: str) -> None:
        self.code = code
        super().__init__(f"{code}: {message}")
