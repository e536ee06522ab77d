"""Compilers in processes of their own: limits, errors, and what is scanned all the same."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bridge.domain.errors import CompilerCrashed
from bridge.verifier.compilers.confined import Limits
from bridge.verifier.finding import Confidence
from bridge.verifier.sources.compile import LIMITS, compile_closure, run, version_for
from bridge.verifier.sources.compilers import FetchedCompilers, InstalledCompilers
from bridge.verifier.sources.documents import tree_of_standard_json
from bridge.verifier.sources.imports import Closure, Imports
from bridge.verifier.sources.scan import scan_tree

CACHE = Path(__file__).resolve().parents[4] / ".cache" / "compilers"
GOOD = """pragma solidity ^0.8.20;
contract %s {
    address signer;
    function pay(address payable to, uint8 v, bytes32 r, bytes32 s) external {
        require(ecrecover(keccak256(abi.encode(to)), v, r, s) == signer);
        to.transfer(1);
    }
}
"""
SHORT = Limits(time_s=0.05)


def closure(text: str) -> Closure:
    tree = tree_of_standard_json(
        {"language": "Solidity", "sources": {"A.sol": {"content": text}}}, "x"
    )
    return Imports(tree).closure("A.sol")


def test_a_tree_is_made_and_errors_are_told_by_file(compilers: InstalledCompilers) -> None:
    good = closure(GOOD % "A")
    version = version_for(good, compilers)
    assert version is not None
    compiled = compile_closure(good, version, compilers, Limits())
    assert compiled.errors == {}
    assert compiled.asts["A.sol"]["nodeType"] == "SourceUnit"
    wrong = compile_closure(closure("contract A { x y z; }"), version, compilers, Limits())
    assert wrong.asts == {}
    assert list(wrong.errors) == ["A.sol"]


def test_a_version_that_nobody_has_is_none(compilers: InstalledCompilers) -> None:
    assert version_for(closure("pragma solidity ^0.9.0; contract A {}"), compilers) is None
    assert InstalledCompilers(()).versions() == ()


def test_a_compiler_that_nobody_installed_is_fetched_where_one_may(tmp_path: Path) -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm is not there, which fetches compilers")
    old = closure("pragma solidity 0.6.12; contract A { function f() external {} }")
    nothing = InstalledCompilers(())
    assert version_for(old, nothing) is None
    fetching = FetchedCompilers(nothing, CACHE)
    assert fetching.versions() == ()
    assert "0.8.36" in fetching.fetchable()
    assert "0.4.10" not in fetching.fetchable()
    assert version_for(old, fetching) == "0.6.12"
    compiled = compile_closure(old, "0.6.12", fetching, LIMITS)
    assert compiled.asts["A.sol"]["nodeType"] == "SourceUnit"
    with pytest.raises(CompilerCrashed, match=r"npm has no such solc"):
        compile_closure(old, "0.6.99", fetching, LIMITS)
    assert InstalledCompilers((CACHE,)).path("0.6.12").is_file()


def test_a_compiler_over_its_time_is_ended(compilers: InstalledCompilers) -> None:
    version = compilers.versions()[0]
    with pytest.raises(CompilerCrashed, match=r"time reached the limit of 0\.05 s"):
        compile_closure(closure(GOOD % "A"), version, compilers, SHORT)


def test_npm_that_does_not_answer_is_asked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = tmp_path / "asked"
    npm = tmp_path / "npm"
    npm.write_text(f"#!/bin/sh\necho once >> {asked}\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    fetching = FetchedCompilers(InstalledCompilers(()), tmp_path)
    assert [fetching.fetchable() for _ in range(3)] == [()] * 3
    assert asked.read_text() == "once\n"


def test_without_node_no_compiler_runs_and_the_error_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CompilerCrashed, match=r"expected Node\.js on the PATH, found none"):
        run(tmp_path / "soljson.js", "0.8.37", {}, Limits())


def test_a_compiler_that_is_none_is_told(tmp_path: Path) -> None:
    if shutil.which("node") is None:
        pytest.skip("no Node.js, which runs compilers")
    broken = tmp_path / "soljson.js"
    broken.write_text("throw new Error('not a compiler');")
    with pytest.raises(CompilerCrashed, match="not a compiler"):
        run(broken, "0.0.0", {}, Limits())
    broken.write_text("module.exports = {};")
    with pytest.raises(CompilerCrashed, match="no standard JSON interface"):
        run(broken, "0.0.0", {}, Limits())
    broken.write_text("process.stdout.write('no json'); process.exit(0);")
    with pytest.raises(CompilerCrashed, match="no JSON"):
        run(broken, "0.0.0", {}, Limits())


def test_what_a_compiler_did_not_manage_is_scanned_at_low_confidence(
    compilers: InstalledCompilers,
) -> None:
    sources = {"A.sol": {"content": GOOD % "A"}}
    tree = tree_of_standard_json({"language": "Solidity", "sources": sources}, "x")
    scan = scan_tree(tree, compilers, workers=1, limits=SHORT)
    assert [(one.contract, one.confidence) for one in scan.findings] == [("A", Confidence.LOW)]
    assert "its time reached the limit" in scan.files[0].reason


def test_one_file_with_an_error_leaves_the_others_compiled_and_workers_agree(
    compilers: InstalledCompilers,
) -> None:
    sources = {f"{name}.sol": {"content": GOOD % name} for name in ("A", "B", "C")}
    sources["Bad.sol"] = {"content": GOOD % "Bad" + "contract Worse { x y z; }"}
    sources["User.sol"] = {"content": 'import "./Bad.sol"; contract User is Bad {}'}
    sources["Old.sol"] = {"content": GOOD.replace("^0.8.20", "^0.1.0") % "Old"}
    tree = tree_of_standard_json({"language": "Solidity", "sources": sources}, "x")
    seen: list[tuple[int, int]] = []
    scan = scan_tree(tree, compilers, workers=2, progress=lambda *at: seen.append(at))
    low = {one.contract for one in scan.findings if one.confidence is Confidence.LOW}
    assert low == {"Bad", "User", "Old"}
    assert {one.contract for one in scan.findings} == {"A", "B", "C", "Bad", "User", "Old"}
    assert seen[-1] == (6, 6)
    again = scan_tree(tree, compilers, workers=1)
    assert again.findings == scan.findings
