"""What a scan of sources refuses."""

from __future__ import annotations

from bridge.domain.errors.input import InputError


class SourceUnreadable(InputError):
    """A source, name or project that may not be read."""

    def __init__(self, where: str, expected: str, got: str) -> None:
        super().__init__(f"{where}: expected {expected}, got {got}")


class SourceTooLarge(SourceUnreadable):
    """More bytes or files than a scan takes."""

    def __init__(self, where: str, what: str, limit: int, got: int) -> None:
        super().__init__(where, f"at most {limit} {what}", str(got))


class IgnoreListWrong(InputError):
    """An ignore list that does not say what it ignores, and why."""


class CompilerCrashed(InputError):
    """A compiler that crashed, hung, took too much memory or answered with no JSON."""

    def __init__(self, version: str, reason: str) -> None:
        self.reason = reason
        super().__init__(f"solc {version}: {reason}")
