"""What is to be verified: a standard JSON or a metadata with its sources, checked before use.

Sources stand in the request itself: nothing is fetched from a URL or read from a disk.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.crypto.hashing import keccak256
from bridge.domain.errors import SourceRefused
from bridge.domain.jsontext import parsed_json
from bridge.verifier.compilers.version import Version

MAX_BYTES = 10 << 20
MAX_SOURCES = 5_000
MAX_PATH = 1_000
MAX_DEPTH = 64
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$.]*", re.ASCII)
_HASH = re.compile(r"0x[0-9a-f]{64}", re.ASCII)
DROPPED_SETTINGS = ("outputSelection", "modelChecker", "compilationTarget")
"""What changes no code: the outputs are chosen here, and no solver is started."""


@dataclass(frozen=True, slots=True)
class Target:
    """The contract ``name`` in the source ``path``."""

    path: str
    name: str

    @classmethod
    def parse(cls, text: object) -> Target:
        """The target of a contractIdentifier, "path:Name"; a path may have colons itself."""
        path, colon, name = text.rpartition(":") if isinstance(text, str) else ("", "", "")
        if not colon or not path or _NAME.fullmatch(name) is None:
            raise SourceRefused(f"contractIdentifier: expected path:Name, got {str(text)[:80]!r}")
        checked_path(path)
        return cls(path, name)

    def __str__(self) -> str:
        return f"{self.path}:{self.name}"


@dataclass(frozen=True, slots=True)
class Request:
    """One contract to be compiled: its language, compiler, sources and settings."""

    language: str
    version: Version
    target: Target
    sources: Mapping[str, str]
    settings: Mapping[str, Any] = field(repr=False)

    def standard_json(self, selection: Mapping[str, Any], edit: str = "") -> dict[str, Any]:
        """The standard JSON input with these outputs; ``edit`` is put after each source."""
        return {
            "language": self.language,
            "sources": {path: {"content": text + edit} for path, text in self.sources.items()},
            "settings": {**self.settings, "outputSelection": dict(selection)},
        }


def parse_json(text: bytes | str, what: str, limit: int = MAX_BYTES) -> Any:
    """A JSON value; ``SourceRefused`` for what is too long, too deep, or ambiguous.

    A key that comes twice and the numbers NaN and Infinity are refused.
    """
    if len(text) > limit:
        raise SourceRefused(f"{what}: expected at most {limit} bytes, got {len(text)}")
    try:
        return parsed_json(text, MAX_DEPTH, unique=True)
    except ValueError as error:
        raise SourceRefused(f"{what}: expected JSON: {str(error)[:200]}") from error


def from_standard_json(value: object, version: object, target: object) -> Request:
    """The request of a standard JSON input, a compiler's long version and "path:Name"."""
    given = _object(value, "stdJsonInput")
    language = given.get("language")
    if not isinstance(language, str):
        raise SourceRefused("stdJsonInput.language: expected Solidity or Vyper, got none")
    sources = _sources(given.get("sources"))
    interfaces = given.get("interfaces")
    if interfaces:
        raise SourceRefused("stdJsonInput.interfaces: expected them among the sources")
    parsed = Target.parse(target)
    if parsed.path not in sources:
        raise SourceRefused(
            f"contractIdentifier: expected one of the sources, got {parsed.path!r}",
            "contract_not_found_in_compiler_output",
        )
    settings = _settings(given.get("settings", {}), language)
    return Request(language, Version.parse(version), parsed, sources, settings)


def from_metadata(metadata: object, sources: object) -> Request:
    """The request of a contract's metadata and its sources, each found by its Keccak-256.

    ``sources`` maps any names to texts. A text with other line ends or another end than what was
    hashed is tried in those forms too. Raises ``SourceRefused``.
    """
    given = _object(metadata, "metadata")
    compiler = _object(given.get("compiler"), "metadata.compiler")
    settings = dict(_object(given.get("settings"), "metadata.settings"))
    language = given.get("language")
    if not isinstance(language, str):
        raise SourceRefused("metadata.language: expected Solidity, got none")
    wanted = settings.get("compilationTarget")
    if not isinstance(wanted, dict) or len(wanted) != 1:
        raise SourceRefused(
            "metadata.settings.compilationTarget: expected one contract",
            "invalid_compilation_target",
        )
    ((path, name),) = wanted.items()
    hashed = _by_hash(sources)
    found = {
        one: _source_of(one, entry, hashed)
        for one, entry in _object(given.get("sources"), "metadata.sources").items()
    }
    if path not in found:
        raise SourceRefused(
            f"metadata.settings.compilationTarget: no source {path!r}",
            "invalid_compilation_target",
        )
    if isinstance(settings.get("libraries"), dict):
        settings["libraries"] = _nested_libraries(settings["libraries"])
    return Request(
        language,
        Version.parse(compiler.get("version")),
        Target.parse(f"{path}:{name}"),
        found,
        _settings(settings, language),
    )


