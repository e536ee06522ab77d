"""Imports: which file each of them means, by the compiler's rules and by Node's.

The compiler knows names, not folders: an import that begins with ``./`` or ``../`` is joined to the
name of the file it stands in, another is a name after remappings. What is then not there is looked
up as Node does it, in each ``node_modules`` on the way up, and the compiler is told by a remapping.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field

from bridge.domain.errors import SourceTooLarge
from bridge.verifier.sources.tokens import Kind, tokens
from bridge.verifier.sources.tree import MAX_TREE_BYTES, Remapping, Source, SourceTree


@dataclass(slots=True)
class Closure:
    """What a file needs: itself and all that it imports, how, and what is not there."""

    sources: dict[str, Source] = field(default_factory=dict)
    versions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The version expressions of each file."""
    remappings: dict[tuple[str, str], str] = field(default_factory=dict)
    """What an import of a file means, where that is not what it says: (file, import) to name."""
    missing: dict[str, str] = field(default_factory=dict)
    """Imports that lead nowhere, to the file that has them."""

    def add(self, other: Closure) -> None:
        """Take in what another file needs."""
        self.sources |= other.sources
        self.versions |= other.versions
        self.remappings |= other.remappings
        self.missing |= other.missing

    def pragmas(self) -> list[str]:
        """The version expressions of all files, each once."""
        return list(dict.fromkeys(one for found in self.versions.values() for one in found))


def heads(source: Source) -> tuple[list[str], list[str]]:
    """The paths that a file imports and its version expressions; comments and strings apart."""
    paths: list[str] = []
    versions: list[str] = []
    words = [token for token in tokens(source.text) if token.kind is not Kind.COMMENT]
    inside = False
    for at, token in enumerate(words):
        if token.kind is Kind.WORD and token.text == "import":
            inside = True
        elif inside and token.kind is Kind.STRING:
            paths.append(token.text[1:-1])
            inside = False
        elif token.text == ";":
            inside = False
        elif token.text == "pragma" and [one.text for one in words[at + 1 : at + 2]] == [
            "solidity"
        ]:
            end = source.text.find(";", token.start)
            if at + 2 < len(words) and end >= 0:
                versions.append(source.text[words[at + 2].start : end].strip())
    return paths, versions


_VERSIONED = re.compile(r"^((?:@[^/@]+/)?[^/@]+)@([^/]+)/")
"""``package@1.2.3/...``, which packages that need several versions install as ``package-1.2.3``."""


class Imports:
    """The closures of a tree's files; each file is read and cut into tokens once."""

    def __init__(self, tree: SourceTree) -> None:
        self._tree = tree
        self._direct: dict[str, tuple[list[tuple[str, str | None]], tuple[str, ...]]] = {}
        self._bytes = 0

    def closure(self, name: str) -> Closure:
        """What the file of that name needs."""
        result = Closure()
        waiting = [name]
        while waiting:
            current = waiting.pop()
            if current in result.sources:
                continue
            source = self._tree.source(current)
            if source is None:
                result.missing[current] = name
                continue
            result.sources[current] = source
            paths, result.versions[current] = self.direct(source)
            for path, target in paths:
                if target is None:
                    result.missing[path] = current
                    continue
                if target != _joined(current, path):
                    result.remappings[current, path] = target
                waiting.append(target)
        return result

    def direct(self, source: Source) -> tuple[list[tuple[str, str | None]], tuple[str, ...]]:
        """Each import of a file with the name that it means or None; its version expressions."""
        known = self._direct.get(source.name)
        if known is None:
            self._bytes += len(source.text)
            if self._bytes > MAX_TREE_BYTES:
                raise SourceTooLarge(
                    self._tree.name, "characters of source", MAX_TREE_BYTES, self._bytes
                )
            paths, versions = heads(source)
            named = [(path, self.resolve(source.name, path)) for path in paths]
            known = self._direct[source.name] = named, tuple(versions)
        return known

    def resolve(self, importing: str, path: str) -> str | None:
        """The name that ``path`` means in the file ``importing``, None where nothing is there."""
        for name in self._candidates(importing, path):
            clean = posixpath.normpath(name)
            if clean.startswith(("../", "/")) or clean == "..":
                continue
            for spelt in (name, clean):
                if self._tree.source(spelt) is not None:
                    return spelt
        return None

    def _candidates(self, importing: str, path: str) -> list[str]:
        joined = _joined(importing, path)
        names = [remapped(self._tree.remappings, importing, joined)]
        if not path.startswith("."):
            folder = posixpath.dirname(importing)
            versioned = _VERSIONED.sub(r"\1-\2/", path)
            while True:
                names += [
                    posixpath.join(folder, "node_modules", one)
                    for one in dict.fromkeys((path, versioned))
                ]
                if not folder:
                    break
                folder = posixpath.dirname(folder)
            names += [posixpath.join(root, path) for root in self._tree.roots]
            names.append(posixpath.join(posixpath.dirname(importing), path))
        names.append(joined)
        return list(dict.fromkeys(names))


def remapped(remappings: tuple[Remapping, ...], importing: str, path: str) -> str:
    """``path`` after the remapping of the longest context, then of the longest prefix."""
    best: Remapping | None = None
    for one in remappings:
        fits = importing.startswith(one.context) and path.startswith(one.prefix)
        if fits and (
            best is None
            or (len(one.context), len(one.prefix)) >= (len(best.context), len(best.prefix))
        ):
            best = one
    return path if best is None else best.target + path[len(best.prefix) :]


def _joined(importing: str, path: str) -> str:
    """A relative import as the compiler joins it; another as it is."""
    if not path.startswith("."):
        return path
    return posixpath.normpath(posixpath.join(posixpath.dirname(importing), path))
