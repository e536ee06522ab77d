from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from eth_utils.abi import function_abi_to_4byte_selector

from bridge.domain.errors import CodeProblem, CodeRefused, InputError
from bridge.verifier.detector import Detector, detectors
from bridge.verifier.evm import finders
from bridge.verifier.evm.scan import scan_bytecode
from bridge.verifier.finding import Severity
from tests.evm_cases.compile import load
from tests.unit.verifier.evm.asm import assemble

ARTIFACTS = Path(__file__).resolve().parents[4] / "bridge" / "chain" / "artifacts"
ASKS = assemble(
    "32 0 128 0 1 GAS STATICCALL POP 0 MLOAD CALLER EQ @ok JUMPI 0 0 REVERT :ok 1 5 SSTORE"
)


def constructor(runtime):
    """Init code that returns ``runtime``."""
    head = assemble(f"{len(runtime)} 255 0 CODECOPY {len(runtime)} 0 RETURN INVALID")
    return (
        assemble(f"{len(runtime)} {len(head)} 0 CODECOPY {len(runtime)} 0 RETURN INVALID") + runtime
    )


def at(scan):
    return [(one.detector, one.location.offset, one.severity) for one in scan.findings]


def test_what_a_constructor_returns_is_scanned_at_its_place():
    code = constructor(ASKS)
    start = len(code) - len(ASKS)
    scan = scan_bytecode(code, "New")
    assert scan.carried == ((start, len(code)),)
    assert at(scan) == [
        (name, offset + start, severity)
        for name, offset, severity in at(scan_bytecode(ASKS, "Old"))
    ]
    assert at(scan) != []


def test_what_a_factory_creates_is_scanned_too():
    child = constructor(ASKS)
    head = len(assemble(f"{len(child)} 255 0 CODECOPY {len(child)} 0 0 CREATE STOP"))
    code = assemble(f"{len(child)} {head} 0 CODECOPY {len(child)} 0 0 CREATE STOP") + child
    scan = scan_bytecode(code, "Factory")
    assert scan.carried == ((head, len(code)), (len(code) - len(ASKS), len(code)))
    (found,) = (one for one in scan.findings if one.detector == "ecrecover")
    assert code[found.location.offset] == 0xFA
    # The same bytes that nothing deploys are data.
    assert scan_bytecode(assemble("STOP") + child, "Data").findings == ()


def test_creation_code_of_compilers_carries_their_runtime_code():
    checked = 0
    for name, case in load().items():
        if not name.startswith("vyper"):
            continue
        runtime, creation = bytes.fromhex(case["runtime"]), bytes.fromhex(case["creation"])
        start = creation.index(runtime)
        whole, part = scan_bytecode(creation, name), scan_bytecode(runtime, name)
        assert (start, start + len(runtime)) in whole.carried, name
        assert {(one, offset - start) for one, offset, _ in at(whole)} == {
            (one, offset) for one, offset, _ in at(part)
        }, name
        checked += 1
    assert checked == 9


@pytest.mark.parametrize("path", sorted(ARTIFACTS.glob("*.json")), ids=lambda one: one.stem)
def test_selectors_of_large_contracts_are_those_of_their_interfaces(path):
    # The IR pipeline finds them by binary search; a kernel has none.
    read = json.loads(path.read_text())
    code = bytes.fromhex(read["deployedBytecode"].removeprefix("0x"))
    named = {
        int.from_bytes(function_abi_to_4byte_selector(one), "big")
        for one in read["abi"]
        if one["type"] == "function"
    }
    assert set(scan_bytecode(code, path.stem, chosen=[]).selectors) == named


@pytest.mark.parametrize("contract", ["Inbox", "SignerRegistry", "TokenBridge", "MlDsa87Kernel"])
def test_the_bridges_own_contracts_use_nothing_that_breaks(contract):
    read = json.loads((ARTIFACTS / f"{contract}.json").read_text())
    code = bytes.fromhex(read["deployedBytecode"].removeprefix("0x"))
    scan = scan_bytecode(code, contract)
    assert scan.is_complete
    assert [one for one in scan.findings if one.severity is not Severity.INFO] == []


def test_findings_come_most_severe_first_and_the_same_each_time():
    code = bytes.fromhex(load()["0.8.37 optimized OwnerBySignature"]["runtime"])
    first, second = scan_bytecode(code, "A"), scan_bytecode(code, "A")
    assert first == second
    assert [one.severity for one in first.findings] == [Severity.HIGH, Severity.INFO]


@pytest.mark.parametrize(
    ("code", "problem"), [(b"", CodeProblem.NO_CODE), (b"\xef\x00\x01", CodeProblem.EOF_FORMAT)]
)
def test_what_is_no_code_is_refused(code, problem):
    with pytest.raises(CodeRefused) as refused:
        scan_bytecode(code, "None")
    assert refused.value.code is problem
    assert refused.value.exit_code == 2


def test_chosen_detectors_are_the_only_ones():
    code = bytes.fromhex(load()["0.8.37 optimized OwnerBySignature"]["runtime"])
    (one,) = scan_bytecode(code, "A", chosen=[detectors()["eoa-owner"]]).findings
    assert one.detector == "eoa-owner"
    assert scan_bytecode(code, "A", chosen=[]).findings == ()


def test_every_detector_says_impact_scenario_and_remedy():
    known = detectors()
    assert {"ecrecover", "modexp", "bn254", "kzg", "bls12-381", "p256", "weak-hash"} <= set(known)
    for detector in known.values():
        for text in (detector.impact, detector.scenario, detector.remedy):
            assert len(text) > 40, detector.id
            assert text.endswith("."), detector.id


@pytest.mark.parametrize("field", ["id", "title", "impact", "scenario", "remedy"])
def test_a_detector_without_one_of_them_cannot_be_made(field):
    whole = Detector("a", "b", "c", "d", "e", bytecode=finders.ecrecover)
    with pytest.raises(InputError, match="expected its"):
        dataclasses.replace(whole, **{field: " "})
    with pytest.raises(InputError, match="expected something to look at"):
        dataclasses.replace(whole, bytecode=None)
