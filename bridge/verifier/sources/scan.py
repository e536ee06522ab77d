"""The scan of a tree: in which groups it is compiled, and what all detectors find in it.

The wanted files go in groups to worker processes. A group has one compiler's version; files of it
that do not compile are read by `tolerant`, and Vyper's by `vyper`, at low confidence. A group that
fails as a whole is told apart file by file: one bad file leaves the others' trees complete.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace

from bridge.domain.errors import CompilerCrashed
from bridge.verifier.compilers.confined import Limits
from bridge.verifier.detector import detectors
from bridge.verifier.finding import Finding
from bridge.verifier.sources.analysis import Analysis
from bridge.verifier.sources.compile import LIMITS, compile_closure, version_for
from bridge.verifier.sources.compilers import Compilers
from bridge.verifier.sources.imports import Closure, Imports
from bridge.verifier.sources.program import Node, Program
from bridge.verifier.sources.tolerant import read_solidity
from bridge.verifier.sources.tree import Language, SourceTree
from bridge.verifier.sources.vyper import read_vyper

Progress = Callable[[int, int], None]
"""Called with the wanted files done, and all of them."""
SHORTEST_S = 10.0
GROUP = 130
"""At most so many files are compiled at once: what several of them import is read once then, and
memory stays small."""
RECURSION = 12_000


@dataclass(frozen=True, slots=True)
class FileReport:
    """How one file was read.

    ``version`` is the compiler's; None where it was read without one, and ``reason`` says why.
    """

    name: str
    version: str | None
    reason: str = ""


@dataclass(slots=True)
class SourceScan:
    """What a scan of sources found, how each file was read, and the seconds of its steps."""

    findings: list[Finding] = field(default_factory=list)
    by_file: dict[str, list[Finding]] = field(default_factory=dict)
    """Findings in the contracts of each wanted file, which may be at places in others."""
    files: list[FileReport] = field(default_factory=list)
    contracts: int = 0
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, other: SourceScan) -> None:
        """Take in the scan of another group."""
        self.findings += other.findings
        self.by_file |= other.by_file
        self.files += other.files
        self.contracts += other.contracts
        self.notes += other.notes
        for name, value in other.seconds.items():
            self.seconds[name] = self.seconds.get(name, 0.0) + value


@dataclass(frozen=True, slots=True)
class _Group:
    """Files that are compiled together; each wanted name with what it needs."""

    version: str | None
    reason: str
    closures: dict[str, Closure]


def scan_tree(
    tree: SourceTree,
    compilers: Compilers,
    workers: int = 2,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> SourceScan:
    """All findings of the tree's wanted files, ordered by source, line and detector.

    ``compilers`` says which versions are there. Files are compiled and followed in ``workers``
    processes; with one, in this.
    """
    started = time.perf_counter()
    bounds = limits or LIMITS
    groups = list(_groups(tree, compilers))
    result = SourceScan(notes=list(tree.problems))
    result.seconds["read"] = time.perf_counter() - started
    done, total = 0, len(tree.wanted)
    for group, one in _scans(groups, compilers, workers, bounds):
        result.add(one)
        done += len(group.closures)
        if progress is not None:
            progress(done, total)
    result.findings = sorted(
        dict.fromkeys(result.findings),
        key=lambda one: (
            one.location.source or "",
            one.location.line or 0,
            one.contract,
            one.detector,
        ),
    )
    result.files.sort(key=lambda one: one.name)
    result.seconds["wall"] = time.perf_counter() - started
    return result


def _scans(
    groups: Sequence[_Group], compilers: Compilers, workers: int, limits: Limits
) -> Iterator[tuple[_Group, SourceScan]]:
    if workers <= 1 or len(groups) <= 1:
        for group in groups:
            yield group, scan_group(group, compilers, limits)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(groups)), mp_context=context) as pool:
        waiting = {pool.submit(scan_group, one, compilers, limits): one for one in groups}
        try:
            for future in as_completed(waiting):
                yield waiting[future], future.result()
        except BrokenProcessPool as error:
            raise CompilerCrashed(
                "in a worker", "the worker was killed, by lack of memory perhaps"
            ) from error
        finally:
            for future in waiting:
                future.cancel()


def _groups(tree: SourceTree, compilers: Compilers) -> Iterator[_Group]:
    """The wanted files by compiler, those without one by why; the largest groups first."""
    imports = Imports(tree)
    by_kind: dict[tuple[str | None, str], dict[str, Closure]] = {}
    for name in tree.wanted:
        closure = imports.closure(name)
        version, reason = _how(closure, tree.files[name].language, compilers)
        by_kind.setdefault((version, reason), {})[name] = closure
    groups = []
    for (version, reason), closures in by_kind.items():
        names = sorted(closures)
        parts = max(1, -(-len(names) // GROUP))
        if len(names) > GROUP // 2:
            parts = max(parts, 2)
        size = -(-len(names) // parts)
        for at in range(0, len(names), size):
            part = {name: closures[name] for name in names[at : at + size]}
            groups.append(_Group(version, reason, part))
    yield from sorted(groups, key=lambda one: -sum(len(c.sources) for c in one.closures.values()))


def _how(closure: Closure, language: Language, compilers: Compilers) -> tuple[str | None, str]:
    if language is Language.VYPER:
        return None, "Vyper is read without its compiler"
    if closure.missing:
        path, where = next(iter(closure.missing.items()))
        return None, f"{where} imports {path}, which is not there"
    version = version_for(closure, compilers)
    if version is None:
        have = ", ".join(compilers.versions()) or "none"
        wanted = " and ".join(closure.pragmas()) or "any"
        return None, f"no compiler for {wanted}: there are {have}"
    return version, ""


def scan_group(group: _Group, compilers: Compilers, limits: Limits) -> SourceScan:
    """Compile, read without compiling what does not, and look at all.

    Of a group that breaks its compiler, each half is scanned by itself, in half the time: so a
    file that is made to break it takes little more than twice the limit.
    """
    sys.setrecursionlimit(RECURSION)
    result = SourceScan()
    started = time.perf_counter()
    waiting = dict(group.closures)
    failed: dict[str, str] = {}
    asts: dict[str, Node] = {}
    if group.version is None:
        failed = dict.fromkeys(waiting, group.reason)
        waiting = {}
    while waiting:
        try:
            asts, bad = _compile(waiting, str(group.version), compilers, limits)
        except CompilerCrashed as error:
            if len(waiting) > 1:
                return _halves(group, compilers, limits)
            bad = dict.fromkeys(waiting, str(error))
        if not bad:
            break
        failed |= bad
        waiting = {name: one for name, one in waiting.items() if name not in bad}
    result.seconds["compile"] = time.perf_counter() - started
    if waiting:
        _look(result, asts, waiting, compiled=True)
        result.files += [FileReport(name, group.version) for name in waiting]
    started = time.perf_counter()
    if failed:
        closures = {name: group.closures[name] for name in failed}
        _look(result, _read(closures), closures, compiled=False)
        result.files += [FileReport(name, None, why) for name, why in failed.items()]
    result.seconds["read without compiler"] = time.perf_counter() - started
    return result


def _halves(group: _Group, compilers: Compilers, limits: Limits) -> SourceScan:
    names = sorted(group.closures)
    less = replace(limits, time_s=max(limits.time_s / 2, SHORTEST_S))
    result = SourceScan()
    for part in (names[: len(names) // 2], names[len(names) // 2 :]):
        half = replace(group, closures={name: group.closures[name] for name in part})
        result.add(scan_group(half, compilers, less))
    return result


def _compile(
    closures: dict[str, Closure], version: str, compilers: Compilers, limits: Limits
) -> tuple[dict[str, Node], dict[str, str]]:
    """Trees of all, or none and the wanted names that stand in the way, with why."""
    whole = Closure()
    for one in closures.values():
        whole.add(one)
    compiled = compile_closure(whole, version, compilers, limits)
    if not compiled.errors:
        return compiled.asts, {}
    wrong = {name: f"solc {version}: {said[0]}" for name, said in compiled.errors.items()}
    bad = {}
    for name, closure in closures.items():
        culprit = next((one for one in wrong if one in closure.sources), None)
        if culprit is not None:
            bad[name] = f"{culprit}: {wrong[culprit]}" if culprit != name else wrong[culprit]
    return {}, bad or dict.fromkeys(closures, next(iter(wrong.values())))


def _read(closures: dict[str, Closure]) -> dict[str, Node]:
    """Trees of all sources, without a compiler."""
    trees: dict[str, Node] = {}
    for closure in closures.values():
        for name, source in closure.sources.items():
            if name not in trees:
                read = read_vyper if source.language is Language.VYPER else read_solidity
                trees[name] = read(name, source.text)
    return trees


def _look(
    result: SourceScan, asts: dict[str, Node], closures: dict[str, Closure], compiled: bool
) -> None:
    started = time.perf_counter()
    texts = {name: one.text for c in closures.values() for name, one in c.sources.items()}
    program = Program(asts, texts, compiled)
    analysis = Analysis(program, closures)
    result.contracts += len(analysis.contracts)
    looking = [one.source for one in detectors().values() if one.source is not None]
    for name in closures:
        part = analysis.of_source(name)
        result.by_file[name] = [one for look in looking for one in look(part)]
        result.findings += result.by_file[name]
    result.notes += [f"{name}: nests too deep to be followed" for name in sorted(analysis.too_deep)]
    result.seconds["follow"] = result.seconds.get("follow", 0.0) + time.perf_counter() - started
