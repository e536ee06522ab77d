"""What must hold at the end of a soak, asked of the chains and of the journal."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.apps.devnet.layout import CHAINS
from bridge.chain.contracts import Contract
from bridge.domain.delivery import Stage
from bridge.domain.messages import Message
from bridge.relayer.journal import Entry, Journal
from tests.soak.network import ROOT, Network
from tests.soak.traffic import DELIVERED, Kind, Traffic
from tests.soak.watch import dispatches


@dataclass
class Audit:
    """Counts by kind of what became of the messages; ``problems`` is empty where all is well."""

    dispatched: Counter[Kind] = field(default_factory=Counter)
    delivered: Counter[Kind] = field(default_factory=Counter)
    waiting: Counter[Kind] = field(default_factory=Counter)
    dead: Counter[Kind] = field(default_factory=Counter)
    reasons: dict[Kind, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    problems: list[str] = field(default_factory=list)


async def audit(network: Network, traffic: Traffic, where: Path | str | None = None) -> Audit:
    """Every message of both chains once delivered, or refused by its recipient and kept so.

    The journal is the shared one, or that at ``where``.
    """
    result = Audit()
    journal = Journal(where or network.journal_url)
    try:
        entries = {entry.id: entry for entry in journal.all_entries()}
    finally:
        journal.close()
    known: set[bytes] = set()
    for name, there in zip(CHAINS, reversed(CHAINS), strict=True):
        messages = await dispatches(network, name, network.clients[name])
        known |= messages.keys()
        times = await _deliveries(network, there)
        for identifier, message in messages.items():
            kind = traffic.recipients[there].kind(message)
            result.dispatched[kind] += 1
            _check(result, kind, message, identifier, times[identifier], entries.get(identifier))
        for identifier in times.keys() - messages.keys():
            result.problems.append(f"0x{identifier.hex()} was delivered on {there}, sent by nobody")
    for identifier in entries.keys() - known:
        result.problems.append(f"0x{identifier.hex()} is in the journal and on no chain")
    return result


async def astralink_audit(network: Network, journal: str = "") -> dict[str, Any]:
    """What ``astralink audit --json`` says of the shared journal or another, or how it failed."""
    command = [sys.executable, "-m", "bridge.apps.cli", "audit", "--json", "--wait", "30"]
    process = await asyncio.create_subprocess_exec(
        *command,
        "--state",
        str(network.layout.folder),
        cwd=ROOT,
        env={**os.environ, "ASTRALINK_RELAYER__JOURNAL": journal or network.journal_url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    try:
        found: dict[str, Any] = json.loads(out)
    except ValueError:
        return {"agrees": False, "error": err.decode(errors="replace").strip()[-500:]}
    return found


def _check(
    result: Audit,
    kind: Kind,
    message: Message,
    identifier: bytes,
    times: int,
    entry: Entry | None,
) -> None:
    what = f"0x{identifier.hex()} ({message.origin}->{message.destination} {message.nonce}, {kind})"
    stage = entry.stage if entry is not None else None
    result.delivered[kind] += times == 1
    if times > 1:
        result.problems.append(f"{what}: delivered {times} times")
    if entry is None:
        result.problems.append(f"{what}: not in the journal")
    elif kind in DELIVERED:
        if times != 1 or stage is not Stage.CONFIRMED:
            result.problems.append(f"{what}: delivered {times} times, journal says {_said(entry)}")
    elif times != 0 or stage not in (Stage.ATTESTED, Stage.DEAD_LETTER) or not entry.error:
        result.problems.append(f"{what}: delivered {times} times, journal says {_said(entry)}")
    else:
        (result.dead if stage is Stage.DEAD_LETTER else result.waiting)[kind] += 1
        result.reasons[kind][entry.error] += 1


def _said(entry: Entry) -> str:
    return (
        f"{entry.stage} under {entry.size}, attempts {entry.attempts}, "
        f"transaction {entry.transaction}, error {entry.error}"
    )


async def _deliveries(network: Network, name: str) -> Counter[bytes]:
    """How often each id was delivered on a chain."""
    side = network.deployment.sides[name]
    client = network.clients[name]
    inbox = Contract.at(client, "Inbox", side.inbox)
    head = (await client.block("latest")).number
    topics = [inbox.artifact.topic("ProcessId")]
    logs = await client.logs(side.inbox, topics, side.start_block, head)
    return Counter(log.topics[1] for log in logs)
