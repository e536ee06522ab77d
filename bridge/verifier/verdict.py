"""A verdict: what was verified of one contract at one block, in the form that a quorum signs.

It stands in the domain, since signers and contracts know it too.
"""

from __future__ import annotations

from bridge.domain.verdicts import MatchKind, Verdict

__all__ = ["MatchKind", "Verdict"]
