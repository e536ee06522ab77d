"""The extensions of `Get key` that this KME has, and what is done about others.

    astralink_max_qber    a number from 0 to 1: bits of blocks with no higher QBER alone
    astralink_provenance  true: with each key, where it comes from

As mandatory they are met or refused; as optional they are met where they can be. Others are refused
where they are mandatory, and passed over where they are optional.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bridge.keyservice.kme.refusals import bad_request
from bridge.keyservice.kme.wire import MANDATORY_UNMET, MANDATORY_UNSUPPORTED

MAX_QBER = "astralink_max_qber"
PROVENANCE = "astralink_provenance"
SUPPORTED = (MAX_QBER, PROVENANCE)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the extensions of a request ask for."""

    max_qber: float | None = None
    max_qber_is_mandatory: bool = False
    provenance: bool = False


def read_extensions(
    mandatory: Sequence[dict[str, Any]] | None, optional: Sequence[dict[str, Any]] | None
) -> Asked:
    """What is asked for; raises ``Refused`` for a mandatory extension that cannot be met."""
    needed = [pair for one in mandatory or () for pair in one.items()]
    unknown = [name for name, _ in needed if name not in SUPPORTED]
    if unknown:
        raise bad_request(
            MANDATORY_UNSUPPORTED, [{"extension_mandatory_unsupported": name} for name in unknown]
        )
    unmet = [{name: value} for name, value in needed if not _makes_sense(name, value)]
    if unmet:
        raise bad_request(MANDATORY_UNMET, unmet)
    wished = [
        pair
        for one in optional or ()
        for pair in one.items()
        if pair[0] in SUPPORTED and _makes_sense(*pair)
    ]
    limits = [value for name, value in needed if name == MAX_QBER]
    wishes = [value for name, value in wished if name == MAX_QBER]
    return Asked(
        max_qber=min(limits or wishes, default=None),
        max_qber_is_mandatory=bool(limits),
        provenance=any(name == PROVENANCE and value for name, value in (*needed, *wished)),
    )


def _makes_sense(name: str, value: Any) -> bool:
    if name == PROVENANCE:
        return isinstance(value, bool)
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
