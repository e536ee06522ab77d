"""The scanner on contracts that others wrote: what it finds at high is what the labels say.

The default is those of OpenZeppelin, which are installed for our own contracts. All others are
measured by `make corpus`, or here with ``CORPUS=all`` once they are installed.
"""

from __future__ import annotations

import os

import pytest

from bridge.verifier.finding import Confidence, Finding, Location, Severity
from bridge.verifier.sources.judge import ECDSA_SECP256K1
from bridge.verifier.sources.scan import SourceScan, scan_tree
from tests.corpus.measure import (
    INSTALLED,
    PROJECT,
    corpus_compilers,
    corpus_tree,
    found_schemes,
    read_labels,
    scan_corpus,
    score,
)

OWN = "@openzeppelin/contracts/"


def test_labels_say_why_and_have_contracts_with_and_without_findings() -> None:
    labels = read_labels()
    assert len(labels) >= 120
    assert all(len(one.why) > 5 for one in labels)
    assert all(set(one.finds.values()) <= set(Severity) for one in labels)
    held_out = sum(one.held_out for one in labels)
    assert 0.25 < held_out / len(labels) < 0.45
    for part in (True, False):
        mine = [one for one in labels if one.held_out is part]
        assert sum(bool(one.high()) for one in mine) >= 20
        assert sum(not one.high() for one in mine) >= 20


def test_openzeppelins_contracts_are_found_as_labelled() -> None:
    if not (PROJECT / "node_modules" / "@openzeppelin").exists():
        pytest.skip("OpenZeppelin's contracts are not there: make tools")
    labels = [one for one in read_labels() if one.file.startswith(OWN)]
    scan = scan_tree(corpus_tree(labels, PROJECT), corpus_compilers(), workers=1)
    assert all(one.version is not None for one in scan.files)
    result = score(labels, scan)
    assert (result.wrong, result.missed) == ([], [])
    assert result.right >= 8
    for label in labels:
        found = found_schemes(scan.by_file[f"node_modules/{label.file}"], label)
        assert {name: one.value for name, one in found.items()} == label.finds, label


def test_a_scanner_that_finds_nothing_or_everything_scores_badly() -> None:
    labels = read_labels()
    nothing = SourceScan(by_file={f"node_modules/{one.file}": [] for one in labels})
    assert (score(labels, nothing).recall, score(labels, nothing).precision) == (0.0, 1.0)
    everything = SourceScan()
    for one in labels:
        found = Finding(
            "ecrecover", one.contract, ECDSA_SECP256K1, Severity.HIGH, Confidence.HIGH,
            Location("x.sol", 1), (), "",
        )  # fmt: skip
        everything.by_file.setdefault(f"node_modules/{one.file}", []).append(found)
    assert score(labels, everything).precision < 0.6


def test_the_whole_corpus_reaches_the_targets() -> None:
    if os.environ.get("CORPUS") != "all":
        pytest.skip("long: CORPUS=all runs it, and make corpus")
    assert (INSTALLED / "node_modules").is_dir(), "make corpus-packages"
    labels = read_labels()
    scan = scan_corpus(labels)
    for held_out in (False, True):
        result = score([one for one in labels if one.held_out is held_out], scan)
        assert result.recall >= 0.98, result.missed
        assert result.precision >= 0.95, result.wrong
