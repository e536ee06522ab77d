from __future__ import annotations

import re

import pytest

from bridge.domain.errors import CodeProblem, CodeRefused
from bridge.verifier.evm.scan import scan_bytecode
from bridge.verifier.evm.sourcemap import Entry, SourceMap, parse_source_map
from tests.evm_cases.compile import SETTINGS, load
from tests.evm_cases.sources import sources


def test_what_is_left_out_is_that_of_the_entry_before():
    assert parse_source_map("1:2:1;1:9:1;2:1:2;;:3;::0:i:2") == (
        Entry(1, 2, 1, "-", 0),
        Entry(1, 9, 1, "-", 0),
        Entry(2, 1, 2, "-", 0),
        Entry(2, 1, 2, "-", 0),
        Entry(2, 3, 2, "-", 0),
        Entry(2, 3, 0, "i", 2),
    )
    assert parse_source_map("") == ()


@pytest.mark.parametrize(
    "text",
    ["x:1:1", "1:2", "1:2:1:q", "1:2:3:i:0:7", "1:2:99999999999", "1:²:1", ";1:2:1", "1:2:nan"],
)
def test_what_is_no_map_is_refused(text):
    with pytest.raises(CodeRefused) as refused:
        parse_source_map(text)
    assert refused.value.code is CodeProblem.BAD_SOURCE_MAP


def test_lines_are_those_of_the_call():
    versions = {version for version, name, _ in SETTINGS if name == "optimized"}
    checked = 0
    for name, case in load().items():
        version, setting, contract = name.split()[0], name.split()[1], name.split()[-1]
        if version not in versions or setting != "optimized" or contract not in ("Claim", "Vote"):
            continue
        text = sources(tuple(map(int, version.split("."))))[contract]
        code = bytes.fromhex(case["runtime"])
        path = f"{contract}.sol"
        map_ = SourceMap(code, case["map"], {case["source_id"]: (path, text)})
        (found,) = (
            one
            for one in scan_bytecode(code, contract, map_).findings
            if one.detector == "ecrecover"
        )
        assert found.location.source == path
        line = text.splitlines()[found.location.line - 1]
        assert re.search(r"ecrecover\(", line), (name, line)
        checked += 1
    assert checked == 2 * len(versions)


def test_an_offset_without_a_line_has_none():
    map_ = SourceMap(b"\x60\x01\x00\xfe", "0:1:0;2:1:-1", {0: ("A.sol", "\n\nx")})
    assert map_.line_at(0) == map_.line_at(1) == ("A.sol", 1)
    assert map_.line_at(2) is None  # the compiler's own code
    assert map_.line_at(-1) is None
    assert SourceMap(b"\x00", "", {}).line_at(0) is None
