"""Owners: which contracts obey one account, and what a chain changes in that."""

from __future__ import annotations

import pytest

from bridge.verifier.detectors.eoa_owner import DETECTOR
from bridge.verifier.finding import Finding, Severity
from bridge.verifier.sources.analysis import Analysis
from bridge.verifier.sources.owners import Account, with_account
from bridge.verifier.sources.program import Program
from bridge.verifier.sources.tolerant import read_solidity

OWNED = "contract A { address owner; function f() external { require(msg.sender == owner); } }"


def found(text: str) -> list[Finding]:
    tree = read_solidity("x.sol", text)
    analysis = Analysis(Program({"x.sol": tree}, {"x.sol": text}, compiled=False), ("x.sol",))
    assert DETECTOR.source is not None
    return list(DETECTOR.source(analysis))


@pytest.mark.parametrize(
    "text",
    [
        OWNED,
        "contract A { address admin; modifier only() { if (_msgSender() != admin) revert(); _; } }",
        "abstract contract Ownable { modifier onlyOwner() { _; } }"
        "contract A is Ownable { function f() external onlyOwner {} }",
    ],
)
def test_a_contract_that_obeys_an_account_is_named(text: str) -> None:
    (one,) = found(text)
    assert (one.contract, one.severity) == ("A", Severity.LOW)


@pytest.mark.parametrize(
    "text",
    [
        "contract A { address owner; function f() external { owner = msg.sender; } }",
        "contract A { mapping(address => bool) seen;"
        " function f() external { require(seen[msg.sender]); } }",
        "abstract " + OWNED,
        "abstract contract Ownable { modifier onlyOwner() { _; } } contract A is Ownable {}",
        "contract A { address owner; constructor(address o) { require(owner.code.length > 0); }"
        " function f() external { require(msg.sender == owner); } }",
        "library A { function f(address owner) internal { require(msg.sender == owner); } }",
    ],
)  # fmt: skip
def test_one_that_does_not_or_asks_for_a_contract_is_not(text: str) -> None:
    assert found(text) == []


def test_the_chain_says_how_severe_it_is() -> None:
    (one,) = found(OWNED)
    address = bytes(19) + b"\1"
    for account, severity, words in (
        (Account(address, False, 3), Severity.HIGH, "has sent 3 transactions"),
        (Account(address, False, 0), Severity.MEDIUM, "has sent nothing"),
        (Account(address, True, 3), Severity.INFO, "is a contract"),
    ):
        (judged,) = with_account([one], account)
        assert judged.severity is severity
        assert words in judged.detail
        assert account.key_is_public is (severity is Severity.HIGH)
