"""What each detector finds in a sample made for it, and does not in one that looks like it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.domain.errors import InputError
from bridge.verifier.detector import detectors
from bridge.verifier.finding import Confidence, Guard, Severity
from bridge.verifier.sources.scan import SourceScan

HIGH, MEDIUM, LOW = Severity.HIGH, Severity.MEDIUM, Severity.LOW

FOUND = {
    "PaysBySignature": ("ecrecover", HIGH, {Guard.TRANSFER}),
    "AssemblyPays": ("ecrecover", HIGH, {Guard.TRANSFER}),
    "CountsSignatures": ("ecrecover", MEDIUM, {Guard.NOTHING_SEEN}),
    "HelpedBySeveral": ("openzeppelin-ecdsa", HIGH, {Guard.OWNERSHIP}),
    "ChecksNothing": ("openzeppelin-ecdsa", MEDIUM, {Guard.NOTHING_SEEN}),
    "Token": ("erc2612-permit", HIGH, {Guard.PERMIT}),
    "Multi": ("multisig", HIGH, {Guard.CALL}),
    "Wallet": ("erc1271", HIGH, {Guard.CALL}),
    "AccountOf4337": ("erc4337-validation", HIGH, {Guard.CALL}),
    "Claims": ("signed-merkle-root", HIGH, {Guard.TRANSFER}),
    "Forwards": ("eip712-meta-transaction", HIGH, {Guard.CALL}),
    "Asks": ("signature-checker", HIGH, {Guard.OWNERSHIP}),
    "Groth16Verifier": ("groth16", MEDIUM, {Guard.NOTHING_SEEN}),
    "Mixer": ("zk-proof", HIGH, {Guard.TRANSFER}),
    "PasskeyWallet": ("p256", HIGH, {Guard.CALL}),
    "RsaVault": ("rsa", HIGH, {Guard.OWNERSHIP}),
    "BlobRoll": ("kzg", HIGH, {Guard.STORAGE}),
    "BlsBridge": ("bls-signature", HIGH, {Guard.TRANSFER}),
    "SchnorrWallet": ("schnorr", HIGH, {Guard.TRANSFER}),
    "ShortDigests": ("weak-hash", LOW, {Guard.NOTHING_SEEN}),
}
NOTHING = (
    "NamedLikeIt", "MockVerifier", "Copies", "PostQuantumVault", "Sends", "IEcrecover",
    "OwnFunctionOfThatName",
)  # fmt: skip


@pytest.mark.parametrize("contract", FOUND)
def test_a_use_is_found_with_what_it_guards(scanned: SourceScan, contract: str) -> None:
    detector, severity, guards = FOUND[contract]
    found = [
        one for one in scanned.findings if one.contract == contract and one.detector == detector
    ]
    assert found, [one for one in scanned.findings if one.contract == contract]
    worst = min(found, key=lambda one: one.severity.rank)
    assert worst.severity is severity
    assert guards <= set(worst.guards)
    assert worst.confidence is not Confidence.LOW
    assert worst.location.source is not None


@pytest.mark.parametrize("contract", NOTHING)
def test_what_looks_alike_is_no_finding(scanned: SourceScan, contract: str) -> None:
    assert [one for one in scanned.findings if one.contract == contract] == []


def test_only_the_short_digest_is_one_and_a_selector_is_none(scanned: SourceScan) -> None:
    found = [one for one in scanned.findings if one.contract == "ShortDigests"]
    assert [one.algorithm.parameter_set for one in found] == ["128"]


def test_a_file_that_does_not_compile_is_scanned_and_said_to_be_less_sure(
    scanned: SourceScan,
) -> None:
    reports = {one.name: one for one in scanned.files}
    assert reports["Broken.sol"].version is None
    assert "NotThere.sol" in reports["Broken.sol"].reason
    assert reports["Signatures.sol"].version is not None
    found = [one for one in scanned.findings if one.contract == "DoesNotCompile"]
    assert [(one.detector, one.severity, one.confidence) for one in found] == [
        ("ecrecover", Severity.HIGH, Confidence.LOW)
    ]
    assert found[0].location.line == 11


def test_vyper_is_scanned(scanned: SourceScan) -> None:
    found = [one for one in scanned.findings if one.location.source == "vault.vy"]
    assert [(one.detector, one.severity, one.location.line) for one in found] == [
        ("ecrecover", Severity.HIGH, 12)
    ]
    assert Guard.TRANSFER in found[0].guards


def test_all_detectors_say_impact_scenario_and_remedy() -> None:
    known = detectors()
    assert len(known) >= 25
    for name in ("impact", "scenario", "remedy"):
        assert all(len(getattr(one, name)) > 20 for one in known.values())
    one = known["ecrecover"]
    with pytest.raises(InputError, match="remedy"):
        replace(one, remedy=" ")
