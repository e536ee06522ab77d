"""The verifier and lib-sourcify on the same contracts of the same chain.

A few cases by default, and all of them with SOURCIFY=all (`make sourcify`), which also writes what
scripts/verifier_page.py reads.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

import pytest

from bridge.chain.anvil import find_anvil
from tests.sourcify.agreement import FOLDER, Compared, as_json, compare, have_lib
from tests.sourcify.anvil import running
from tests.sourcify.cases import Case, all_cases, few_cases
from tests.sourcify.compilers import compilers
from tests.sourcify.reasons import REASONS

ALL = os.environ.get("SOURCIFY") == "all"
LEAST_CASES = 200
pytestmark = [
    pytest.mark.skipif(find_anvil() is None, reason="no Anvil: run `make tools`"),
    pytest.mark.skipif(not have_lib(), reason="no lib-sourcify: run `make sourcify`"),
    pytest.mark.timeout(7_200 if ALL else 600),
]


@pytest.fixture(scope="module")
def compared() -> Sequence[Compared]:
    with running() as anvil:
        found = compilers()
        cases: list[Case] = list((all_cases if ALL else few_cases)(anvil, found))
        assert len({one.id for one in cases}) == len(cases)
        results = compare(anvil, found, cases)
    if ALL:
        (FOLDER / "compared.json").write_text(json.dumps(as_json(results), indent=1))
    return results


def test_every_difference_is_known_and_ours_is_the_stricter(compared: Sequence[Compared]) -> None:
    different = [one for one in compared if not one.same]
    assert [one for one in different if not one.stricter] == []
    assert [one for one in different if one.kind not in REASONS] == []


def test_each_reason_stands_for_a_difference(compared: Sequence[Compared]) -> None:
    here = {one.kind for one in compared}
    assert here & REASONS.keys() == {one.kind for one in compared if not one.same}


def test_both_say_yes_and_both_say_no(compared: Sequence[Compared]) -> None:
    alike = [one for one in compared if one.same]
    assert {one.ours.runtime for one in alike} == {0, 1, 2}
    assert {one.ours.creation for one in alike} == {0, 1, 2}


def test_transformations_and_values_are_the_same(compared: Sequence[Compared]) -> None:
    """Where both match alike: the same names, offsets and bytes."""
    looked = 0
    for one in compared:
        for side, mine, theirs in (
            ("runtime", one.ours.runtime, one.theirs.runtime),
            ("creation", one.ours.creation, one.theirs.creation),
        ):
            if not mine or mine != theirs:
                continue
            ours, other = one.ours.transformations[side], one.theirs.transformations[side]
            assert in_order(ours["list"]) == in_order(other["list"]), one.id
            # Where auxdata is deleted, theirs has the name without a value.
            values = {name: value for name, value in other["values"].items() if value}
            assert ours["values"] == values, one.id
            looked += bool(ours["list"])
    assert looked


def test_the_whole_has_enough_cases(compared: Sequence[Compared]) -> None:
    if not ALL:
        pytest.skip("a few cases only: SOURCIFY=all, `make sourcify`")
    assert len(compared) >= LEAST_CASES


def in_order(transformations: Sequence[dict[str, object]]) -> list[str]:
    return sorted(json.dumps(one, sort_keys=True) for one in transformations)
