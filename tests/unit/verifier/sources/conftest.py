"""One scan of the samples for all tests that read its findings."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.verifier.sources.compilers import InstalledCompilers
from bridge.verifier.sources.documents import tree_of_standard_json
from bridge.verifier.sources.folder import folder_reader
from bridge.verifier.sources.scan import SourceScan, scan_tree
from bridge.verifier.sources.tree import SourceTree

PROJECT = Path(__file__).parents[4]
SAMPLES = Path(__file__).parent / "samples"
MODULES = PROJECT / "node_modules"


@pytest.fixture(scope="session")
def compilers() -> InstalledCompilers:
    if not (MODULES / "solc").exists():
        pytest.skip("npm's solc is not there: make tools")
    return InstalledCompilers((MODULES,))


@pytest.fixture(scope="session")
def sample_tree() -> SourceTree:
    sources = {
        path.name: {"content": path.read_text()}
        for path in sorted(SAMPLES.iterdir())
        if path.suffix in (".sol", ".vy")
    }
    tree = tree_of_standard_json({"language": "Solidity", "sources": sources}, "samples")
    tree.reader = folder_reader(PROJECT)
    return tree


@pytest.fixture(scope="session")
def scanned(compilers: InstalledCompilers, sample_tree: SourceTree) -> SourceScan:
    return scan_tree(sample_tree, compilers, workers=1)
