"""Precision and recall of the source scanner, at "high", on the labelled contracts.

    python -m tests.corpus [--part tuned|held-out] [--json]

A label gives for one contract the schemes that are right to find, and their severity. What is
counted is pairs of contract and scheme at high: found and labelled, found only, labelled only.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bridge.verifier.finding import Finding, Severity
from bridge.verifier.sources.compilers import InstalledCompilers
from bridge.verifier.sources.folder import folder_reader
from bridge.verifier.sources.scan import Progress, SourceScan, scan_tree
from bridge.verifier.sources.tree import Language, Remapping, Source, SourceTree

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]
INSTALLED = PROJECT / ".cache" / "corpus"
LABELS = HERE / "labels.json"
SCHEMES = {
    ("ECDSA", "secp256k1"): "ecdsa",
    ("ECDSA", "P-256"): "p256",
    ("Schnorr", "secp256k1"): "schnorr",
    ("ECVRF", "secp256k1"): "vrf",
    ("RSA", None): "rsa",
    ("Groth16", "BN254"): "proof",
    ("PLONK", "BN254"): "proof",
    ("pairing-based proof", "BN254"): "proof",
    ("BN254", "BN254"): "bn254",
    ("BLS", "BN254"): "bls",
    ("BLS", "BLS12-381"): "bls",
    ("BLS12-381", "BLS12-381"): "bls",
    ("KZG", "BLS12-381"): "kzg",
    ("KZG", "BN254"): "kzg",
}
"""Algorithms as labels name them. Severities of others are not labelled."""


@dataclass(frozen=True, slots=True)
class Label:
    """``finds`` is from scheme to severity, empty for a contract with nothing."""

    file: str
    contract: str
    finds: dict[str, str]
    held_out: bool
    why: str

    def high(self) -> set[str]:
        """The schemes that are right to find at high."""
        return {scheme for scheme, severity in self.finds.items() if severity == "high"}


@dataclass(slots=True)
class Score:
    """Counts at high, with each mistake named."""

    contracts: int = 0
    right: int = 0
    wrong: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    @property
    def precision(self) -> float:
        """Of what was found at high, the part that is labelled so; 1 where nothing was found."""
        return self.right / (self.right + len(self.wrong)) if self.right + len(self.wrong) else 1.0

    @property
    def recall(self) -> float:
        """Of what is labelled high, the part that was found so; 1 where nothing is labelled."""
        return (
            self.right / (self.right + len(self.missed)) if self.right + len(self.missed) else 1.0
        )


def read_labels(path: Path = LABELS) -> list[Label]:
    """All labels in the file's order; each contract is labelled once."""
    labels = [
        Label(one["file"], one["contract"], one["finds"], one["part"] == "held-out", one["why"])
        for one in json.loads(path.read_text())["labels"]
    ]
    keys = [(one.file, one.contract) for one in labels]
    assert len(keys) == len(set(keys)), "a contract is labelled twice"
    return labels


def corpus_tree(labels: Sequence[Label], root: Path = INSTALLED) -> SourceTree:
    """The labelled files as one tree, their imports from the installed packages."""
    reader = folder_reader(root)
    files: dict[str, Source] = {}
    for label in labels:
        name = f"node_modules/{label.file}"
        text = reader(name)
        assert text is not None, f"{label.file} is not installed: make corpus-packages"
        files[name] = Source(name, text, Language.SOLIDITY)
    hyperlane = "node_modules/@hyperlane-xyz/core/"
    own = Remapping(
        "@openzeppelin/contracts/",
        f"{hyperlane}dependencies/@openzeppelin-contracts-4.9.3/contracts/",
        hyperlane,
    )
    upgradeable = Remapping(
        "@openzeppelin/contracts-upgradeable/",
        f"{hyperlane}dependencies/@openzeppelin-contracts-upgradeable-4.9.3/contracts/",
        hyperlane,
    )
    return SourceTree("corpus", files, tuple(files), (own, upgradeable), reader)


def corpus_compilers(root: Path = INSTALLED) -> InstalledCompilers:
    """The project's compiler, and those that the corpus pins."""
    return InstalledCompilers((PROJECT / "node_modules", root / "node_modules"))


def scan_corpus(
    labels: Sequence[Label], workers: int = 2, progress: Progress | None = None
) -> SourceScan:
    """The scan of all labelled files."""
    return scan_tree(corpus_tree(labels), corpus_compilers(), workers, progress=progress)


def found_schemes(findings: Sequence[Finding], label: Label) -> dict[str, Severity]:
    """The schemes found in the labelled contract, each with its worst severity."""
    result: dict[str, Severity] = {}
    for one in findings:
        scheme = SCHEMES.get((one.algorithm.name, one.algorithm.parameter_set))
        if one.contract != label.contract or scheme is None or one.detector == "eoa-owner":
            continue
        worst = result.get(scheme)
        if worst is None or one.severity.rank < worst.rank:
            result[scheme] = one.severity
    return result


def score(labels: Sequence[Label], scan: SourceScan) -> Score:
    """The score of these labels in a scan of their files."""
    result = Score(contracts=len(labels))
    for label in labels:
        found = found_schemes(scan.by_file[f"node_modules/{label.file}"], label)
        high = {scheme for scheme, severity in found.items() if severity is Severity.HIGH}
        right = label.high()
        result.right += len(high & right)
        where = f"{label.file}:{label.contract}"
        result.wrong += [f"{where} {one}" for one in sorted(high - right)]
        result.missed += [f"{where} {one}" for one in sorted(right - high)]
    return result
