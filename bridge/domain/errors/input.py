"""What a person or a file said cannot be used."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.domain.errors.base import BridgeError


class InputError(BridgeError):
    """What a person or a file said cannot be used."""

    exit_code = 2


class ConfigError(InputError):
    """One or more configuration keys that are wrong or missing, each with its path."""

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        self.source = source
        self.problems = tuple(problems)
        noun = "problem" if len(self.problems) == 1 else "problems"
        lines = "".join(f"\n  {problem}" for problem in self.problems)
        super().__init__(f"{source}: {len(self.problems)} {noun}{lines}")


class UnknownDomain(InputError):
    """A domain or chain name that no configured chain has."""

    def __init__(self, given: str, known: Sequence[str]) -> None:
        super().__init__(f"unknown chain {given!r}: expected one of {', '.join(known)}")


class BodyTooLong(InputError):
    """A message body over the Outbox's limit."""

    def __init__(self, length: int, limit: int) -> None:
        super().__init__(f"message body of {length} bytes: the Outbox takes at most {limit}")


class PortInUse(InputError):
    """A port that another process listens on."""

    def __init__(self, name: str, host: str, port: int) -> None:
        super().__init__(
            f"{name}: port {port} on {host} is in use by another process; "
            "stop that process or choose another port"
        )


class ExtraMissing(InputError):
    """A library of an extra that is not installed."""

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(
            f"{extra}: expected the library {library}, it is not installed: "
            f"pip install 'astralink-bridge[{extra}]'"
        )
