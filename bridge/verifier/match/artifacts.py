"""Requests from what build tools leave behind: artifacts of hardhat, foundry and ape.

Hardhat keeps the compiler's whole input beside its artifacts, foundry the contract's metadata, ape
a manifest of sources and settings. What is named there and not kept is read from the project.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bridge.domain.errors import SourceRefused, SourceUnreadable
from bridge.verifier.match.request import Request, from_metadata, from_standard_json, parse_json
from bridge.verifier.sources.documents import MAX_DOCUMENT_BYTES, build_info
from bridge.verifier.sources.folder import folder_reader, project_of, read_json, tree_of_file
from bridge.verifier.sources.imports import Imports

FOLDERS = ("artifacts", "out", ".build")
"""Where hardhat, foundry and ape put what they made."""
MANIFEST = "__local__.json"


def artifact_of(project: Path, name: str) -> Path:
    """The artifact of the contract of that name in a project that was built.

    Of ape it is the manifest. ``SourceRefused`` where there is none, or there are several.
    """
    found = [
        path
        for folder in FOLDERS
        for path in sorted((project / folder).rglob(f"{name}.json"))
        if path.is_file()
    ]
    manifest = project / ".build" / MANIFEST
    if not found and manifest.is_file():
        return manifest
    if len(found) == 1:
        return found[0]
    places = ", ".join(str(path.relative_to(project)) for path in found[:5]) or "none"
    raise SourceRefused(
        f"{project}: expected one artifact of {name} in {', '.join(FOLDERS)}, as they are after a "
        f"build; got {places}"
    )


def request_of_artifact(path: Path, name: str | None = None) -> Request:
    """The request that an artifact leads to; ``name`` is the contract's where it has several.

    Raises ``SourceRefused`` for what is no artifact, or whose sources are not there.
    """
    document = read_json(path, MAX_DOCUMENT_BYTES)
    if not isinstance(document, dict):
        raise SourceRefused(f"{path}: expected an object, got {type(document).__name__}")
    if str(document.get("_format", "")).startswith("hh"):
        return _hardhat(document, path)
    metadata = document.get("metadata") or document.get("rawMetadata")
    if isinstance(metadata, str):
        metadata = parse_json(metadata, f"{path}: metadata")
    if isinstance(metadata, dict):
        return _foundry(metadata, path)
    if isinstance(document.get("contractTypes"), dict):
        return _ape(document, path, name)
    raise SourceRefused(f"{path}: expected an artifact of hardhat, foundry or ape")


def _hardhat(document: dict[str, Any], path: Path) -> Request:
    found = build_info(document, path)
    if found is None:
        raise SourceRefused(f"{path}: expected its build info beside it, as hardhat leaves it")
    info = found[1]
    source = document.get("inputSourceName") or document.get("sourceName")
    return from_standard_json(
        info.get("input"),
        info.get("solcLongVersion") or info.get("solcVersion"),
        f"{source}:{document.get('contractName')}",
    )


def _foundry(metadata: dict[str, Any], path: Path) -> Request:
    root = project_of(path.resolve().parent)
    if root is None:
        raise SourceRefused(f"{path}: expected it in its project, with foundry.toml above it")
    read = folder_reader(root)
    names = metadata.get("sources")
    texts = {name: read(name) for name in names} if isinstance(names, dict) else {}
    return from_metadata(metadata, {name: text for name, text in texts.items() if text is not None})


def _ape(manifest: dict[str, Any], path: Path, name: str | None) -> Request:
    if name is None or name not in manifest["contractTypes"]:
        known = ", ".join(sorted(manifest["contractTypes"])[:20])
        raise SourceRefused(f"{path}: expected --contract, one of {known}; got {name or 'none'}")
    compiler = next(
        (
            one
            for one in manifest.get("compilers") or ()
            if isinstance(one, dict) and name in (one.get("contractTypes") or ())
        ),
        None,
    )
    if compiler is None:
        raise SourceRefused(f"{path}: expected the compiler of {name} among its compilers")
    types = manifest["contractTypes"]
    wanted = {str(types[one].get("sourceId")) for one in compiler["contractTypes"] if one in types}
    kept = manifest.get("sources") or {}
    sources = {
        one: {"content": kept[one]["content"]}
        for one in sorted(wanted)
        if isinstance(kept.get(one), dict) and isinstance(kept[one].get("content"), str)
    }
    root = path.resolve().parent.parent
    target = str(types[name].get("sourceId"))
    for one in sorted(wanted):
        try:
            closure = Imports(tree_of_file(root / one, root)).closure(one)
        except (SourceUnreadable, OSError):
            continue  # what the manifest keeps may be all there is
        for needed, text in closure.sources.items():
            sources.setdefault(needed, {"content": text.text})
    settings = {
        key: value
        for key, value in (compiler.get("settings") or {}).items()
        if key != "outputSelection"
    }
    language = "Vyper" if str(compiler.get("name")).lower() == "vyper" else "Solidity"
    return from_standard_json(
        {"language": language, "sources": sources, "settings": settings},
        compiler.get("version"),
        f"{target}:{name}",
    )
