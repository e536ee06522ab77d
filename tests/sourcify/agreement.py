"""Both answers to each case, side by side, and whether a difference has its reason."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from eth_utils.address import to_checksum_address

from bridge.chain.client import ChainClient
from bridge.domain.errors import MatchError
from bridge.verifier.compilers.choice import Compilers
from bridge.verifier.compilers.solc import Solc
from bridge.verifier.compilers.version import Version
from bridge.verifier.compilers.vyper import VyperCompiler
from bridge.verifier.match.verifying import verify
from tests.sourcify.anvil import CHAIN_ID, Anvil
from tests.sourcify.cases import Case

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".cache" / "sourcify"
MODULES = FOLDER / "node_modules"
SCRIPT = Path(__file__).with_name("agreement.cjs")
LEVELS = {"perfect": 2, "partial": 1, None: 0}
WORDS = ("no match", "match", "exact match")
TIMEOUT_S = 3_600


@dataclass(frozen=True)
class Answer:
    """What one of both says: levels 0 to 2, and the code of an error."""

    runtime: int
    creation: int
    code: str = ""
    match: int = 0
    transformations: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        if self.code and not self.runtime and not self.creation:
            return self.code
        return f"{WORDS[self.runtime]}, creation {WORDS[self.creation]}"


@dataclass(frozen=True)
class Compared:
    """One case with both answers."""

    id: str
    kind: str
    ours: Answer
    theirs: Answer

    @property
    def same(self) -> bool:
        """Whether both say the same of both codes, and call what is signed alike."""
        mine = (self.ours.runtime, self.ours.creation, self.ours.match)
        return mine == (self.theirs.runtime, self.theirs.creation, self.theirs.match)

    @property
    def stricter(self) -> bool:
        """Whether nothing is better here than it is there."""
        return (
            self.ours.runtime <= self.theirs.runtime
            and self.ours.creation <= self.theirs.creation
            and self.ours.match <= self.theirs.match
        )


def have_lib() -> bool:
    """Whether lib-sourcify can be run."""
    return shutil.which("node") is not None and MODULES.joinpath("@ethereum-sourcify").is_dir()


def compare(anvil: Anvil, compilers: Compilers, cases: Sequence[Case]) -> list[Compared]:
    """Each case with both answers."""
    theirs = lib_answers(anvil, compilers, cases)
    ours = asyncio.run(our_answers(anvil, compilers, cases))
    return [
        Compared(case.id, case.kind, mine, other)
        for case, mine, other in zip(cases, ours, theirs, strict=True)
    ]


async def our_answers(anvil: Anvil, compilers: Compilers, cases: Sequence[Case]) -> list[Answer]:
    """What `verify` says."""
    async with ChainClient(anvil.settings()) as client:
        return [await _ours(client, compilers, case) for case in cases]


async def _ours(client: ChainClient, compilers: Compilers, case: Case) -> Answer:
    request = case.build.request(case.name, case.edit)
    transaction = bytes.fromhex(case.transaction[2:]) if case.transaction else None
    try:
        found = await verify(client, compilers, request, case.address, transaction)
    except MatchError as error:
        return Answer(0, 0, error.code)
    sides = {"runtime": found.runtime, "creation": found.creation}
    # Here the creation is looked for where it is not given, there it is not.
    creation = int(found.creation.kind) if transaction else 0
    return Answer(
        int(found.runtime.kind),
        creation,
        f"immutables {found.binding}" if found.match < found.runtime.kind else "",
        int(found.match),
        {
            name: {
                "list": [one.to_json() for one in side.transformations],
                "values": side.values.to_json(),
            }
            for name, side in sides.items()
        },
    )


def lib_answers(anvil: Anvil, compilers: Compilers, cases: Sequence[Case]) -> list[Answer]:
    """What lib-sourcify says."""
    lines = [json.dumps(_line(anvil, compilers, case)) for case in cases]
    node = shutil.which("node")
    assert node is not None
    done = subprocess.run(
        [node, str(SCRIPT), str(MODULES), str(FOLDER / "kept")],
        input="\n".join(lines) + "\n",
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=True,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [one["id"] for one in answers] == [case.id for case in cases], done.stderr[-2000:]
    assert not any(one.get("code") == "crash" for one in answers), answers
    return [
        Answer(
            LEVELS[one.get("runtime")],
            LEVELS[one.get("creation")],
            one.get("code", ""),
            LEVELS[one.get("runtime")],
            one.get("transformations", {}),
        )
        for one in answers
    ]


def _line(anvil: Anvil, compilers: Compilers, case: Case) -> dict[str, Any]:
    compiler = compilers.find(case.build.language, Version.parse(case.build.version))
    line: dict[str, Any] = {
        "id": case.id,
        "rpc": anvil.url,
        "chainId": CHAIN_ID,
        "address": to_checksum_address(case.address),  # it compares them as text
        "transaction": case.transaction,
        "version": compiler.long_version,
        "language": case.build.language,
        "input": case.build.input(case.edit),
        "path": case.build.path,
        "name": case.name,
    }
    if isinstance(compiler, Solc):
        line["solc"] = {"wrapper": str(compiler.wrapper), "soljson": str(compiler.soljson)}
    elif isinstance(compiler, VyperCompiler):
        line["vyper"] = {
            "python": str(compiler.folder / "bin" / "python"),
            "script": str(compiler.folder / "run.py"),
            "folder": str(compiler.folder / "empty"),
        }
    return line


def as_json(compared: Sequence[Compared]) -> list[dict[str, Any]]:
    """For the page that a script writes of it."""
    return [{**asdict(one), "same": one.same, "stricter": one.stricter} for one in compared]
