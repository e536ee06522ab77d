"""The figures that are committed, and whether new ones are as good."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bridge.domain.errors import InputError

SECTIONS = ("verifiers", "registration", "commitment", "delivery", "verdicts")
"""What is measured; the peers' figures are not."""
TOLERANCE_PERCENT = 1


def text(figures: Mapping[str, Any]) -> str:
    """The snapshot's text."""
    return json.dumps({name: figures[name] for name in SECTIONS}, indent=1) + "\n"


def read(path: Path) -> dict[str, int]:
    """The figures of a snapshot by their dotted names; ``InputError`` where it is none."""
    try:
        return flat(json.loads(path.read_text()))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path}: expected a snapshot of gas, got {error!r}") from error


def flat(figures: Mapping[str, Any]) -> dict[str, int]:
    """The measured figures by names such as verifiers.slh_dsa_sha2_128s.gas."""
    found: dict[str, int] = {}

    def walk(name: str, value: Any) -> None:
        if isinstance(value, Mapping):
            for key, inner in value.items():
                walk(f"{name}.{key}", inner)
        elif isinstance(value, int):
            found[name] = value
        else:
            raise ValueError(f"{name}: expected an integer, got {value!r}")

    for section in SECTIONS:
        walk(section, figures[section])
    return found


def worse(measured: Mapping[str, int], committed: Mapping[str, int]) -> list[str]:
    """A sentence for each figure that grew by more than one percent, or stands on one side only."""
    problems = []
    for name, gas in measured.items():
        if name not in committed:
            problems.append(f"{name}: {gas:,} measured, missing in the snapshot")
        elif 100 * gas > (100 + TOLERANCE_PERCENT) * committed[name]:
            problems.append(f"{name}: {gas:,} measured, {committed[name]:,} in the snapshot")
    problems += [
        f"{name}: in the snapshot, not measured" for name in committed if name not in measured
    ]
    return problems
