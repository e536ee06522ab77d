"""What the folders and modules of the project are, and what none of them may be."""

from __future__ import annotations

import ast
import doctest
import importlib
import subprocess
import sys
from pathlib import Path

import pytest
import structlog

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "bridge"
MODULES = sorted(PACKAGE.rglob("*.py"))
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc"}


def tracked() -> list[Path]:
    """The files that are committed or will be."""
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        pytest.skip(f"git does not list this folder: {done.stderr.strip()}")
    return [Path(name) for name in done.stdout.split("\0") if name and (ROOT / name).exists()]


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_imports_go_down_the_layers_only():
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 broken" in done.stdout


def test_every_package_has_modules_of_its_own_or_packages():
    folders = {path.parent for path in MODULES}
    for folder in folders:
        assert (folder / "__init__.py").is_file(), folder
        assert len([path for path in folder.iterdir() if path.name != "__pycache__"]) > 1, folder


def test_no_folder_is_empty():
    inside = (path for top in ("bridge", "contracts", "scripts", "tests") for path in
              (ROOT / top).rglob("*"))  # fmt: skip
    folders = [path for path in inside if path.is_dir() and "__pycache__" not in path.parts]
    held = {folder for path in tracked() for folder in (ROOT / path).parents}
    assert [folder for folder in folders if folder not in held] == []


def test_no_file_is_named_for_nothing_in_particular():
    assert [path for path in tracked() if path.stem.lower() in VAGUE] == []


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_every_module_and_public_name_has_a_docstring(path):
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), f"{dotted(path)}: no docstring"
    missing = []

    def look(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if not child.name.startswith("_"):
                if not ast.get_docstring(child) and not _is_override(child):
                    missing.append(prefix + child.name)
                if isinstance(child, ast.ClassDef):
                    look(child, f"{prefix}{child.name}.")

    look(tree, "")
    assert missing == []


def _is_override(node: ast.AST) -> bool:
    decorators = getattr(node, "decorator_list", [])
    return any(isinstance(one, ast.Name) and one.id == "override" for one in decorators)


WITH_EXAMPLES = [path for path in MODULES if ">>> " in path.read_text()]


@pytest.fixture
def _logs_to_stderr():
    """As every process of the bridge has it; an example's output is what it shows."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    yield
    structlog.reset_defaults()


@pytest.mark.usefixtures("_logs_to_stderr")
@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=dotted)
def test_examples_in_docstrings_run(path):
    result = doctest.testmod(importlib.import_module(dotted(path)))
    assert result.attempted > 0, "'>>>' stands where no example is found"
    assert result.failed == 0


def test_there_are_examples():
    assert len(WITH_EXAMPLES) >= 10
