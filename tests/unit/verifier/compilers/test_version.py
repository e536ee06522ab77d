"""Versions of compilers: read, compared, refused."""

from __future__ import annotations

import pytest

from bridge.domain.errors import SourceRefused
from bridge.verifier.compilers.version import Version, own_name


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0.8.26+commit.8a97fa7a", "0.8.26"),
        ("v0.4.11+commit.68ef5810", "0.4.11"),
        ("0.5.17", "0.5.17"),
        ("0.4.0b1+commit.1234567", "0.4.0b1"),
        ("0.4.1rc2", "0.4.1rc2"),
    ],
)
def test_a_version(text: str, number: str) -> None:
    assert Version.parse(text).number == number
    assert str(Version.parse(text)) == text.removeprefix("v")


@pytest.mark.parametrize(
    ("asked", "own", "same"),
    [
        ("0.8.26", "0.8.26+commit.8a97fa7a.Emscripten.clang", True),
        ("0.8.26+commit.8a97fa7a", "0.8.26+commit.8a97fa7a.Emscripten.clang", True),
        ("0.8.26+commit.8a97fa7b", "0.8.26+commit.8a97fa7a.Emscripten.clang", False),
        ("0.8.2", "0.8.26+commit.8a97fa7a", False),
        ("0.3.10+commit.91361694", "0.3.10+commit.9136169", True),
        ("0.4.0b1", "0.4.0+commit.e9db8d9", False),
        ("0.4.0", "0.4.0b1+commit.e9db8d9", False),
        ("0.4.0", "nothing", False),
    ],
)
def test_which_compiler_it_is(asked: str, own: str, same: bool) -> None:
    assert Version.parse(asked).is_said_by(own) is same


@pytest.mark.parametrize(
    "text",
    ["", "0.8", "0.8.26-nightly", "0.8.26+commit.xyz", "1.2.3.4", "٠.٨.٢٦", None, 8, "0.8.26\n"],
)
def test_no_version(text: object) -> None:
    with pytest.raises(SourceRefused, match="expected a release") as caught:
        Version.parse(text)
    assert caught.value.code == "invalid_compiler_version"


def test_a_compilers_own_name() -> None:
    assert own_name("0.4.26+commit.4563c3fc.Emscripten.clang\n") == "0.4.26+commit.4563c3fc"
