"""Selectors, topics and slots against the numbers that their standards print."""

from __future__ import annotations

import pytest

from bridge.verifier.evm.interfaces import (
    ENTRIES,
    EVENTS,
    PROOF_VERIFIERS,
    SIGNATURE_CHECKS,
    SLOTS,
    TRANSFERS,
)
from bridge.verifier.finding import Guard


@pytest.mark.parametrize(
    ("selector", "name", "guard"),
    [
        (0xD505ACCF, "permit", Guard.PERMIT),
        (0x8FCBAF0C, "permit", Guard.PERMIT),
        (0x1626BA7E, "isValidSignature", Guard.PERMIT),
        (0x20C13B0B, "isValidSignature", Guard.PERMIT),
        (0x6A761202, "execTransaction", Guard.CALL),
        (0x3A871CDD, "validateUserOp", Guard.CALL),
        (0x19822F7C, "validateUserOp", Guard.CALL),
        (0xE3EE160E, "transferWithAuthorization", Guard.TRANSFER),
        (0xEF55BEC6, "receiveWithAuthorization", Guard.TRANSFER),
    ],
)
def test_functions_that_a_signature_opens(selector, name, guard):
    assert ENTRIES[selector].signature.startswith(f"{name}(")
    assert ENTRIES[selector].guard is guard
    assert ENTRIES[selector].source


def test_no_two_entries_share_a_selector():
    assert len({one.signature for one in ENTRIES.values()}) == len(ENTRIES) >= 15


def test_functions_of_others():
    assert {0xA9059CBB, 0x23B872DD, 0x42842E0E, 0xB88D4FDE} <= TRANSFERS
    assert SIGNATURE_CHECKS[0x1626BA7E] == "ERC-1271"
    assert PROOF_VERIFIERS[0x43753B4D] == "Groth16"  # one public input
    assert 0xA9059CBB not in PROOF_VERIFIERS


def test_slots():
    assert SLOTS == {
        0x360894A13BA1A3210667C828492DB98DCA3E2076CC3735A920A3CA505D382BBC: Guard.UPGRADE,
        0xA3F0AD74E5423AEBFD80D3EF4346578335A9A72AEAEE59FF6CB3582B35133D50: Guard.UPGRADE,
        0xB53127684A568B3173AE13B9F8A6016E243E63B6E8EE1178D6A717850B5D6103: Guard.UPGRADE,
        0xC5F16F0FCC639FA48A6947836D9850F504798523BF8C9A3A87D5876CF622BCF7: Guard.UPGRADE,
        0x7050C9E0F4CA769C69BD3A8EF740BC37934F8E2C036E5A723FD8EE048ED3F8C3: Guard.UPGRADE,
        0x10D6A54A4754C8869D6886B5F5D7FBFA5B4522237EA5C60D11BC4E7A1FF9390B: Guard.UPGRADE,
        0x9016D09D72D40FDAE2FD8CEAC6B6234C7706214FD39C1CD1E609A0528C199300: Guard.OWNERSHIP,
        0x237E158222E3E6968B72B9DB0D8043AACF074AD9F650F0D1606B4D82EE432C00: Guard.OWNERSHIP,
    }


@pytest.mark.parametrize(
    ("topic", "guard"),
    [
        (0xDDF252AD1BE2C89B69C2B068FC378DAA952BA7F163C4A11628F55A4DF523B3EF, Guard.TRANSFER),
        (0x8C5BE1E5EBEC7D5BD14F71427D1E84F3DD0314C0F7B2291E5B200AC8C7C3B925, Guard.PERMIT),
        (0x8BE0079C531659141344CD1FD0A4F28419497F9722A3DAAFE3B4186F6B6457E0, Guard.OWNERSHIP),
        (0xBC7CD75A20EE27FD9ADEBAB32041F755214DBC6BFFA90CC0225B39DA2E5C2D3B, Guard.UPGRADE),
    ],
)
def test_topics(topic, guard):
    assert EVENTS[topic] is guard
