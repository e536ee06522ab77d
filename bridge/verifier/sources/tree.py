"""A tree of sources: the files that are scanned, and those that they import.

A name is a path with ``/`` in it, relative to the tree's root, without ``.`` and ``..``. Where a
tree comes from files, `reader` gives what is imported and is not in `files` yet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from bridge.domain.errors import SourceTooLarge, SourceUnreadable

MAX_FILE_BYTES = 2 << 20
MAX_TREE_BYTES = 200 << 20
MAX_FILES = 20_000
MAX_NAME = 500


class Language(StrEnum):
    """What a source is written in."""

    SOLIDITY = "Solidity"
    VYPER = "Vyper"


@dataclass(frozen=True, slots=True)
class Source:
    """A file: ``name`` is its name in the tree, ``text`` its content."""

    name: str
    text: str
    language: Language


@dataclass(frozen=True, slots=True)
class Remapping:
    """``context:prefix=target`` as the Solidity compiler takes it."""

    prefix: str
    target: str
    context: str = ""

    @classmethod
    def parse(cls, text: str, where: str) -> Remapping:
        """The parts of ``[context:]prefix=target``; `SourceUnreadable` for another text."""
        left, equals, target = text.strip().partition("=")
        context, colon, prefix = left.rpartition(":")
        if not equals or not (prefix if colon else left):
            raise SourceUnreadable(where, "a remapping context:prefix=target", repr(text))
        return cls(prefix=prefix if colon else left, target=target, context=context)

    def __str__(self) -> str:
        return f"{self.context}:{self.prefix}={self.target}"


Reader = Callable[[str], str | None]
"""The text of the file of that name, None where there is none."""


def _nothing(name: str) -> str | None:
    return None


@dataclass(slots=True)
class SourceTree:
    """What a scan looks at.

    ``wanted`` are the names whose contracts are scanned; ``files`` holds them and, once they are
    read, their imports. ``problems`` says what could not be read or is known only in part.
    """

    name: str
    files: dict[str, Source]
    wanted: tuple[str, ...]
    remappings: tuple[Remapping, ...] = ()
    reader: Reader = _nothing
    roots: tuple[str, ...] = ()
    """Folders that an import without a dot in front is looked up in, after the tree's root."""
    problems: list[str] = field(default_factory=list)

    def source(self, name: str) -> Source | None:
        """The file of that name, read now if it was not yet; None where there is none."""
        if name not in self.files:
            text = self.reader(name)
            if text is None:
                return None
            if len(self.files) >= MAX_FILES:
                raise SourceTooLarge(self.name, "files", MAX_FILES, len(self.files) + 1)
            self.files[name] = Source(name, text, language_of(name))
        return self.files[name]


def language_of(name: str) -> Language:
    """By the name's ending; Solidity for all that is not ``.vy`` or ``.vyi``."""
    return Language.VYPER if name.endswith((".vy", ".vyi")) else Language.SOLIDITY


def checked_name(name: str, where: str) -> str:
    """``name`` if it may name a file of a tree; else `SourceUnreadable`, which says why.

    Refused are addresses, absolute paths, drive letters, backslashes, ``..`` that leave the root,
    and characters that no path has.
    """
    if not name or len(name) > MAX_NAME:
        raise SourceUnreadable(
            where, f"a source name of 1 to {MAX_NAME} characters", f"{len(name)}"
        )
    if any(ord(letter) < 32 or letter in "\\\x7f" for letter in name):
        raise SourceUnreadable(where, "a source name of printable characters and /", repr(name))
    scheme = urlsplit(name).scheme if ":" in name else ""
    if "://" in name or scheme:
        raise SourceUnreadable(where, "a source name that is a path", f"the address {name!r}")
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise SourceUnreadable(where, "a source name inside the tree", repr(name))
    return str(path)


def read_text(path: Path, root: Path, where: str) -> str:
    """The text of a file inside ``root``; `SourceUnreadable` where a link leads out of it.

    UTF-8 is expected, and Latin-1 is what else it may be: old contracts have it in comments.
    """
    real = path.resolve()
    if not real.is_relative_to(root):
        raise SourceUnreadable(where, f"a file inside {root}", f"a link to {real}")
    if not real.is_file():
        raise SourceUnreadable(where, "a file", "something else")
    size = real.stat().st_size
    if size > MAX_FILE_BYTES:
        raise SourceTooLarge(where, "bytes", MAX_FILE_BYTES, size)
    raw = real.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
