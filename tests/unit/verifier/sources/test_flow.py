"""Following values: what each way from a check to an effect gives, and what gives less."""

from __future__ import annotations

import pytest

from bridge.verifier.detector import detectors
from bridge.verifier.finding import Guard, Severity
from bridge.verifier.sources.analysis import Analysis
from bridge.verifier.sources.program import Program
from bridge.verifier.sources.tolerant import read_solidity

BASE = """
contract Base {{
    address owner; address signer; mapping(address => uint256) nonces;
    mapping(address => uint256) balances; mapping(address => mapping(address => uint256)) allowance;
    uint256 value;
    {body}
}}
"""
CHECK = "ecrecover(d, v, r, s)"
GIVEN = "bytes32 d, uint8 v, bytes32 r, bytes32 s"


def judged(text: str, contract: str = "Base") -> tuple[Severity, set[Guard]] | None:
    tree = read_solidity("x.sol", text)
    analysis = Analysis(Program({"x.sol": tree}, {"x.sol": text}, compiled=False), ("x.sol",))
    found = [
        one
        for detector in detectors().values()
        if detector.source is not None and detector.id != "eoa-owner"
        for one in detector.source(analysis)
        if one.contract == contract
    ]
    if not found:
        return None
    worst = min(found, key=lambda one: one.severity.rank)
    return worst.severity, set(worst.guards)


