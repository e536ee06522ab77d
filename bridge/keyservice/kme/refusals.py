"""Refusals as the standard has them: a status and an `Error`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bridge.domain.errors import KeyServiceError


class Refused(KeyServiceError):
    """A request that is answered with an error model."""

    def __init__(
        self, status: int, message: str, details: Sequence[dict[str, Any]] | None = None
    ) -> None:
        self.status = status
        self.message = message
        self.details = list(details) if details else None
        super().__init__(f"{status}: {message}")


def bad_request(message: str, details: Sequence[dict[str, Any]] | None = None) -> Refused:
    """400, bad request format."""
    return Refused(400, message, details)


def unauthorized() -> Refused:
    """401. It tells no more: whoever asks has no right to know what is here."""
    return Refused(401, "unauthorized")


def unavailable(message: str) -> Refused:
    """503, error of server side."""
    return Refused(503, message)
