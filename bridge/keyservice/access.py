"""Who may do what with which key, over mutual TLS: a certificate's name is bound to purposes.

The bearer token of the other address may do everything: it is the operator's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from starlette.requests import Request

from bridge.domain.errors import InputError, PurposeRefused
from bridge.keyservice.certified import caller


class Right(StrEnum):
    """What a caller may do. The names stand in configurations."""

    READ = "read"
    CHECKPOINT = "checkpoint"
    ROTATION = "rotation"
    VERDICT = "verdict"
    DECAPSULATE = "decapsulate"
    ADMINISTER = "administer"


@dataclass(frozen=True, slots=True)
class Grant:
    """What the holder of a certificate may do, and with the keys of which labels.

    A label stands for its successors as well. ``READ`` is always there.
    """

    name: str
    rights: frozenset[Right]
    labels: frozenset[str] = frozenset()

    def allows(self, right: Right, label: str | None) -> bool:
        """Whether it does; without a label it is about the service itself."""
        if right is Right.READ:
            return True
        if right not in self.rights:
            return False
        return label is None or label.partition("@")[0] in self.labels


class Access:
    """The grants of an address, or none of them: then everything is allowed."""

    def __init__(self, grants: Iterable[Grant] | None = None) -> None:
        self._grants: dict[str, Grant] | None = None
        if grants is not None:
            listed = list(grants)
            self._grants = {one.name: one for one in listed}
            if len(self._grants) != len(listed):
                raise InputError("grants: expected each name once")

    def require(self, request: Request, right: Right, label: str | None = None) -> None:
        """Pass, or raise ``PurposeRefused``."""
        if self._grants is None:
            return
        name = caller(request.scope)
        grant = None if name is None else self._grants.get(name)
        if grant is None or not grant.allows(right, label):
            raise PurposeRefused(name or "", right, label or "")
