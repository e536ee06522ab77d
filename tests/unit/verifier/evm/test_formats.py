from __future__ import annotations

import pytest

from bridge.domain.errors import CodeProblem, CodeRefused
from bridge.verifier.evm.formats import Pointer, points_to
from bridge.verifier.evm.scan import scan_bytecode
from tests.unit.verifier.evm.asm import assemble
from tests.unit.verifier.evm.execution import returned

ADDRESS = bytes(range(1, 21))
EIP_1167 = "363d3d373d3d3d363d73{}5af43d82803e903d91602b57fd5bf3"


FORMS = [
    (EIP_1167, Pointer.EIP_1167),
    (EIP_1167 + "0102", Pointer.WITH_ARGS),
    ("365f5f375f5f365f73{}5af43d5f5f3e5f3d91602a57fd5bf3", Pointer.EIP_7511),
    ("3d3d3d3d363d3d37363d73{}5af43d3d93803e602a57fd5bf3", Pointer.ZEROAGE),
    ("366000600037611000600036600073{}5af4602c57600080fd5b6110006000f3", Pointer.VYPER_OLD),
    ("ef0100{}", Pointer.EIP_7702),
]


@pytest.mark.parametrize(("code", "kind"), FORMS)
def test_each_form_says_where_it_points(code, kind):
    whole = bytes.fromhex(code.format(ADDRESS.hex()))
    target = points_to(whole)
    assert target.kind is kind
    assert target.address == ADDRESS
    assert whole[target.offset : target.offset + 20] == ADDRESS
    scan = scan_bytecode(whole, "Proxy")
    assert scan.target == target
    assert scan.findings == ()
    assert not scan.budget_used_up


def test_an_address_with_leading_zeros():
    code = bytes.fromhex(
        "363d3d373d3d3d363d6f" + ADDRESS[4:].hex() + "5af43d82803e903d91602757fd5bf3"
    )
    target = points_to(code)
    assert target.kind is Pointer.SHORT_1167
    assert target.address == b"\0" * 4 + ADDRESS[4:]


@pytest.mark.parametrize(
    "code",
    [
        EIP_1167[:-2],  # cut short
        EIP_1167.replace("5af4", "5af2"),
        EIP_1167.replace("602b", "602c"),
        "00" + EIP_1167,
    ],
)
def test_code_that_differs_in_a_byte_points_nowhere(code):
    assert points_to(bytes.fromhex(code.format(ADDRESS.hex()))) is None


@pytest.mark.parametrize("size", [0, 19, 21])
def test_a_delegation_of_another_length_is_refused(size):
    with pytest.raises(CodeRefused) as refused:
        points_to(b"\xef\x01\x00" + b"\x01" * size)
    assert refused.value.code is CodeProblem.BAD_DELEGATION


@pytest.mark.parametrize(("code", "kind"), FORMS[:-1])
def test_each_form_runs_what_it_points_to(code, kind):
    # The target gives back what it is called with.
    echo = assemble("CALLDATASIZE 0 0 CALLDATACOPY CALLDATASIZE 0 RETURN")
    whole = bytes.fromhex(code.format(ADDRESS.hex()))
    out = returned(whole, b"\x11" * 40, {ADDRESS: echo})
    # Vyper's copies 4,096 bytes, whatever came.
    assert out[:40] == b"\x11" * 40, kind
