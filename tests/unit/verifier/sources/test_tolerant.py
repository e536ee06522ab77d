"""The reader without a compiler: the same findings as with one, and nothing that stops it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from bridge.verifier.detector import detectors
from bridge.verifier.sources.analysis import Analysis
from bridge.verifier.sources.compilers import InstalledCompilers
from bridge.verifier.sources.imports import Imports
from bridge.verifier.sources.program import Program
from bridge.verifier.sources.scan import SourceScan
from bridge.verifier.sources.tolerant import read_solidity
from bridge.verifier.sources.tree import SourceTree
from bridge.verifier.sources.vyper import read_vyper
from bridge.verifier.sources.yul import read_yul

SAMPLES = Path(__file__).parent / "samples"


def test_it_finds_in_sources_that_compile_what_is_found_with_their_trees(
    scanned: SourceScan, sample_tree: SourceTree
) -> None:
    wanted = ("Signatures.sol", "Curves.sol", "LookAlikes.sol")
    imports = Imports(sample_tree)
    sources = {}
    for name in wanted:
        sources |= imports.closure(name).sources
    trees = {name: read_solidity(name, one.text) for name, one in sources.items()}
    texts = {name: one.text for name, one in sources.items()}
    analysis = Analysis(Program(trees, texts, compiled=False), wanted)
    found = {
        (one.contract, one.detector, one.severity, one.location.line)
        for detector in detectors().values()
        if detector.source is not None
        for one in detector.source(analysis)
    }
    contracts = {one.name for one in analysis.contracts}
    expected = {
        (one.contract, one.detector, one.severity, one.location.line)
        for one in scanned.findings
        if one.contract in contracts
    }
    assert found == expected
    assert len(found) >= 20


@pytest.mark.parametrize("seed", range(4))
def test_text_that_was_cut_mixed_or_made_up_is_read_without_an_error(seed: int) -> None:
    chance = random.Random(seed)
    for path in sorted(SAMPLES.iterdir()):
        text = path.read_text()
        for _ in range(12):
            changed = list(text)
            for _ in range(chance.randrange(1, 30)):
                place = chance.randrange(len(changed))
                changed[place] = chance.choice("(){}[];=.,\"' abx01\n/*ü")
            broken = "".join(changed)[: chance.randrange(1, len(changed))]
            tree = read_solidity("x.sol", broken)
            Analysis(Program({"x.sol": tree}, {"x.sol": broken}, compiled=False), ("x.sol",))
            read_vyper("x.vy", broken)
            read_yul(broken, 0)


@pytest.mark.parametrize(
    "text",
    [
        "contract A { function f() public { x = " + "(" * 5000 + "1" + ")" * 5000 + "; } }",
        "contract A { function f() public " + "{" * 5000 + "}" * 5000 + " }",
        "contract A { function f() public { assembly " + "{" * 5000 + " } } }",
        "contract A { function f() public { x = " + "!" * 5000 + "y; } }",
        "contract A is A { function f() public { f(); } }",
        "contract A is B {} contract B is A {}",
        "contract",
        "\x00\x01",
        "",
    ],
)
def test_what_nests_or_turns_in_circles_ends(text: str) -> None:
    tree = read_solidity("x.sol", text)
    Analysis(Program({"x.sol": tree}, {"x.sol": text}, compiled=False), ("x.sol",))


def test_places_count_bytes_as_the_compilers_do(compilers: InstalledCompilers) -> None:
    text = "// äöü\ncontract A {}\n"
    tree = read_solidity("x.sol", text)
    program = Program({"x.sol": tree}, {"x.sol": text}, compiled=False)
    start = int(tree["nodes"][0]["src"].split(":")[0])
    assert text.encode()[start:].startswith(b"contract")
    assert program.line_of("x.sol", start) == 2