WAYS = {
    "a require": (
        f"function f({GIVEN}) external {{ require({CHECK} == signer); value = 1; }}",
        Severity.HIGH, Guard.STORAGE,
    ),
    "an if that reverts": (
        f"function f({GIVEN}) external {{ if ({CHECK} != signer) revert(); owner = msg.sender; }}",
        Severity.HIGH, Guard.OWNERSHIP,
    ),
    "an if around the effect": (
        f"function f({GIVEN}) external {{ if (signer == {CHECK}) {{ "
        f"payable(msg.sender).transfer(1); }} }}",
        Severity.HIGH, Guard.TRANSFER,
    ),
    "a variable, a conditional and a tuple": (
        f"function f({GIVEN}) external {{ (address a, uint256 b) = ({CHECK}, 1); bool ok = "
        f"a == signer ? true : false;"
        " require(ok); msg.sender.call(\"\"); }",
        Severity.HIGH, Guard.CALL,
    ),
    "a modifier": (
        f"modifier only({GIVEN}) {{ require({CHECK} == signer); _; }}"
        f"function f({GIVEN}) external only(d, v, r, s) {{ allowance[signer][msg.sender] = 1; }}",
        Severity.HIGH, Guard.PERMIT,
    ),
    "an argument of a helper": (
        f"function need(address a) internal view {{ require(a == signer); }}"
        f"function f({GIVEN}) external {{ need({CHECK}); balances[msg.sender] = 1; }}",
        Severity.HIGH, Guard.TRANSFER,
    ),
    "the value that is written": (
        f"function f({GIVEN}) external {{ owner = {CHECK}; }}",
        Severity.HIGH, Guard.OWNERSHIP,
    ),
    "the place that is written": (
        f"function f({GIVEN}) external {{ balances[{CHECK}] += 1; }}",
        Severity.HIGH, Guard.TRANSFER,
    ),
    "a pointer into storage": (
        f"struct P {{ uint256 a; }} mapping(address => P) people;"
        f"function f({GIVEN}) external {{ require({CHECK} == signer); P storage p = "
        f"people[msg.sender]; p.a = 1; }}",
        Severity.HIGH, Guard.STORAGE,
    ),
    "another contract's function": (
        f"function f({GIVEN}, IToken t) external {{ require({CHECK} == signer); "
        f"t.transferFrom(signer, msg.sender, 1); }}",
        Severity.HIGH, Guard.TRANSFER,
    ),
    "an old call with value": (
        f"function f({GIVEN}) external {{ require({CHECK} == signer); "
        f"msg.sender.call.value(1)(\"\"); }}",
        Severity.HIGH, Guard.TRANSFER,
    ),
    "assembly that writes": (
        f"function f({GIVEN}) external {{ address a = {CHECK}; address b = signer;"
        " assembly { if iszero(eq(a, b)) { revert(0, 0) } sstore(0, 1) } }",
        Severity.HIGH, Guard.STORAGE,
    ),
    "a function of assembly": (
        "function f(bytes32 d) external "
        "{ uint256 x; assembly { function g(m) -> t { t := staticcall(gas(), 1, m, 0x80, m, 0x20) }"
        " x := g(0) } require(x == 1); value = 2; }",
        Severity.HIGH, Guard.STORAGE,
    ),
    "an address that is a constant": (
        "uint256 constant PRE = 0x01;"
        "function f(bytes memory i) external "
        "{ (bool ok, bytes memory o) = address(uint160(PRE)).staticcall(i);"
        " require(ok && abi.decode(o, (address)) == signer); value = 2; }",
        Severity.HIGH, Guard.STORAGE,
    ),
    "an answer only": (
        f"function f({GIVEN}) external view returns (bool) {{ return {CHECK} == signer; }}",
        Severity.MEDIUM, Guard.NOTHING_SEEN,
    ),
    "a nonce only": (
        f"function f({GIVEN}) external {{ require({CHECK} == signer); nonces[signer]++; }}",
        Severity.MEDIUM, Guard.STORAGE,
    ),
    "that it is not zero": (
        f"function f({GIVEN}) external {{ require({CHECK} != address(0)); value = 1; }}",
        Severity.LOW, Guard.NOTHING_SEEN,
    ),
    "an event only": (
        f"function f({GIVEN}) external {{ emit Seen({CHECK}); }}",
        Severity.LOW, Guard.NOTHING_SEEN,
    ),
    "an internal function only": (
        f"function f({GIVEN}) internal {{ require({CHECK} == signer); value = 1; }}",
        Severity.INFO, Guard.NOTHING_SEEN,
    ),
    "a constructor only": (
        f"constructor({GIVEN}) {{ require({CHECK} == signer); value = 1; }}",
        Severity.INFO, Guard.NOTHING_SEEN,
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_a_way_from_the_check_to_what_it_decides(way: str) -> None:
    body, severity, guard = WAYS[way]
    found = judged(BASE.format(body=body))
    assert found is not None
    assert found[0] is severity
    assert guard in found[1]


def test_another_function_that_does_more_is_not_what_is_guarded() -> None:
    body = (
        f"function f({GIVEN}) external view returns (address) {{ return {CHECK}; }}"
        "function g() external { owner = msg.sender; }"
    )
    assert judged(BASE.format(body=body)) == (Severity.MEDIUM, {Guard.NOTHING_SEEN})


def test_the_most_derived_function_is_the_one_that_runs() -> None:
    body = (
        f"function f({GIVEN}) external {{ require({CHECK} == signer); done(); }}"
        "function done() internal virtual {}"
    )
    text = BASE.format(body=body) + (
        "contract Pays is Base "
        "{ function done() internal override { payable(msg.sender).transfer(1); } }"
        "contract Idle is Base { function done() internal override {} }"
    )
    assert judged(text, "Pays") == (Severity.HIGH, {Guard.TRANSFER})
    assert judged(text, "Idle") != judged(text, "Pays")


def test_super_goes_up_the_line() -> None:
    text = BASE.format(
        body=f"function f({GIVEN}) internal virtual {{ require({CHECK} == signer); }}"
    ) + (
        f"contract Top is Base {{ function go({GIVEN}) external {{ f(d, v, r, s); value = 1; }}"
        f" function f({GIVEN}) internal override {{ super.f(d, v, r, s); }} }}"
        f"contract Deaf is Base {{ function go({GIVEN}) external {{ f(d, v, r, s); value = 1; }}"
        f" function f({GIVEN}) internal override {{}} }}"
    )
    assert judged(text, "Top") == (Severity.HIGH, {Guard.STORAGE})
    assert judged(text, "Deaf") is None


def test_a_library_is_severe_where_it_is_used_and_not_where_it_stands() -> None:
    text = (
        f"library L {{ function who({GIVEN}) internal pure returns (address) {{ return "
        f"{CHECK}; }} }}"
        f"contract User {{ using L for bytes32; address owner; function f({GIVEN}) external"
        " { require(d.who(v, r, s) == owner); owner = msg.sender; } }"
        "contract Idle "
        "{ using L for bytes32; address owner; function f() external { owner = msg.sender; } }"
    )
    assert judged(text, "L") == (Severity.INFO, {Guard.NOTHING_SEEN})
    assert judged(text, "User") == (Severity.HIGH, {Guard.OWNERSHIP})
    assert judged(text, "Idle") is None
