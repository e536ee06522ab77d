"""Trees from folders: any with Solidity or Vyper in it, and projects of ape, foundry, hardhat."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bridge.domain.errors import SourceTooLarge, SourceUnreadable
from bridge.domain.jsontext import parsed_json
from bridge.verifier.sources.tree import (
    MAX_FILE_BYTES,
    MAX_FILES,
    MAX_TREE_BYTES,
    Reader,
    Remapping,
    Source,
    SourceTree,
    checked_name,
    language_of,
    read_text,
)

ENDINGS = (".sol", ".vy")
SKIPPED = {
    "node_modules", "lib", "out", "artifacts", "cache", "build", ".build", ".cache", ".git",
    "typechain", "typechain-types", "broadcast", "dependencies", "__pycache__", ".venv",
}  # fmt: skip
"""Folders of imports and of what was built; what is imported from them is still read."""
HARDHAT = ("hardhat.config.ts", "hardhat.config.js", "hardhat.config.cjs", "hardhat.config.mjs")
APE = ("ape-config.yaml", "ape-config.yml", "ape-config.json")
HARDHAT_SOURCES = re.compile(r"""\bsources\s*:\s*["']([^"']+)["']""")
APE_FOLDER = re.compile(r"^contracts_folder:\s*[\"']?([^\"'#\s]+)", re.MULTILINE)
REMAPPING_LINE = re.compile(r"^\s*-\s*[\"']?([^\"'#\s]+=[^\"'#\s]*)", re.MULTILINE)


def tree_of_folder(folder: Path) -> SourceTree:
    """The tree of a project, or of all sources in a folder and below it.

    A folder inside a project is read with what the project has for its imports. Raises
    ``SourceUnreadable`` where nothing is to be scanned, or a link leads out of the tree, and
    ``SourceTooLarge`` above the limits of `tree`.
    """
    wanted = folder.resolve()
    root = project_of(wanted) or wanted
    sources, remappings, roots = layout(root)
    starts = [root / one for one in sources if (root / one).exists()] or [root]
    if root != wanted:
        starts = [wanted]
    files: dict[str, Source] = {}
    for start in starts:
        for path in walk(start, root):
            name = path.relative_to(root).as_posix()
            files[name] = Source(name, read_text(path, root, name), language_of(name))
            if len(files) > MAX_FILES:
                raise SourceTooLarge(str(folder), "files", MAX_FILES, len(files))
        if sum(len(one.text) for one in files.values()) > MAX_TREE_BYTES:
            raise SourceTooLarge(str(folder), "bytes", MAX_TREE_BYTES, MAX_TREE_BYTES + 1)
    if not files:
        raise SourceUnreadable(str(folder), "files that end in .sol or .vy", "a folder without")
    return SourceTree(
        name=folder.resolve().name,
        files=files,
        wanted=tuple(files),
        remappings=tuple(remappings),
        reader=folder_reader(root),
        roots=tuple(roots),
    )


def tree_of_file(path: Path, root: Path | None = None) -> SourceTree:
    """The tree of one file; its imports are looked up from the project it stands in, if any."""
    real = path.resolve()
    top = (root or project_of(real.parent) or real.parent).resolve()
    name = real.relative_to(top).as_posix()
    _, remappings, roots = layout(top)
    source = Source(name, read_text(real, top, str(path)), language_of(name))
    return SourceTree(
        name=path.name,
        files={name: source},
        wanted=(name,),
        remappings=tuple(remappings),
        reader=folder_reader(top),
        roots=tuple(roots),
    )


def project_of(folder: Path) -> Path | None:
    """The nearest folder, upwards, that is a project; None where none is."""
    marks = ("foundry.toml", "remappings.txt", "node_modules", *HARDHAT, *APE)
    for one in (folder, *folder.parents):
        if any((one / mark).exists() for mark in marks):
            return one
    return None


def walk(start: Path, root: Path) -> Iterator[Path]:
    """The sources below ``start`` in order of their names; `SourceUnreadable` for a link out."""
    for folder, folders, names in os.walk(start):
        inside = Path(folder)
        folders[:] = sorted(
            one for one in folders if one not in SKIPPED and not (inside / one).is_symlink()
        )
        for name in sorted(names):
            path = inside / name
            if not name.endswith(ENDINGS):
                continue
            if path.is_symlink() and not path.resolve().is_relative_to(root):
                raise SourceUnreadable(
                    str(path), f"a file inside {root}", f"a link to {path.resolve()}"
                )
            if path.is_file():
                yield path


def folder_reader(root: Path) -> Reader:
    """Reads what is imported, from ``root`` and below only.

    Links inside ``node_modules`` may lead to where a package manager keeps its packages, so where
    that folder itself leads counts as inside.
    """
    modules = root / "node_modules"
    stores = [root.resolve()]
    if modules.exists():
        stores.append(modules.resolve())

    def read(name: str) -> str | None:
        try:
            checked_name(name, "import")
        except SourceUnreadable:
            return None
        path = root / name
        real = path.resolve()
        store = next((one for one in stores if real.is_relative_to(one)), None)
        if store is None or not real.is_file() or real.stat().st_size > MAX_FILE_BYTES:
            return None
        return read_text(path, store, name)

    return read


def layout(root: Path) -> tuple[list[str], list[Remapping], list[str]]:
    """Folders of sources, remappings and folders of imports that a project's settings name."""
    sources: list[str] = []
    remappings: list[Remapping] = []
    roots: list[str] = []
    foundry = root / "foundry.toml"
    if foundry.is_file():
        profile = _foundry(foundry)
        sources.append(_inside(profile.get("src", "src"), foundry))
        roots += [_inside(one, foundry) for one in profile.get("libs", ["lib", "node_modules"])]
        remappings += [Remapping.parse(one, str(foundry)) for one in profile.get("remappings", [])]
    hardhat = next((root / one for one in HARDHAT if (root / one).is_file()), None)
    if hardhat is not None:
        named = HARDHAT_SOURCES.search(hardhat.read_text(errors="replace"))
        sources.append(_inside(named[1] if named else "contracts", hardhat))
    ape = next((root / one for one in APE if (root / one).is_file()), None)
    if ape is not None:
        text = ape.read_text(errors="replace")
        named = APE_FOLDER.search(text)
        sources.append(_inside(named[1] if named else "contracts", ape))
        remappings += [Remapping.parse(one, str(ape)) for one in REMAPPING_LINE.findall(text)]
    listed = root / "remappings.txt"
    if listed.is_file():
        lines = listed.read_text(errors="replace").splitlines()
        remappings += [
            Remapping.parse(line, str(listed))
            for line in lines
            if line.strip() and not line.lstrip().startswith("#")
        ]
    if foundry.is_file():
        remappings += list(_guessed(root, roots, {one.prefix for one in remappings}))
    return list(dict.fromkeys(sources)), remappings, roots


