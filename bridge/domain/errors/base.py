"""The base of all errors, and those that stand alone."""

from __future__ import annotations

from typing import Any, ClassVar


class BridgeError(Exception):
    """Base of all errors that the bridge raises on purpose."""

    retryable: ClassVar[bool] = False
    exit_code: ClassVar[int] = 1

    def __reduce__(self) -> tuple[Any, ...]:
        # Python would call the class with the message alone, which most of them do not take: an
        # error of a worker process would arrive as the loss of the process.
        return _rebuilt, (type(self), self.args, self.__dict__)


def _rebuilt(kind: type[BridgeError], args: tuple[Any, ...], state: dict[str, Any]) -> BridgeError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class ProofError(BridgeError):
    """A Merkle proof that does not fit its root."""


class ProcessError(BridgeError):
    """A process that did not start or did not stop."""

    exit_code = 7