def checked_path(path: object) -> str:
    """A source's name that leads nowhere but into the request; ``SourceRefused`` otherwise."""
    problem = None
    if not isinstance(path, str) or not 0 < len(path) <= MAX_PATH:
        problem = f"expected a name of 1 to {MAX_PATH} characters"
    elif any(ord(one) < 32 for one in path) or "\\" in path:
        problem = "expected no control characters and no backslash"
    elif _SCHEME.match(path):
        problem = "expected a path, got a URL"
    elif path.startswith("/") or _DRIVE.match(path):
        problem = "expected a relative path, got an absolute one"
    elif ".." in posixpath.normpath(path).split("/") or ".." in path.split("/"):
        problem = "expected a path within the sources"
    if problem is not None:
        raise SourceRefused(f"source name: {problem}: {str(path)[:80]!r}")
    assert isinstance(path, str)
    return path


def _sources(value: object) -> dict[str, str]:
    given = _object(value, "stdJsonInput.sources")
    if not 0 < len(given) <= MAX_SOURCES:
        raise SourceRefused(f"sources: expected 1 to {MAX_SOURCES}, got {len(given)}")
    sources = {}
    for path, entry in given.items():
        checked_path(path)
        one = _object(entry, f"sources[{path!r}]")
        if "urls" in one:
            raise SourceRefused(f"sources[{path!r}]: expected content, got urls")
        content = one.get("content")
        if not isinstance(content, str):
            raise SourceRefused(f"sources[{path!r}].content: expected text, got none")
        digest = one.get("keccak256")
        if digest is not None and digest != _digest(content):
            raise SourceRefused(
                f"sources[{path!r}]: expected the hash {digest}, got {_digest(content)}",
                "missing_or_invalid_source",
            )
        sources[path] = content
    return sources


def _settings(value: object, language: str) -> dict[str, Any]:
    settings = dict(_object(value, "settings"))
    for name in DROPPED_SETTINGS:
        settings.pop(name, None)
    if language == "Vyper" and "search_paths" in settings:
        for one in settings["search_paths"] if isinstance(settings["search_paths"], list) else ():
            if one != ".":
                checked_path(one)
    return settings


def _source_of(path: str, entry: object, hashed: Mapping[str, str]) -> str:
    checked_path(path)
    one = _object(entry, f"metadata.sources[{path!r}]")
    digest = one.get("keccak256")
    if not isinstance(digest, str) or _HASH.fullmatch(digest.lower()) is None:
        raise SourceRefused(
            f"metadata.sources[{path!r}].keccak256: expected a hash, got {digest!r}"
        )
    content = one.get("content")
    if isinstance(content, str):
        if _digest(content) != digest.lower():
            raise SourceRefused(
                f"metadata.sources[{path!r}]: its content is not of its hash",
                "missing_or_invalid_source",
            )
        return content
    if digest.lower() not in hashed:
        raise SourceRefused(
            f"metadata.sources[{path!r}]: no source with the hash {digest}", "missing_source"
        )
    return hashed[digest.lower()]


def _by_hash(sources: object) -> dict[str, str]:
    given = _object(sources, "sources")
    if len(given) > MAX_SOURCES:
        raise SourceRefused(f"sources: expected at most {MAX_SOURCES}, got {len(given)}")
    found: dict[str, str] = {}
    for name, text in given.items():
        content = text.get("content") if isinstance(text, dict) else text
        if not isinstance(content, str):
            raise SourceRefused(f"sources[{name!r}]: expected text")
        for form in _forms(content):
            found.setdefault(_digest(form), form)
    return found


def _forms(text: str) -> list[str]:
    """A text with either kind of line ends, and with and without a last one."""
    unix = text.replace("\r\n", "\n")
    forms = [text]
    for ends in (unix, unix.replace("\n", "\r\n")):
        end = "\r\n" if "\r\n" in ends else "\n"
        bare = ends.rstrip("\r\n")
        forms += [ends, bare, bare + end]
    return list(dict.fromkeys(forms))


def _nested_libraries(flat: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """{"path:Name": address} of a metadata as {"path": {"Name": address}} of a standard JSON."""
    nested: dict[str, dict[str, Any]] = {}
    for name, address in flat.items():
        path, _, library = name.rpartition(":")
        nested.setdefault(path, {})[library] = address
    return nested


def _digest(text: str) -> str:
    try:
        return "0x" + keccak256(text.encode()).hex()
    except UnicodeEncodeError as error:
        raise SourceRefused("source: expected Unicode text, got half a surrogate pair") from error


def _object(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        kind = "none" if value is None else type(value).__name__
        raise SourceRefused(f"{name}: expected an object, got {kind}")
    return value