def _foundry(path: Path) -> dict[str, Any]:
    try:
        settings = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SourceUnreadable(str(path), "settings in TOML", str(error)) from error
    profile: dict[str, Any] = settings.get("profile", {}).get("default", {})
    for key, kind in (("src", str), ("libs", list), ("remappings", list)):
        if key in profile and not isinstance(profile[key], kind):
            raise SourceUnreadable(str(path), f"{key} to be a {kind.__name__}", repr(profile[key]))
    return profile


def _guessed(root: Path, libs: list[str], known: set[str]) -> Iterator[Remapping]:
    """What foundry guesses: ``name/`` is ``lib/name/src/``, or ``contracts/``, or the folder."""
    for lib in libs:
        if lib == "node_modules" or not (root / lib).is_dir():
            continue
        for package in sorted((root / lib).iterdir()):
            prefix = f"{package.name}/"
            if package.is_dir() and prefix not in known:
                inner = next((i for i in ("src", "contracts") if (package / i).is_dir()), "")
                yield Remapping(prefix, f"{lib}/{package.name}/{inner}{'/' if inner else ''}")


def _inside(folder: object, where: Path) -> str:
    if not isinstance(folder, str):
        raise SourceUnreadable(str(where), "the name of a folder", repr(folder))
    return checked_name(folder.removeprefix("./").rstrip("/") or ".", str(where))


DEEPEST = 900
"""Levels of an artifact, in which a syntax tree may stand."""


def read_json(path: Path, limit: int) -> Any:
    """The JSON in a file; `SourceUnreadable` where it is none, `SourceTooLarge` above ``limit``."""
    size = path.stat().st_size
    if size > limit:
        raise SourceTooLarge(str(path), "bytes", limit, size)
    try:
        return parsed_json(path.read_bytes(), DEEPEST)
    except ValueError as error:
        raise SourceUnreadable(str(path), "JSON", f"{type(error).__name__}: {error}") from error
