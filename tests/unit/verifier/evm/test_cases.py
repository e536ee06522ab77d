"""The detectors on contracts of eight Solidities and Vyper, in all of their pipelines."""

from __future__ import annotations

import pytest

from bridge.verifier.evm.disassembler import jump_destinations
from bridge.verifier.evm.program import Program
from bridge.verifier.evm.scan import scan_bytecode
from bridge.verifier.finding import Confidence, Severity
from tests.evm_cases.compile import SETTINGS, load
from tests.evm_cases.expected import EXPECTED, SEVERITIES

CASES = load()


def contract_of(name):
    return name.split()[-1]


@pytest.fixture(scope="module")
def scans():
    return {
        name: scan_bytecode(bytes.fromhex(case["runtime"]), name) for name, case in CASES.items()
    }


def test_every_case_is_labelled_and_every_label_has_cases():
    assert {contract_of(name) for name in CASES} == set(EXPECTED)
    for version, setting, _ in SETTINGS:
        assert sum(name.startswith(f"{version} {setting} ") for name in CASES) >= 15


@pytest.mark.parametrize("contract", sorted(EXPECTED))
def test_what_must_be_found_is_found_and_nothing_else(scans, contract):
    names = [name for name in CASES if contract_of(name) == contract]
    assert names
    for name in names:
        found = {}
        for one in scans[name].findings:
            found[one.detector] = found.get(one.detector, frozenset()) | set(one.guards)
        assert found == EXPECTED[contract], name


@pytest.mark.parametrize("contract", sorted(EXPECTED))
def test_severity_follows_from_what_is_decided(scans, contract):
    for name in CASES:
        if contract_of(name) != contract:
            continue
        for detector in EXPECTED[contract]:
            worst = min(
                (one.severity for one in scans[name].findings if one.detector == detector),
                key=lambda one: one.rank,
            )
            usual = Severity.INFO if detector == "eoa-owner" else Severity.HIGH
            assert worst is SEVERITIES.get(contract, {}).get(detector, usual), name


def test_everything_is_followed(scans):
    for name, scan in scans.items():
        assert scan.is_complete, name
        confident = {one.confidence for one in scan.findings if one.detector == "ecrecover"}
        assert confident <= {Confidence.HIGH}, name


def test_what_another_contract_checks_is_less_sure(scans):
    for name, scan in scans.items():
        for one in scan.findings:
            if one.detector in ("zk-proof", "erc1271"):
                assert one.confidence is Confidence.MEDIUM, name


def test_selectors_are_those_of_the_compiler(scans):
    for name, case in CASES.items():
        assert [f"{one:08x}" for one in scans[name].selectors] == case["selectors"], name


def test_nearly_all_jump_destinations_are_reached():
    # What stands behind the call of a function that only reverts is never reached.
    for name, case in CASES.items():
        code = bytes.fromhex(case["runtime"])
        program = Program(code, name)
        end = min([one.start for one in program.auxdata], default=len(code))
        destinations = {one for one in jump_destinations(code) if one < end}
        reached = {one for start, stop in program.reached for one in range(start, stop)}
        assert len(destinations - reached) <= max(3, len(destinations) // 5), name
        assert program.code_end <= end, name


def test_findings_are_at_the_instruction_that_calls(scans):
    for name, scan in scans.items():
        code = bytes.fromhex(CASES[name]["runtime"])
        for one in scan.findings:
            if one.detector in ("ecrecover", "bn254", "kzg", "p256", "bls12-381", "modexp"):
                assert code[one.location.offset] in (0xF1, 0xF2, 0xF4, 0xFA), name
