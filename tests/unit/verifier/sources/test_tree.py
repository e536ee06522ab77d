"""Trees of sources: what is taken, and what is refused with what was expected."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.domain.errors import SourceTooLarge, SourceUnreadable
from bridge.verifier.sources import documents, tree
from bridge.verifier.sources.documents import open_tree
from bridge.verifier.sources.imports import Imports, heads
from bridge.verifier.sources.tree import Language, Remapping, Source, checked_name

TEXT = "pragma solidity ^0.8.0; contract A {}"


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_sol", ".sol").replace("_toml", ".toml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def standard(sources: Any, **rest: Any) -> dict[str, Any]:
    return {"language": "Solidity", "sources": sources, **rest}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../secret.sol", "inside the tree"),
        ("a/../../secret.sol", "inside the tree"),
        ("/etc/passwd", "inside the tree"),
        ("https://example.org/a.sol", "address"),
        ("file:///etc/passwd", "address"),
        ("C:/a.sol", "address"),
        ("a\\b.sol", "printable"),
        ("a\x00.sol", "printable"),
        ("", "1 to 500"),
        ("a" * 501, "1 to 500"),
    ],
)
def test_a_name_that_leads_out_of_the_tree_is_refused(name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match=said):
        checked_name(name, "sources")
    path = tmp_path / "input.json"
    path.write_text(json.dumps(standard({name: {"content": TEXT}})))
    with pytest.raises(SourceUnreadable, match=said):
        open_tree(path)


def test_a_name_inside_the_tree_is_taken() -> None:
    assert checked_name("src/./A.sol", "sources") == "src/A.sol"
    assert checked_name("@openzeppelin/contracts/a.sol", "sources").startswith("@")


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "a JSON object"),
        ({"a": 1}, "a standard JSON input or an artifact"),
        (standard({}), "at least one file"),
        (standard({"A.sol": {"urls": ["https://example.org/A.sol"]}}), "got addresses"),
        (standard({"A.sol": {"content": 1}}), "its content"),
        ({"language": "Rust", "sources": {"a": {"content": ""}}}, "language"),
        (standard({"A.sol": {"content": TEXT}}, settings={"remappings": "x"}), "remappings"),
        (standard({"A.sol": {"content": TEXT}}, settings={"remappings": ["x"]}), "remapping"),
    ],
)
def test_a_standard_json_input_that_is_none_is_refused(
    document: Any, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "input.json"
    path.write_text(json.dumps(document))
    with pytest.raises(SourceUnreadable, match=said):
        open_tree(path)


@pytest.mark.parametrize("text", ["{", '{"a": NaN}', "[" * 100_000, ""])
def test_what_is_no_json_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "input.json"
    path.write_text(text)
    with pytest.raises(SourceUnreadable, match="expected JSON"):
        open_tree(path)


def test_too_large_a_document_file_or_number_of_files_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "input.json"
    path.write_text(json.dumps(standard({f"{n}.sol": {"content": TEXT} for n in range(20)})))
    monkeypatch.setattr(documents, "MAX_FILES", 10)
    with pytest.raises(SourceTooLarge, match="at most 10 files, got 20"):
        open_tree(path)
    monkeypatch.setattr(documents, "MAX_DOCUMENT_BYTES", 100)
    with pytest.raises(SourceTooLarge, match="at most 100 bytes"):
        open_tree(path)
    monkeypatch.setattr(tree, "MAX_FILE_BYTES", 10)
    with pytest.raises(SourceTooLarge, match="at most 10 bytes"):
        open_tree(written(tmp_path / "p", A_sol=TEXT) / "A.sol")


def test_a_link_out_of_the_folder_is_refused_and_one_inside_is_taken(tmp_path: Path) -> None:
    outside = written(tmp_path / "outside", B_sol=TEXT)
    inside = written(tmp_path / "inside", A_sol=TEXT)
    (inside / "C.sol").symlink_to(inside / "A.sol")
    assert set(open_tree(inside).wanted) == {"A.sol", "C.sol"}
    (inside / "D.sol").symlink_to(outside / "B.sol")
    with pytest.raises(SourceUnreadable, match="link"):
        open_tree(inside)


def test_an_import_does_not_leave_the_folder(tmp_path: Path) -> None:
    written(tmp_path, secret_sol=TEXT)
    text = 'pragma solidity ^0.8.0; import "../secret.sol"; import "https://example.org/a.sol";'
    inside = open_tree(written(tmp_path / "inside", A_sol=text))
    assert set(Imports(inside).closure("A.sol").missing) == {
        "../secret.sol",
        "https://example.org/a.sol",
    }


def test_a_folder_without_sources_and_a_path_without_anything_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match=r"end in \.sol or \.vy"):
        open_tree(tmp_path)
    with pytest.raises(SourceUnreadable, match="that exists"):
        open_tree(tmp_path / "none")
    (tmp_path / "a.txt").write_text("")
    with pytest.raises(SourceUnreadable, match=r"a\.txt"):
        open_tree(tmp_path / "a.txt")


def test_a_foundry_project_has_its_sources_remappings_and_libraries(tmp_path: Path) -> None:
    root = written(
        tmp_path,
        foundry_toml='[profile.default]\nsrc = "code"\nremappings = ["x/=lib/y/z/"]\n',
        code__A_sol='import "x/B.sol"; import "guessed/C.sol"; contract A {}',
        lib__y__z__B_sol="contract B {}",
        lib__guessed__src__C_sol="contract C {}",
        test__T_sol=TEXT,
    )
    found = open_tree(root)
    assert found.wanted == ("code/A.sol",)
    closure = Imports(found).closure("code/A.sol")
    assert closure.missing == {}
    assert set(closure.sources) == {"code/A.sol", "lib/y/z/B.sol", "lib/guessed/src/C.sol"}


def test_wrong_settings_of_a_project_are_refused(tmp_path: Path) -> None:
    root = written(tmp_path, foundry_toml="[profile", src__A_sol=TEXT)
    with pytest.raises(SourceUnreadable, match="TOML"):
        open_tree(root)
    (root / "foundry.toml").write_text('[profile.default]\nsrc = "../.."\n')
    with pytest.raises(SourceUnreadable, match="inside the tree"):
        open_tree(root)


def test_hardhat_and_ape_projects_take_packages_from_node_modules(tmp_path: Path) -> None:
    text = 'import "@some/pkg/B.sol"; contract A {}'
    for name, settings in (
        ("hardhat.config.js", 'module.exports = { paths: { sources: "./own" } }'),
        ("ape-config.yaml", "contracts_folder: own\n"),
    ):
        root = written(tmp_path / name, own__A_sol=text, other__X_sol=TEXT)
        (root / name).write_text(settings)
        package = root / "node_modules" / "@some" / "pkg"
        written(package, B_sol='import "deep/C.sol";')
        written(package / "node_modules" / "deep", C_sol="contract C {}")
        found = open_tree(root)
        assert found.wanted == ("own/A.sol",)
        closure = Imports(found).closure("own/A.sol")
        assert closure.missing == {}
        assert len(closure.sources) == 3


def test_a_folder_in_a_project_has_the_projects_packages(tmp_path: Path) -> None:
    for name in ("contracts/A.sol", "contracts/deep/B.sol", "other/C.sol", "node_modules/p/P.sol"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text('import "p/P.sol";')
    tree = open_tree(tmp_path / "contracts")
    assert tree.wanted == ("contracts/A.sol", "contracts/deep/B.sol")
    assert Imports(tree).closure("contracts/deep/B.sol").missing == {}
    package = open_tree(tmp_path / "node_modules" / "p")
    assert package.wanted == ("node_modules/p/P.sol",)
    assert package.source("other/C.sol") is not None  # within the project


def test_artifacts_of_hardhat_foundry_and_ape_lead_to_their_source(tmp_path: Path) -> None:
    root = written(tmp_path, contracts__A_sol=TEXT)
    (root / "hardhat.config.js").write_text("")
    out = root / "artifacts" / "contracts" / "A.sol"
    out.mkdir(parents=True)
    hardhat = out / "A.json"
    hardhat.write_text(
        json.dumps(
            {"_format": "hh-sol-artifact-1", "contractName": "A", "sourceName": "contracts/A.sol"}
        )
    )
    foundry = out / "F.json"
    target = {"contracts/A.sol": "A"}
    foundry.write_text(json.dumps({"metadata": {"settings": {"compilationTarget": target}}}))
    ape = out / "P.json"
    ape.write_text(json.dumps({"sourceId": "contracts/A.sol", "contractName": "A"}))
    for path in (hardhat, foundry, ape):
        assert open_tree(path).wanted == ("contracts/A.sol",), path
    ape.write_text(json.dumps({"sourceId": "contracts/Gone.sol"}))
    with pytest.raises(SourceUnreadable, match=r"Gone\.sol"):
        open_tree(ape)


def test_imports_and_pragmas_are_read_from_code_not_from_comments() -> None:
    text = """
    // import "no.sol"; pragma solidity 0.4.0;
    pragma solidity >=0.8.0 <0.9.0;
    import {A as B} from "./a.sol"; import * as c from 'c.sol';
    contract X { string s = 'import "no.sol";'; }
    """
    source = Source("x.sol", text, Language.SOLIDITY)
    assert heads(source) == (["./a.sol", "c.sol"], [">=0.8.0 <0.9.0"])


def test_a_remapping_is_read_in_its_parts() -> None:
    assert Remapping.parse("ctx:a/=b/", "x") == Remapping("a/", "b/", "ctx")
    for text in ("", "a", "=b", "ctx:=b"):
        with pytest.raises(SourceUnreadable, match="remapping"):
            Remapping.parse(text, "x")
