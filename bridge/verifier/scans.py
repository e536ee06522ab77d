"""Reading the report of a scan, which a verdict names by its SHA-256."""

from __future__ import annotations

from bridge.domain.errors import InputError
from bridge.domain.jsontext import parsed_json
from bridge.verifier.finding import Severity


def worst_severity(report: bytes) -> Severity | None:
    """The worst severity among the findings of a report in JSON; None where it has none.

    The report is an object whose ``findings`` is a list of objects with a ``severity``.
    ``InputError`` for anything else.
    """
    try:
        found = parsed_json(report)["findings"]
        severities = [Severity(one["severity"]) for one in found]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"scan: expected an object with findings that have a severity: {error}"
        ) from error
    return min(severities, key=lambda one: one.rank, default=None)
