"""``python -m tests.soak``: the bridge under random faults for a while, and whether it holds.

Exit code 0 where every message was delivered once or refused by its recipient, 1 where something
disagreed or did not come to its end, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from bridge.apps.interrupts import stoppable
from tests.soak.audit import Audit, astralink_audit, audit
from tests.soak.faults import Faults
from tests.soak.network import ROOT, Network
from tests.soak.picture import picture
from tests.soak.report import Outcome, page, read_errors, summary
from tests.soak.traffic import Traffic
from tests.soak.watch import Watch

DRAIN_S = 240.0
"""Within so long after the last fault everything has arrived: the longest pause of a relayer's
loops is 10 s, the tries of a stuck transaction are 15 s apart."""
PROGRESS_S = 5.0
SUPERVISE_S = 1.0
STARTING_S = 30.0
"""So long a daemon may take to find that it cannot start."""
WRITTEN_MINUTES = 60.0
"""A run that is shorter is a trial, and not for the documentation."""


def main() -> int:
    """Run a soak as the command line says; the exit code."""
    parser = argparse.ArgumentParser(prog="tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--rate", type=float, default=3.0, help="messages a second from each chain")
    parser.add_argument("--out", type=Path, default=ROOT / ".cache" / "soak")
    parser.add_argument("--docs", type=Path, help="where soak.md and soak.svg go where it passes")
    parser.add_argument("--keep", action="store_true", help="leave the folder of the processes")
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else int(time.time())
    folder = Path(tempfile.mkdtemp(prefix="astralink-soak-"))
    try:
        with stoppable():
            outcome = asyncio.run(soak(folder / "state", given.minutes, seed, given.rate))
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130
    finally:
        if given.keep:
            print(f"kept {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    found = write(outcome, given.out)
    if outcome.passed and given.docs is not None and given.minutes >= WRITTEN_MINUTES:
        write(outcome, given.docs, data=False)
    for problem in found["problems"]:
        print(problem, file=sys.stderr)
    print(f"{'passed' if outcome.passed else 'FAILED'}; {given.out / 'soak.json'}")
    return 0 if outcome.passed else 1


async def soak(folder: Path, minutes: float, seed: int, rate: float) -> Outcome:
    """The whole run, in ``folder``."""
    with Network(folder) as network:
        print(f"starting, seed {seed}", file=sys.stderr)
        await network.up()
        traffic = Traffic(network, seed, rate)
        await traffic.prepare()
        watch, faults = Watch(network, traffic), Faults(network, seed)
        started_at = datetime.now(UTC).isoformat(timespec="seconds")
        problems: list[str] = []
        refused_starts: Counter[str] = Counter()
        async with asyncio.TaskGroup() as group:
            watching = [group.create_task(work) for work in (watch.chains(), watch.sampling())]
            progress = group.create_task(_progress(watch, faults))
            watching.append(
                group.create_task(_supervise(network, faults, problems, refused_starts))
            )
            until = watch.started + 60 * minutes
            sending = asyncio.create_task(traffic.run())
            breaking = asyncio.create_task(faults.run(until))
            await asyncio.wait({sending, breaking}, return_when=asyncio.FIRST_COMPLETED)
            sending.cancel()
            ended = await asyncio.gather(sending, breaking, return_exceptions=True)
            problems += [
                f"the soak itself failed: {one!r}" for one in ended if isinstance(one, Exception)
            ]
            faults_until = time.monotonic()
            gone, result = await _drained(network, traffic, watch)
            for task in (*watching, progress):
                task.cancel()
        said = await astralink_audit(network)
        if not said.get("agrees"):
            problems.append(f"astralink audit: {said}")
        logs = {name: process.log for name, process in network.processes.items()}
        outcome = Outcome(
            seed=seed,
            minutes=minutes,
            started_at=started_at,
            began=watch.started,
            faults_until=faults_until,
            ended=time.monotonic(),
            seen=list(watch.seen.values()),
            samples=watch.samples,
            faults=faults.done,
            gone=gone,
            audit=result,
            errors=read_errors(logs),
            starts={name: process.starts for name, process in network.processes.items()},
            problems=problems,
            refused_starts=refused_starts,
            said=said,
        )
        await network.close()
        return outcome


async def _drained(network: Network, traffic: Traffic, watch: Watch) -> tuple[int, Audit]:
    """Wait until the audit agrees, or for ``DRAIN_S``; what reorgs took, and the audit."""
    deadline = time.monotonic() + DRAIN_S
    gone = 0
    while True:
        await asyncio.sleep(PROGRESS_S)
        if watch.waiting() and time.monotonic() < deadline:
            continue
        gone += await watch.drop_gone()
        result = await audit(network, traffic)
        if not result.problems or time.monotonic() > deadline:
            return gone, result


async def _supervise(
    network: Network, faults: Faults, problems: list[str], refused_starts: Counter[str]
) -> None:
    """Start again what ends by itself, as a supervisor does.

    A daemon that finds no chain or no journal at its start ends with a reason, and that is right;
    one that ends later, or without a reason of the bridge's, is a problem.
    """
    while True:
        await asyncio.sleep(SUPERVISE_S)
        for name, process in network.processes.items():
            if name in faults.down or process.alive:
                continue
            said, age_s = process.last_words(), time.monotonic() - process.started_at
            if age_s > STARTING_S or not said.startswith("error: "):
                problems.append(f"{name} ended by itself after {age_s:.0f} s: {said}")
            refused_starts[name] += 1
            process.start()


async def _progress(watch: Watch, faults: Faults) -> None:
    """One line that is written over on a terminal, and lines from time to time elsewhere."""
    end = "\r" if sys.stderr.isatty() else "\n"
    while True:
        await asyncio.sleep(PROGRESS_S if end == "\r" else 6 * PROGRESS_S)
        now = time.monotonic()
        delivered = sum(one.delivered_at is not None for one in watch.seen.values())
        line = (
            f"{now - watch.started:6.0f} s  {len(watch.seen)} dispatched, {delivered} delivered, "
            f"oldest {watch.oldest_s(now):.0f} s, {len(faults.done)} faults  {faults.now}"
        )
        print(f"{line:<110}", end=end, file=sys.stderr, flush=True)


def write(outcome: Outcome, folder: Path, data: bool = True) -> dict[str, object]:
    """Write page and picture into ``folder``, and the data where asked; the summary."""
    folder.mkdir(parents=True, exist_ok=True)
    found = summary(outcome)
    marks = [
        (one.began - outcome.began, one.ended - outcome.began, f"{one.kind}: {one.at}")
        for one in outcome.faults
    ]
    (folder / "soak.md").write_text(page(found, "soak.svg"))
    (folder / "soak.svg").write_text(picture(found, marks))
    if data:
        rows = [{"from_s": a, "to_s": b, "fault": what} for a, b, what in marks]
        (folder / "soak.json").write_text(json.dumps({**found, "marks": rows}, indent=1) + "\n")
    return found


if __name__ == "__main__":
    sys.exit(main())
