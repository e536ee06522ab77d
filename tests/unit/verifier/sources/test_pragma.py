"""Version expressions, by npm's rules."""

from __future__ import annotations

import pytest

from bridge.verifier.sources.pragma import newest, parsed, satisfies


@pytest.mark.parametrize(
    ("expression", "inside", "outside"),
    [
        ("^0.8.20", ("0.8.20", "0.8.37"), ("0.8.19", "0.9.0", "1.0.0")),
        ("^0.0.3", ("0.0.3",), ("0.0.4",)),
        ("^1.2.3", ("1.9.0",), ("2.0.0", "1.2.2")),
        ("~0.7.2", ("0.7.2", "0.7.6"), ("0.8.0", "0.7.1")),
        ("0.5.16", ("0.5.16",), ("0.5.17",)),
        ("=0.5.16", ("0.5.16",), ("0.5.15",)),
        ("0.8", ("0.8.0", "0.8.30"), ("0.9.0",)),
        ("0.8.x", ("0.8.5",), ("0.7.6",)),
        ("*", ("0.4.1",), ()),
        (">=0.6.2 <0.8.0", ("0.6.2", "0.7.6"), ("0.6.1", "0.8.0")),
        (">0.6.2", ("0.6.3",), ("0.6.2",)),
        ("<=0.7.0", ("0.7.0", "0.4.0"), ("0.7.1",)),
        ("0.4.0 - 0.6.0", ("0.4.0", "0.6.0"), ("0.6.1",)),
        ("^0.6.0 || ^0.8.0", ("0.6.5", "0.8.1"), ("0.7.0",)),
        (">= 0.8.0", ("0.8.1",), ("0.7.0",)),
    ],
)
def test_a_range_has_what_npm_says(
    expression: str, inside: tuple[str, ...], outside: tuple[str, ...]
) -> None:
    assert all(satisfies(parsed(one), expression) for one in inside)
    assert not any(satisfies(parsed(one), expression) for one in outside)


def test_the_newest_that_fits_all_is_chosen_and_none_where_none_does() -> None:
    versions = ("0.8.9", "0.8.37", "0.7.6", "0.8.10")
    assert newest(["^0.8.0", "<0.8.30"], versions) == "0.8.10"
    assert newest(["^0.8.0", "^0.7.0"], versions) is None
    assert newest([], versions) == "0.8.37"
