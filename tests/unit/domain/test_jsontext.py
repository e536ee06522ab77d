"""JSON from outside: what is read, and what is refused before it can do harm."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.jsontext import DEEPEST, parsed_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_every_value_is_read_as_it_was_written(value: object) -> None:
    assert parsed_json(json.dumps(value)) == value
    assert parsed_json(json.dumps(value, ensure_ascii=False).encode()) == value


def test_brackets_in_texts_are_no_levels() -> None:
    text = json.dumps({"a": "[" * 1000 + '\\"' + "{" * 1000})
    assert parsed_json(text) == json.loads(text)
    deep = "[" * DEEPEST + "]" * DEEPEST
    parsed_json(deep)
    with pytest.raises(ValueError, match=f"more than {DEEPEST} levels"):
        parsed_json(f"[{deep}]")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Expecting value"),
        ("[NaN]", "the number NaN"),
        ("-Infinity", "the number -Infinity"),
        ("{", "Expecting property name"),
        (b"\xff", "decode"),
        ('{"a": 1, "a": 2}', "a key that comes twice"),
    ],
)
def test_what_is_none_is_refused(text: str | bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parsed_json(text, unique=True)


def test_no_depth_ends_the_process_whatever_the_recursion_limit_is() -> None:
    program = """
import sys
from bridge.domain.jsontext import parsed_json
sys.setrecursionlimit(10**9)
for text in ("[" * 10**6, '{"a":' * 10**6, "[" * 10**6 + "]" * 10**6):
    try:
        parsed_json(text)
    except ValueError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"more than {DEEPEST} levels"] * 3
