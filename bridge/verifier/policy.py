"""What contracts must have so that they may talk through the bridge."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bridge.domain.errors import InputError
from bridge.domain.verdicts import MatchKind
from bridge.verifier.finding import Severity


@dataclass(frozen=True, slots=True)
class VerdictPolicy:
    """What an endpoint must have.

    ``greatest_severity`` is the worst finding that its scan may have, None for any; the reports
    are in the folder ``scans``, each named by its SHA-256 in hex with ".json". Where a verdict was
    given without a scan or the report is not there, ``relays_unknown_scans`` decides. An answer is
    kept for ``recheck_s``, and held messages are looked at as often. With ``follows_proxies`` what
    stands behind a proxy must have it too.
    """

    least_match: MatchKind = MatchKind.MATCH
    greatest_severity: Severity | None = None
    scans: Path | None = None
    relays_unknown_scans: bool = False
    recheck_s: float = 5.0
    follows_proxies: bool = True

    def __post_init__(self) -> None:
        if self.least_match is MatchKind.NO_MATCH:
            raise InputError("least_match: expected MATCH or EXACT_MATCH, got NO_MATCH")
        if not 0 < self.recheck_s <= 3_600:
            raise InputError(f"recheck_s: expected above 0 to 3600, got {self.recheck_s}")
        if self.greatest_severity is not None and self.scans is None:
            raise InputError("scans: expected the folder of the reports, got none")
