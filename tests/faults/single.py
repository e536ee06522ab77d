"""One fault at a time on a network of real processes, with messages before, during and after it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from bridge.apps.devnet.layout import CHAINS
from bridge.domain.errors import ChainError, JournalUnavailable
from bridge.relayer.journal import Journal
from tests.faults.page import record
from tests.soak.audit import Audit, astralink_audit, audit
from tests.soak.faults import Faults
from tests.soak.network import TWO_RELAYERS, Network, RelayerPlan
from tests.soak.traffic import Kind, Traffic

WELL_S = 420.0
POLL_S = 0.5
FINALITY_BLOCKS = 2
"""No fault here is a reorg, so that nothing needs a longer window; a message waits for two."""
LAST_S = (2.0, 5.0)
"""How long a fault lasts: longer than a block, and some longer than an endpoint has to answer."""
MIXED = (Kind.ORDINARY, Kind.LARGE, Kind.ORDINARY, Kind.GAS_LIMIT, Kind.REVERTS, Kind.ORDINARY)


class Ground:
    """A network for many faults, one after the other; closed by ``close``."""

    def __init__(
        self,
        folder: Path,
        relayers: Sequence[RelayerPlan] = TWO_RELAYERS,
        program: str = "bridge.apps.cli",
        seed: int = 1,
    ) -> None:
        self.network = Network(folder, relayers, program, FINALITY_BLOCKS)
        self.traffic = Traffic(self.network, seed, 0.0)
        self.faults = Faults(self.network, seed, LAST_S)
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        try:
            self._runner.run(self._up())
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End everything."""
        self.network.__exit__()
        self._runner.run(self.network.close())
        self._runner.close()

    def run(self, work: Any) -> Any:
        """What a coroutine gives, in the loop that the clients belong to."""
        return self._runner.run(work)

    async def _up(self) -> None:
        await self.network.up()
        await self.traffic.prepare()

    def send(self, kinds: Sequence[Kind] = MIXED) -> None:
        """Dispatch these both ways; a chain that is away takes none."""

        async def both() -> None:
            for name in CHAINS:
                try:
                    await self.traffic.send(name, kinds)
                except ChainError:
                    continue

        self.run(both())

    def survives(self, kind: str, name: str, at: str = "", **more: Any) -> Audit:
        """Have the fault ``name`` of the soak's table with messages around it, and note the row."""
        before = self.count()
        self.send()

        async def fault() -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.faults.one(name))
                await asyncio.sleep(POLL_S)
                for chain in CHAINS:
                    try:
                        await self.traffic.send(chain, MIXED)
                    except ChainError:
                        continue

        self.run(fault())
        began = time.monotonic()
        self.send()
        return self.well(kind, name, at or self.faults.done[-1].at, began, before, **more)

    def well(
        self, kind: str, fault: str, at: str, began: float, before: int = 0, **more: Any
    ) -> Audit:
        """What the audit finds when all agree, and a row of the page; fails where they do not.

        ``began`` is the monotonic time of the fault's end, ``before`` how many messages there were.
        """
        found = self.run(self._settled())
        record(
            kind,
            fault,
            at,
            messages=found.dispatched.total() - before,
            delivered=found.delivered.total() - self._delivered_before,
            dead=found.dead.total(),
            seconds=time.monotonic() - began,
            waiting=found.waiting.total(),
            **more,
        )
        assert found.dispatched.total() > before
        return found

    def count(self) -> int:
        """How many messages there are; those that were delivered are not counted in the next."""
        found = self.run(self._look())
        self._delivered_before = found.delivered.total()
        return found.dispatched.total()

    _delivered_before = 0

    async def _look(self) -> Audit:
        return await audit(self.network, self.traffic, self.network.journals[0])

    async def _settled(self) -> Audit:
        """The audit of every journal, once it agrees and nothing is under way."""
        deadline = time.monotonic() + WELL_S
        while True:
            await asyncio.sleep(POLL_S)
            problems: list[str] = []
            try:
                for where in self.network.journals:
                    found = await audit(self.network, self.traffic, where)
                    problems += found.problems
                    problems += _under_way(where)
                if not problems:
                    said = await astralink_audit(self.network, str(self.network.journals[0]))
                    if said["agrees"]:
                        return found
                    problems = [str(said)]
            except (ChainError, JournalUnavailable) as error:
                problems = [str(error)]
            for process in self.network.processes.values():
                assert process.alive, f"{process.name}: {process.last_words()}"
            assert time.monotonic() < deadline, "\n".join(problems[:20])


def _under_way(where: Path | str) -> list[str]:
    journal = Journal(where)
    try:
        return [f"under way: {one}" for one in journal.all_open_transactions()]
    finally:
        journal.close()
