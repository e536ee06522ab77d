"""When a key has lived or worked long enough, what comes after it, and when the old one ends."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bridge.domain.errors import InputError
from bridge.domain.keys import PublicKeyRecord
from bridge.keyservice.instants import seconds
from bridge.keyservice.store import KeyLife, KeyState


@dataclass(frozen=True, slots=True)
class RotationPolicy:
    """After ``max_age_s`` or ``max_uses`` a key gets a successor; None for never.

    The old key works on for ``overlap_s`` and is destroyed then. A signer's set on chain has to be
    rotated within that time, so there is no policy unless somebody sets one.
    """

    max_age_s: float | None = None
    max_uses: int | None = None
    overlap_s: float | None = None

    def __post_init__(self) -> None:
        for name in ("max_age_s", "max_uses", "overlap_s"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise InputError(f"rotation: expected {name} above 0, got {value}")

    def due(
        self, records: Iterable[PublicKeyRecord], lives: Mapping[str, KeyLife], now: float
    ) -> list[str]:
        """The ids of active keys that should have a successor."""
        return [
            record.key_id
            for record in records
            if lives[record.key_id].state is KeyState.ACTIVE
            and (
                (
                    self.max_age_s is not None
                    and now - seconds(record.provenance.created_at) >= self.max_age_s
                )
                or (self.max_uses is not None and lives[record.key_id].signatures >= self.max_uses)
            )
        ]

    def over(self, lives: Mapping[str, KeyLife], now: float) -> list[str]:
        """The ids of replaced keys whose overlap has ended."""
        return [
            key_id
            for key_id, life in lives.items()
            if life.state is KeyState.REPLACED
            and life.replaced_at is not None
            and self.overlap_s is not None
            and now - life.replaced_at >= self.overlap_s
        ]


def next_label(label: str) -> str:
    """The label of a successor: the generation stands after the name.

    >>> next_label("signer-1"), next_label("signer-1@2")
    ('signer-1@2', 'signer-1@3')
    """
    match = re.fullmatch(r"(.*)@(\d+)", label)
    if match is None:
        return f"{label}@2"
    return f"{match[1]}@{int(match[2]) + 1}"
