"""What a verification asks for: taken as it should be, refused as it should be."""

from __future__ import annotations

import copy
import json

import pytest

from bridge.crypto.hashing import keccak256
from bridge.domain.errors import SourceRefused
from bridge.verifier.match.request import (
    MAX_BYTES,
    Target,
    from_metadata,
    from_standard_json,
    parse_json,
)

TEXT = "contract A { }\n"
INPUT = {
    "language": "Solidity",
    "sources": {"src/A.sol": {"content": TEXT}},
    "settings": {"optimizer": {"enabled": True}, "outputSelection": {"*": {"*": ["*"]}}},
}
VERSION = "0.8.26+commit.8a97fa7a"


def digest(text: str) -> str:
    return "0x" + keccak256(text.encode()).hex()


def metadata(text: str = TEXT) -> dict[str, object]:
    return {
        "compiler": {"version": VERSION},
        "language": "Solidity",
        "settings": {
            "compilationTarget": {"src/A.sol": "A"},
            "libraries": {"src/L.sol:L": "0x" + "11" * 20},
            "optimizer": {"enabled": True, "runs": 200},
        },
        "sources": {"src/A.sol": {"keccak256": digest(text), "urls": ["bzz-raw://ab"]}},
        "version": 1,
    }


def test_a_standard_json() -> None:
    request = from_standard_json(INPUT, VERSION, "src/A.sol:A")
    assert (request.target, str(request.version)) == (Target("src/A.sol", "A"), VERSION)
    assert request.standard_json({"*": {}}, "\n") == {
        "language": "Solidity",
        "sources": {"src/A.sol": {"content": TEXT + "\n"}},
        "settings": {"optimizer": {"enabled": True}, "outputSelection": {"*": {}}},
    }


@pytest.mark.parametrize(
    "path",
    [
        "../A.sol",
        "a/../../A.sol",
        "a/..",
        "/etc/passwd",
        "C:\\A.sol",
        "C:/A.sol",
        "a\\..\\A.sol",
        "https://example.org/A.sol",
        "file:///etc/passwd",
        "ipfs://Qm/A.sol",
        "a\0b.sol",
        "a\nb.sol",
        "",
        "a" * 1001,
    ],
)
def test_a_source_that_leads_elsewhere(path: str) -> None:
    changed = copy.deepcopy(INPUT)
    changed["sources"][path] = {"content": TEXT}  # type: ignore[index]
    with pytest.raises(SourceRefused, match="source name: expected") as caught:
        from_standard_json(changed, VERSION, "src/A.sol:A")
    assert caught.value.code == "invalid_parameter"
    given = metadata()
    given["sources"] = {path: {"keccak256": digest(TEXT)}}
    with pytest.raises(SourceRefused, match="source name: expected"):
        from_metadata(given, {"A.sol": TEXT})


@pytest.mark.parametrize(
    ("entry", "code", "message"),
    [
        ({"urls": ["https://example.org/A.sol"]}, "invalid_parameter", "got urls"),
        ({"urls": ["/etc/passwd"], "content": TEXT}, "invalid_parameter", "got urls"),
        ({}, "invalid_parameter", "expected text, got none"),
        ({"content": 5}, "invalid_parameter", "expected text"),
        ("text", "invalid_parameter", "expected an object, got str"),
        ({"content": TEXT, "keccak256": "0x00"}, "missing_or_invalid_source", "expected the hash"),
        ({"content": "\ud800", "keccak256": "0x00"}, "invalid_parameter", "surrogate"),
    ],
)
def test_a_source_that_cannot_be_used(entry: object, code: str, message: str) -> None:
    changed = {**INPUT, "sources": {"src/A.sol": entry}}
    with pytest.raises(SourceRefused, match=message) as caught:
        from_standard_json(changed, VERSION, "src/A.sol:A")
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("version", "target", "code"),
    [
        ("0.8.26-nightly.2024.5.1+commit.8a97fa7a", "src/A.sol:A", "invalid_compiler_version"),
        ("latest", "src/A.sol:A", "invalid_compiler_version"),
        ("0.8.26; rm -rf /", "src/A.sol:A", "invalid_compiler_version"),
        ("../0.8.26", "src/A.sol:A", "invalid_compiler_version"),
        (None, "src/A.sol:A", "invalid_compiler_version"),
        (VERSION, "A", "invalid_parameter"),
        (VERSION, "src/A.sol:", "invalid_parameter"),
        (VERSION, ":A", "invalid_parameter"),
        (VERSION, None, "invalid_parameter"),
        (VERSION, "src/A.sol:A b", "invalid_parameter"),
        (VERSION, "src/B.sol:B", "contract_not_found_in_compiler_output"),
    ],
)
def test_a_version_or_target_that_is_none(version: object, target: object, code: str) -> None:
    with pytest.raises(SourceRefused) as caught:
        from_standard_json(INPUT, version, target)
    assert caught.value.code == code


@pytest.mark.parametrize("given", [None, [], "text", 5, {"sources": {}}, {"language": "Solidity"}])
def test_no_standard_json(given: object) -> None:
    with pytest.raises(SourceRefused, match="expected"):
        from_standard_json(given, VERSION, "src/A.sol:A")


def test_metadata_finds_its_sources_by_their_hashes() -> None:
    request = from_metadata(metadata(), {"whatever": "other", "name": TEXT})
    assert request.sources == {"src/A.sol": TEXT}
    assert request.settings["libraries"] == {"src/L.sol": {"L": "0x" + "11" * 20}}
    assert "compilationTarget" not in request.settings


@pytest.mark.parametrize("given", [TEXT.replace("\n", "\r\n"), TEXT.rstrip(), TEXT + "\n\n"])
def test_line_ends_that_were_changed_on_the_way(given: str) -> None:
    assert from_metadata(metadata(), {"A.sol": given}).sources == {"src/A.sol": TEXT}


@pytest.mark.parametrize("given", [{}, {"src/A.sol": TEXT + "// more"}, {"src/A.sol": " " + TEXT}])
def test_a_source_of_another_hash(given: dict[str, str]) -> None:
    with pytest.raises(SourceRefused, match="no source with the hash") as caught:
        from_metadata(metadata(), given)
    assert caught.value.code == "missing_source"


def test_metadata_with_content_of_another_hash() -> None:
    given = metadata()
    given["sources"]["src/A.sol"]["content"] = TEXT + " "  # type: ignore[index]
    with pytest.raises(SourceRefused, match="not of its hash") as caught:
        from_metadata(given, {})
    assert caught.value.code == "missing_or_invalid_source"


@pytest.mark.parametrize("target", [None, {}, {"src/B.sol": "B"}, {"a": "A", "b": "B"}])
def test_metadata_without_one_target(target: object) -> None:
    given = metadata()
    given["settings"]["compilationTarget"] = target  # type: ignore[index]
    with pytest.raises(SourceRefused) as caught:
        from_metadata(given, {"A.sol": TEXT})
    assert caught.value.code == "invalid_compilation_target"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1, "a": 2}',
        b"[" * 100_000,
        b"[" * 70 + b"]" * 70,
        b'{"a": ' + b"9" * 5000 + b"}",
        b"\xff\xfe",
        b" " * (MAX_BYTES + 1),
    ],
    ids=lambda text: f"{len(text)} bytes",
)
def test_json_that_is_refused(text: bytes) -> None:
    with pytest.raises(SourceRefused, match="body: expected"):
        parse_json(text, "body")


def test_json_that_is_taken() -> None:
    assert parse_json(json.dumps(INPUT), "body") == INPUT
