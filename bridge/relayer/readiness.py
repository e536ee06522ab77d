"""Whether a relayer can do its work now, and if not, why."""

from __future__ import annotations

import time

from bridge.domain.errors import AccountEmpty, JournalUnavailable
from bridge.relayer.daemon import Relayer

SILENCE_S = 15.0
"""A chain that gave no answer for so long is unread."""


def hindrances(relayer: Relayer, journal_up: bool) -> list[str]:
    """The reasons for which the relayer is not ready; none where it is."""
    found = []
    watch = relayer.watch
    away = [one for one in watch.failing.values() if one.error == JournalUnavailable.__name__]
    if away or not journal_up:
        found.append(away[0].reason if away else "journal: no answer")
    for side in relayer.sides:
        silence = time.monotonic() - watch.chains[side.domain].answered_at
        if silence > SILENCE_S:
            found.append(f"chain {side.name}: no answer for {silence:.0f} s")
        account = watch.accounts.get(side.domain)
        if account is not None and account.balance_wei == 0:
            found.append(f"chain {side.name}: account {relayer.account.address} is empty")
        quorum = relayer.probe.quorums.get(side.domain)
        if quorum is None:
            found.append(f"chain {side.name}: its signers were not read yet")
        elif not quorum.stands:
            found.append(
                f"chain {side.name}: attestors of weight {quorum.weight} can sign, expected a "
                f"quorum of {quorum.threshold}{_problems(relayer)}"
            )
    empty = {one.reason for one in watch.failing.values() if one.error == AccountEmpty.__name__}
    return found + sorted(empty)


def _problems(relayer: Relayer) -> str:
    named = [
        f"{client.url}: {seen.problem}"
        for client, seen in relayer.probe.attestors.items()
        if seen.problem is not None
    ]
    return f" ({'; '.join(named)})" if named else ""
