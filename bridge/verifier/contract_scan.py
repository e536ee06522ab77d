"""The scan of one contract from both sides: its runtime code, and the source that it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bridge.domain.errors import CompilerCrashed
from bridge.verifier.compilers.choice import Compilers
from bridge.verifier.compilers.solc import Solc
from bridge.verifier.evm.scan import Scan, scan_bytecode
from bridge.verifier.evm.sourcemap import SourceMap
from bridge.verifier.finding import Finding
from bridge.verifier.match.compiled import Compiled
from bridge.verifier.sources.documents import tree_of_standard_json
from bridge.verifier.sources.merge import merge
from bridge.verifier.sources.scan import scan_tree


@dataclass(frozen=True, slots=True)
class ContractScan:
    """What was found in one contract; ``texts`` are its sources by their names, where known."""

    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)


def scan_code(code: bytes, name: str) -> ContractScan:
    """Findings in runtime code of the contract of that name; ``CodeRefused`` for what is none."""
    found = scan_bytecode(code, name)
    return ContractScan(found.findings, tuple(_notes(found)))


def scan_matched(code: bytes, compiled: Compiled, compilers: Compilers) -> ContractScan:
    """Findings in runtime code and in the source that it was found to come from, put together.

    The source is read by the compiler that it was matched with. Raises what compilers raise,
    ``CodeRefused`` and ``CompilerCrashed``; nothing is left out in silence, since a digest of what
    is found may be signed.
    """
    request = compiled.request
    source_map = _source_map(code, compiled)
    of_code = scan_bytecode(code, request.target.name, source_map)
    tree = tree_of_standard_json(request.standard_json({}), str(request.target))
    tree.wanted = (request.target.path,)
    compiler = compilers.find(request.language, request.version)
    read_by = _OneCompiler(compiler) if isinstance(compiler, Solc) else _NoCompiler()
    found = scan_tree(tree, read_by, workers=1)
    if isinstance(compiler, Solc):
        for one in found.files:
            if one.version is None:
                raise CompilerCrashed(compiler.long_version, f"{one.name}: {one.reason}")
    of_source = [one for one in found.findings if one.contract == request.target.name]
    findings = merge(of_source, of_code.findings, source_map.line_at)
    return ContractScan(tuple(findings), (*found.notes, *_notes(of_code)), dict(request.sources))


def _source_map(code: bytes, compiled: Compiled) -> SourceMap:
    text = (compiled.output.get("evm") or {}).get("deployedBytecode", {}).get("sourceMap")
    sources = {
        number: (path, compiled.request.sources[path])
        for path, number in compiled.source_ids.items()
        if path in compiled.request.sources
    }
    # Vyper has an object here; its findings keep their offsets.
    return SourceMap(code, text if isinstance(text, str) else "", sources)


def _notes(found: Scan) -> list[str]:
    notes = []
    if found.target is not None:
        notes.append(f"its code only points to 0x{found.target.address.hex()}: scan that as well")
    if found.budget_used_up:
        notes.append("the code is larger than what is followed: there may be more than was found")
    if found.unresolved_jumps:
        places = ", ".join(map(str, found.unresolved_jumps[:5]))
        notes.append(f"{len(found.unresolved_jumps)} jumps lead nobody knows where: at {places}")
    return notes


@dataclass(frozen=True, slots=True)
class _OneCompiler:
    """The compiler that was matched with, whatever a pragma allows besides."""

    compiler: Solc

    def versions(self) -> Sequence[str]:
        return (self.compiler.long_version.split("+")[0],)

    def fetchable(self) -> Sequence[str]:
        return ()

    def path(self, version: str) -> Path:
        return self.compiler.soljson


@dataclass(frozen=True, slots=True)
class _NoCompiler:
    def versions(self) -> Sequence[str]:
        return ()

    def fetchable(self) -> Sequence[str]:
        return ()

    def path(self, version: str) -> Path:
        raise AssertionError("no version was offered")
