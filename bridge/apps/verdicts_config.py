"""Configuration of verdicts: what verifies, and what the relayer asks of endpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from bridge.domain.verdicts import MatchKind
from bridge.verifier.finding import Severity
from bridge.verifier.policy import VerdictPolicy
from bridge.verifier.recheck import TIMEOUT_S, TOOL


def _seconds(value: object) -> object:
    if isinstance(value, bool):
        raise PydanticCustomError("number", "expected a number")
    return value


Seconds = Annotated[float, BeforeValidator(_seconds)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class VerdictsConfig(_Model):
    """How an attestor and the command line verify contracts.

    ``scan`` has each scanned as well. ``compilers`` is the folder that keeps them, by default
    ``ASTRALINK_COMPILERS`` or the user's cache. A match and a scan may take ``timeout_s`` each, a
    compiler ``compile_s`` of processor time. ``tool`` stands in each verdict.
    """

    scan: bool = True
    compilers: Path | None = None
    compile_s: Annotated[Seconds, Field(gt=0, le=3_600)] = 120.0
    tool: Annotated[str, Field(min_length=1, max_length=32)] = TOOL
    timeout_s: Annotated[Seconds, Field(gt=0, le=3_600)] = TIMEOUT_S

    def resolved(self, folder: Path) -> VerdictsConfig:
        """The same with its path below ``folder``."""
        if self.compilers is None:
            return self
        return self.model_copy(update={"compilers": folder / self.compilers})


class PolicyConfig(_Model):
    """What the relayer asks of both ends of a message: a ``VerdictPolicy``, field by field.

    With ``follows_proxies`` what stands behind a proxy must have a verdict too.
    """

    least_match: Literal["MATCH", "EXACT_MATCH"] = "MATCH"
    greatest_severity: Severity | None = None
    scans: Path | None = None
    relays_unknown_scans: bool = False
    recheck_s: Annotated[Seconds, Field(gt=0, le=3_600)] = 5.0
    follows_proxies: bool = True

    def policy(self) -> VerdictPolicy:
        """The policy; ``InputError`` where its parts do not fit."""
        return VerdictPolicy(
            MatchKind[self.least_match],
            self.greatest_severity,
            self.scans,
            self.relays_unknown_scans,
            self.recheck_s,
            self.follows_proxies,
        )

    def resolved(self, folder: Path) -> PolicyConfig:
        """The same with its path below ``folder``."""
        if self.scans is None:
            return self
        return self.model_copy(update={"scans": folder / self.scans})
