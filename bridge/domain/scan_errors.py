"""What a scan of sources refuses.

InputError
├── SourceRefused       a source, name or project that may not be read
│   └── SourceTooLarge  more bytes or files than a scan takes
├── IgnoreListWrong     an ignore list that does not say what it ignores, and why
└── CompilerFailed      a compiler that crashed, hung or answered with no JSON
"""

from __future__ import annotations

from bridge.domain.errors import InputError


class SourceRefused(InputError):
    """A source, name or project that may not be read."""

    def __init__(self, where: str, expected: str, got: str) -> None:
        super().__init__(f"{where}: expected {expected}, got {got}")


class SourceTooLarge(SourceRefused):
    """More bytes or files than a scan takes."""

    def __init__(self, where: str, what: str, limit: int, got: int) -> None:
        super().__init__(where, f"at most {limit} {what}", str(got))


class IgnoreListWrong(InputError):
    """An ignore list that does not say what it ignores, and why."""


class CompilerFailed(InputError):
    """A compiler that crashed, hung, took too much memory or answered with no JSON."""

    def __init__(self, version: str, reason: str) -> None:
        self.reason = reason
        super().__init__(f"solc {version}: {reason}")
