"""Configuration of verdicts: what verifies, and what the relayer asks of endpoints."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from bridge.domain.errors import ConfigError
from bridge.domain.verdicts import MatchKind
from bridge.verifier.finding import Severity
from bridge.verifier.policy import VerdictPolicy
from bridge.verifier.recheck import TIMEOUT_S, TOOL

FUNCTION = r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$"
FunctionName = Annotated[str, StringConstraints(pattern=FUNCTION)]
"""A function by its module and name, as bridge.verifier.scans:worst_severity."""


def _seconds(value: object) -> object:
    if isinstance(value, bool):
        raise PydanticCustomError("number", "expected a number")
    return value


Seconds = Annotated[float, BeforeValidator(_seconds)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class VerdictsConfig(_Model):
    """What an attestor and the command line verify contracts with.

    ``match`` and ``scan`` are functions (`bridge.verifier.recheck.Match` and `Scan`); without
    ``scan`` nothing is scanned. Each may take ``timeout_s``. ``tool`` stands in each verdict.
    """

    match: FunctionName
    scan: FunctionName | None = None
    tool: Annotated[str, Field(min_length=1, max_length=32)] = TOOL
    timeout_s: Annotated[Seconds, Field(gt=0, le=3_600)] = TIMEOUT_S


class PolicyConfig(_Model):
    """What the relayer asks of both ends of a message: a ``VerdictPolicy``, field by field.

    ``severity_of`` reads a scan's report (`bridge.verifier.policy.SeverityOf`), ``behind`` finds
    what stands behind a proxy (`Behind`).
    """

    least_match: Literal["MATCH", "EXACT_MATCH"] = "MATCH"
    greatest_severity: Severity | None = None
    scans: Path | None = None
    relays_unknown_scans: bool = False
    recheck_s: Annotated[Seconds, Field(gt=0, le=3_600)] = 5.0
    severity_of: FunctionName = "bridge.verifier.scans:worst_severity"
    behind: FunctionName | None = None

    def policy(self) -> VerdictPolicy:
        """The policy; ``InputError`` where its parts do not fit."""
        return VerdictPolicy(
            MatchKind[self.least_match],
            self.greatest_severity,
            self.scans,
            self.relays_unknown_scans,
            self.recheck_s,
        )

    def resolved(self, folder: Path) -> PolicyConfig:
        """The same with its path below ``folder``."""
        if self.scans is None:
            return self
        return self.model_copy(update={"scans": folder / self.scans})


def function(where: str, name: str) -> Callable[..., Any]:
    """The function of that name; ``ConfigError`` at the key ``where`` when there is none."""
    module, _, attribute = name.partition(":")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            where, [f"expected a function as module:name, got {name}: {error}"]
        ) from error
    if not callable(found):
        raise ConfigError(where, [f"expected a function, {name} is {type(found).__name__}"])
    result: Callable[..., Any] = found
    return result
