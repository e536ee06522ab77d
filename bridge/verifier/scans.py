"""Reading the report of a scan, which a verdict names by its SHA-256."""

from __future__ import annotations

import json

from bridge.domain.errors import InputError
from bridge.verifier.finding import Severity


def worst_severity(report: bytes) -> Severity | None:
    """The worst severity among the findings of a report in JSON; None where it has none.

    The report is an object whose ``findings`` is a list of objects with a ``severity``.
    ``InputError`` for anything else.
    """
    try:
        found = json.loads(report)["findings"]
        severities = [Severity(one["severity"]) for one in found]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"scan: expected an object with findings that have a severity: {error}"
        ) from error
    return min(severities, key=lambda one: one.rank, default=None)
