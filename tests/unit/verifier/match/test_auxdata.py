"""Auxdata as compilers write it, and everything that is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.errors import CodeRefused
from bridge.verifier.cbor import decode
from bridge.verifier.match.auxdata import at_end, decode_map, vyper_at_end, vyper_immutables

IPFS = bytes.fromhex("a2646970667358221220" + "ab" * 32 + "64736f6c634300081a")
NO_HASH = bytes.fromhex("a164736f6c634300081a")
SWARM = bytes.fromhex("a165627a7a72305820" + "cd" * 32)
VYPER = bytes.fromhex("84186381061820a16576797065728300030a")
VYPER_HASHED = bytes.fromhex(
    "855820" + "ee" * 32 + "186381061820a1657679706572830004 03".replace(" ", "")
)


def test_what_solidity_writes() -> None:
    assert decode_map(IPFS) == {"ipfs": b"\x12\x20" + b"\xab" * 32, "solc": b"\x00\x08\x1a"}
    for body, hashed in ((IPFS, True), (SWARM, True), (NO_HASH, False)):
        code = b"\x60\x80\xfe" + body + len(body).to_bytes(2)
        found = at_end(code)
        assert found is not None
        assert (found.offset, found.value, found.has_hash) == (3, code[3:], hashed)


def test_what_vyper_writes() -> None:
    """The length counts its own two bytes in 0.3.10 and 0.4."""
    for body in (VYPER, VYPER_HASHED):
        code = b"\x5f\x80" + body + (len(body) + 2).to_bytes(2)
        assert vyper_immutables(code) == 32
        found = vyper_at_end(code)
        assert found is not None
        assert found.offset == 2


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xa1",
        IPFS[:-1],
        IPFS + b"\0",
        b"\xa0",
        bytes.fromhex("a1637878784100"),
        bytes.fromhex("a164736f6c635903e8"),
        bytes.fromhex("a2646970667340646970667340"),
        bytes.fromhex("bf64736f6c6340ff"),
        bytes.fromhex("a164736f6c63f97e00"),
        bytes.fromhex("a10140"),
        bytes.fromhex("a164736f6c63") + b"\x81" * 100,
        bytes.fromhex("a164736f6c635803aabbcc"),
        bytes.fromhex("9affffffff"),
        b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff",
    ],
)
def test_what_no_compiler_writes(data: bytes) -> None:
    with pytest.raises(CodeRefused):
        decode_map(data)


@pytest.mark.parametrize("code", [b"", b"\x01", b"\x00\x00", b"\xff\xff", b"\x60\x80\x00\x50"])
def test_code_without_auxdata(code: bytes) -> None:
    assert at_end(code) is None
    assert vyper_immutables(code) is None
    assert vyper_at_end(code) is None


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    at_end(data)
    vyper_immutables(data)
    try:
        decode(data)
    except CodeRefused:
        return


@given(st.integers(0, len(IPFS) - 1), st.integers(1, 255))
def test_a_changed_byte_changes_what_is_read(at: int, by: int) -> None:
    changed = bytearray(IPFS)
    changed[at] ^= by
    try:
        assert decode_map(bytes(changed)) != decode_map(IPFS)
    except CodeRefused:
        return
