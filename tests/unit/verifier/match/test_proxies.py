"""Minimal proxies: each form that is known is run, and hands its call on to what is read of it."""

from __future__ import annotations

import pyrevm
import pytest

from bridge.verifier.match.proxies import SLOTS, ProxyKind, minimal_proxy

TARGET = bytes.fromhex("be" * 20)
CALLER, PROXY = "0x" + "ca" * 20, "0x" + "aa" * 20
ANSWER = bytes.fromhex("305f52365f602037366020015ff3")
"""Its own address, then the calldata: run for a proxy, the address is the proxy's."""

FORMS = {
    ProxyKind.EIP1167: (
        "363d3d373d3d3d363d73" + TARGET.hex() + "5af43d82803e903d91602b57fd5bf3",
        "",
    ),
    ProxyKind.EIP7511: (
        "365f5f375f5f365f73" + TARGET.hex() + "5af43d5f5f3e5f3d91602a57fd5bf3",
        "",
    ),
    ProxyKind.CLONE_WITH_IMMUTABLE_ARGS: (
        "363d3d373d3d3d3d610006603736393661000601" + "3d73" + TARGET.hex()
        + "5af43d3d93803e603557fd5bf3",
        "112233440006",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", FORMS)
def test_a_minimal_proxy_leads_where_its_code_says(kind: ProxyKind) -> None:
    form, arguments = FORMS[kind]
    code = bytes.fromhex(form + arguments)
    assert minimal_proxy(code) == (kind, TARGET, bytes.fromhex(arguments))
    answered = _call(code, b"\x01\x02\x03")
    assert answered[:32] == bytes.fromhex(PROXY[2:]).rjust(32, b"\0")
    assert answered[32:] == b"\x01\x02\x03" + bytes.fromhex(arguments)


def test_openzeppelins_clone_with_arguments() -> None:
    code = bytes.fromhex(FORMS[ProxyKind.EIP1167][0]) + b"arguments"
    assert minimal_proxy(code) == (ProxyKind.EIP1167, TARGET, b"arguments")
    assert _call(code, b"\x07")[32:] == b"\x07"


@pytest.mark.parametrize("kind", FORMS)
def test_code_that_differs_in_one_byte_is_no_proxy(kind: ProxyKind) -> None:
    code = bytes.fromhex("".join(FORMS[kind]))
    inside = set(range(code.index(TARGET), code.index(TARGET) + 20))
    argument_bytes = set(range(len(code) - 6, len(code))) if FORMS[kind][1] else set()
    for at in sorted(set(range(len(code))) - inside - argument_bytes):
        changed = bytearray(code)
        changed[at] ^= 0xFF
        assert minimal_proxy(bytes(changed)) is None, at


@pytest.mark.parametrize("code", [b"", b"\x36", b"\x5b" * 45, b"\x00" * 24_576])
def test_other_code_is_no_proxy(code: bytes) -> None:
    assert minimal_proxy(code) is None


def test_the_slots_are_those_of_the_standards() -> None:
    """The values that EIP-1967 and EIP-1822 print."""
    assert {kind: f"{slot:064x}" for kind, slot in SLOTS.items()} == {
        ProxyKind.EIP1967: "360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc",
        ProxyKind.EIP1967_BEACON: (
            "a3f0ad74e5423aebfd80d3ef4346578335a9a72aeaee59ff6cb3582b35133d50"
        ),
        ProxyKind.EIP1822: "c5f16f0fcc639fa48a6947836d9850f504798523bf8c9a3a87d5876cf622bcf7",
    }


def _call(code: bytes, calldata: bytes) -> bytes:
    evm = pyrevm.EVM(spec_id="PRAGUE")
    evm.insert_account_info(PROXY, pyrevm.AccountInfo(code=code))
    evm.insert_account_info("0x" + TARGET.hex(), pyrevm.AccountInfo(code=ANSWER))
    return bytes(evm.message_call(CALLER, PROXY, calldata=calldata))
