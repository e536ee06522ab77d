"""Trees from JSON: a compiler's standard JSON input, or an artifact of hardhat, foundry or ape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bridge.domain.errors import SourceTooLarge, SourceUnreadable
from bridge.verifier.sources.folder import (
    folder_reader,
    project_of,
    read_json,
    tree_of_file,
    tree_of_folder,
)
from bridge.verifier.sources.tree import (
    MAX_FILE_BYTES,
    MAX_FILES,
    MAX_TREE_BYTES,
    Remapping,
    Source,
    SourceTree,
    checked_name,
    language_of,
)

MAX_DOCUMENT_BYTES = 300 << 20


def open_tree(target: Path) -> SourceTree:
    """The tree that a path names: a folder, a source, a standard JSON input or an artifact.

    ``SourceUnreadable`` for anything else, with what was expected.
    """
    if not target.exists():
        raise SourceUnreadable(str(target), "a file or folder that exists", "nothing there")
    if target.is_dir():
        return tree_of_folder(target)
    if target.suffix in (".sol", ".vy"):
        return tree_of_file(target)
    if target.suffix != ".json":
        raise SourceUnreadable(str(target), "a folder, or a file .sol, .vy or .json", target.name)
    return tree_of_document(read_json(target, MAX_DOCUMENT_BYTES), target)


def tree_of_document(document: Any, path: Path) -> SourceTree:
    """The tree of a document, whose kind is told by what stands in it.

    ``language`` and ``sources``; hardhat's ``_format``; foundry's ``metadata``; ape's manifest
    with ``sources``, or a contract's ``sourceId``.
    """
    if not isinstance(document, dict):
        raise SourceUnreadable(str(path), "a JSON object", type(document).__name__)
    if "language" in document and "sources" in document:
        return tree_of_standard_json(document, str(path))
    if isinstance(document.get("input"), dict) and "sources" in document["input"]:
        return tree_of_standard_json(document["input"], str(path))
    if str(document.get("_format", "")).startswith("hh"):
        return _hardhat(document, path)
    if isinstance(document.get("metadata"), dict) or "rawMetadata" in document:
        return _foundry(document, path)
    if "sourceId" in document:
        return _named(document["sourceId"], path, document.get("contractName"))
    if isinstance(document.get("sources"), dict):
        return tree_of_standard_json({"language": "Solidity", **document}, str(path))
    raise SourceUnreadable(
        str(path), "a standard JSON input or an artifact of hardhat, foundry or ape", "another JSON"
    )


def tree_of_standard_json(document: dict[str, Any], where: str) -> SourceTree:
    """The tree of a standard JSON input: contents only, since nothing is fetched."""
    language = document.get("language")
    if language not in ("Solidity", "Vyper", "Yul"):
        raise SourceUnreadable(where, "language Solidity, Vyper or Yul", repr(language))
    sources = document.get("sources")
    if not isinstance(sources, dict) or not sources:
        raise SourceUnreadable(
            where, "sources, an object with at least one file", repr(sources)[:60]
        )
    if len(sources) > MAX_FILES:
        raise SourceTooLarge(where, "files", MAX_FILES, len(sources))
    files: dict[str, Source] = {}
    total = 0
    for name, entry in sources.items():
        clean = checked_name(name, f"{where}: sources")
        text = entry.get("content") if isinstance(entry, dict) else None
        if not isinstance(text, str):
            raise SourceUnreadable(
                f"{where}: {name}", "its content", "addresses" if _addressed(entry) else "none"
            )
        if len(text) > MAX_FILE_BYTES:
            raise SourceTooLarge(f"{where}: {name}", "bytes", MAX_FILE_BYTES, len(text))
        total += len(text)
        files[clean] = Source(clean, text, language_of(clean))
    if total > MAX_TREE_BYTES:
        raise SourceTooLarge(where, "bytes", MAX_TREE_BYTES, total)
    settings = document.get("settings") or {}
    listed = settings.get("remappings", []) if isinstance(settings, dict) else None
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        raise SourceUnreadable(where, "settings.remappings, a list of texts", repr(listed)[:60])
    return SourceTree(
        name=Path(where).name,
        files=files,
        wanted=tuple(files),
        remappings=tuple(Remapping.parse(one, where) for one in listed),
    )


def _addressed(entry: Any) -> bool:
    return isinstance(entry, dict) and "urls" in entry


def _hardhat(document: dict[str, Any], path: Path) -> SourceTree:
    """Of an artifact the build info beside it names the sources; without it the project does."""
    found = build_info(document, path)
    name = document.get("inputSourceName") or document.get("sourceName")
    if found is not None:
        build, whole = found
        tree = tree_of_standard_json(whole.get("input", {}), str(build))
        if name in tree.files:
            tree.wanted = (name,)
        return tree
    return _named(document.get("sourceName"), path, document.get("contractName"))


def build_info(document: dict[str, Any], path: Path) -> tuple[Path, dict[str, Any]] | None:
    """The build info of hardhat's artifact in ``path``: its file, and what is in it.

    Version 2 names it in a file beside the artifact, version 3 by its id. None where there is none.
    """
    identity, named = document.get("buildInfoId"), document.get("buildInfo")
    debug = path.with_suffix(".dbg.json")
    build = None
    if isinstance(identity, str) and identity.replace("-", "").replace("_", "").isalnum():
        places = (up / "build-info" / f"{identity}.json" for up in path.resolve().parents)
        build = next((place for place in places if place.is_file()), None)
    elif identity is None:
        if named is None and debug.is_file():
            named = read_json(debug, MAX_DOCUMENT_BYTES).get("buildInfo")
        build = (path.parent / named).resolve() if isinstance(named, str) else None
    if build is None or not build.is_file():
        return None
    whole = read_json(build, MAX_DOCUMENT_BYTES)
    if not isinstance(whole, dict):
        raise SourceUnreadable(str(build), "an object", type(whole).__name__)
    return build, whole


def _foundry(document: dict[str, Any], path: Path) -> SourceTree:
    metadata = document.get("metadata")
    target = (metadata or {}).get("settings", {}).get("compilationTarget", {})
    name = next(iter(target), None) or document.get("ast", {}).get("absolutePath")
    tree = _named(name, path, next(iter(target.values()), None))
    listed = (metadata or {}).get("settings", {}).get("remappings", [])
    tree.remappings = (*(Remapping.parse(one, str(path)) for one in listed), *tree.remappings)
    return tree


def _named(name: object, path: Path, contract: object) -> SourceTree:
    """The tree of the source that an artifact names, in the project that the artifact is in."""
    if not isinstance(name, str):
        raise SourceUnreadable(str(path), "the name of a source in the artifact", repr(name))
    clean = checked_name(name, str(path))
    for folder in path.resolve().parents:
        for root in (folder, folder / "contracts", folder / "node_modules"):
            if (root / clean).is_file():
                top = folder if project_of(folder) == folder else root
                tree = tree_of_file(root / clean, top)
                tree.name = str(contract or path.name)
                tree.reader = folder_reader(top)
                return tree
    raise SourceUnreadable(
        str(path), f"its source {clean} in a folder above it, as it was built", "no such file"
    )
