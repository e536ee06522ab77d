"""All cases, and a sample of them that has every stage and every target."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.faults.network import DUMPED, FINALITY, OTHER
from tests.faults.points import ATTESTOR, ATTESTORS, KEY_SERVICE, RELAYER, Point

CHAINS = ("A", "B")
OTHERS = (*ATTESTORS, "keyservice")
MOMENTS = {
    "before attestation": "after open_batch",
    "after attestation": "after attested",
    "after submission": "after send_raw (deliver)",
    "after delivery": "after delivered",
}
"""When a chain is reorged, by the relayer's point."""


@dataclass(frozen=True)
class Case:
    """What is done when ``point`` is reached: a process is killed, or a chain reorged by ``depth``.

    ``group`` is the network it runs in: one whose chains write dumps, or not.
    """

    kind: str
    point: Point
    target: str
    depth: int = 0
    moment: str = field(default="", compare=False)

    @property
    def group(self) -> str:
        return DUMPED if self.target.startswith("chain-") else OTHER

    @property
    def fault(self) -> str:
        if self.kind == "reorg":
            return f"reorg of {self.target} by {self.depth}"
        return f"kill -9 {self.target}"

    @property
    def stage(self) -> str:
        return self.moment or self.point.stage

    def __str__(self) -> str:
        name = f"{self.fault} {self.point.process} {self.stage} {self.point}"
        return "-".join("".join(c if c.isalnum() else " " for c in name).split())

    def actions(self, urls: dict[str, str]) -> list[dict[str, Any]]:
        """What the process is told to do."""
        if self.kind == "reorg":
            return [{"reorg": urls[self.target], "depth": self.depth}]
        return [{"kill": self.target}]


def _self_kills() -> list[Case]:
    return [Case("kill", point, point.process) for point in (*RELAYER, *ATTESTOR, *KEY_SERVICE)]


def _kills_of_others(seed: int) -> list[Case]:
    """Each other process at each stage of the relayer, at a point of it that the seed chooses."""
    chance = random.Random(seed)
    stages = dict.fromkeys(point.stage for point in RELAYER)
    targets = (*OTHERS, *(f"chain-{name}" for name in CHAINS))
    return [
        Case("kill", chance.choice([p for p in RELAYER if p.stage == stage]), target)
        for target in targets
        for stage in stages
    ]


def _reorgs(window: int) -> list[Case]:
    found = []
    for moment, name in MOMENTS.items():
        point = next(point for point in RELAYER if str(point) == name)
        found += [
            Case("reorg", point, chain, depth, moment)
            for chain in CHAINS
            for depth in (1, window // 2, window)
        ]
    return found


def all_cases(seed: int) -> list[Case]:
    """Every case, by the network that it runs in."""
    found = [*_self_kills(), *_kills_of_others(seed), *_reorgs(FINALITY[OTHER])]
    return sorted(dict.fromkeys(found), key=lambda case: case.group, reverse=True)


def sample(cases: Iterable[Case], seed: int) -> list[Case]:
    """As few as have every stage and every target of ``cases``, by chance."""
    chosen: list[Case] = []
    left = list(cases)
    random.Random(seed).shuffle(left)

    def covers(case: Case) -> set[tuple[str, str]]:
        return {("stage", case.stage), ("target", f"{case.kind} {case.target}")}

    wanted = set().union(*(covers(case) for case in left))
    while wanted:
        best = max(left, key=lambda case: len(covers(case) & wanted))
        chosen.append(best)
        wanted -= covers(best)
    return sorted(chosen, key=lambda case: case.group, reverse=True)
