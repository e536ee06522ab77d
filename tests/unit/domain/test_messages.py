"""The message: its layout byte by byte, its roundtrip, and each field that cannot be."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.errors import InputError
from bridge.domain.messages import HEADER_BYTES, VERSION, Message, address_to_bytes32

MESSAGE = Message(
    nonce=0x01020304,
    origin=0x11121314,
    sender=bytes(range(32)),
    destination=0x21222324,
    recipient=bytes(range(32, 64)),
    body=b"hello",
)
U32 = st.integers(0, 2**32 - 1)
WORD = st.binary(min_size=32, max_size=32)
MESSAGES = st.builds(
    Message,
    nonce=U32,
    origin=U32,
    sender=WORD,
    destination=U32,
    recipient=WORD,
    body=st.binary(max_size=300),
    version=st.integers(0, 255),
)


def test_layout():
    data = MESSAGE.encode()
    assert data[0:1] == bytes([VERSION]) == b"\x03"
    assert data[1:5] == bytes([1, 2, 3, 4])
    assert data[5:9] == bytes([0x11, 0x12, 0x13, 0x14])
    assert data[9:41] == MESSAGE.sender
    assert data[41:45] == bytes([0x21, 0x22, 0x23, 0x24])
    assert data[45:77] == MESSAGE.recipient
    assert data[77:] == b"hello"
    assert HEADER_BYTES == 77


@given(MESSAGES)
def test_decode_takes_back_encode(message):
    assert Message.decode(message.encode()) == message


@given(st.binary(min_size=89, max_size=300), st.sampled_from((3, 4, 5, 255)))
def test_encode_takes_back_decode(data, version):
    data = bytes([version]) + data[1:]
    assert Message.decode(data).encode() == data


def test_layout_with_options():
    message = dataclasses.replace(MESSAGE, version=4, deadline=0x0102030405060708, gas_limit=9)
    data = message.encode()
    assert data[:77] == b"\x04" + MESSAGE.encode()[1:77]
    assert data[77:85] == bytes(range(1, 9))
    assert data[85:89] == bytes([0, 0, 0, 9])
    assert data[89:] == b"hello"
    assert Message.decode(data) == message


@pytest.mark.parametrize("length", [77, 88])
def test_options_cut_short_are_refused(length):
    data = dataclasses.replace(MESSAGE, version=4, body=bytes(20)).encode()[:length]
    with pytest.raises(InputError, match=f"expected at least 89 bytes, got {length}"):
        Message.decode(data)


@pytest.mark.parametrize("change", [{"deadline": 1}, {"gas_limit": 1}])
@pytest.mark.parametrize("version", [3, 5])
def test_options_are_of_version_4_alone(change, version):
    with pytest.raises(InputError, match=f"version: expected 4 .* got {version}"):
        dataclasses.replace(MESSAGE, version=version, **change)


@pytest.mark.parametrize(("name", "bits"), [("deadline", 64), ("gas_limit", 32)])
def test_an_option_out_of_range_is_refused(name, bits):
    for value in (-1, 1 << bits):
        with pytest.raises(InputError, match=f"{name}: expected {bits} bits, got {value}"):
            dataclasses.replace(MESSAGE, version=4, **{name: value})


@given(MESSAGES, MESSAGES)
def test_two_messages_never_share_an_encoding(one, other):
    assert (one.encode() == other.encode()) == (one == other)


@pytest.mark.parametrize("length", [0, 1, 76])
def test_shorter_than_the_header_is_refused(length):
    with pytest.raises(InputError, match=f"expected at least 77 bytes, got {length}"):
        Message.decode(bytes(length))


def test_the_header_alone_is_a_message_with_no_body():
    assert Message.decode(MESSAGE.encode()[:77]).body == b""


@pytest.mark.parametrize("value", [-1, 2**32])
@pytest.mark.parametrize("name", ["nonce", "origin", "destination"])
def test_integers_have_32_bits(name, value):
    with pytest.raises(InputError, match=f"{name}: expected 32 bits, got {value}"):
        dataclasses.replace(MESSAGE, **{name: value})


@pytest.mark.parametrize("value", [-1, 256])
def test_the_version_has_8_bits(value):
    with pytest.raises(InputError, match=f"version: expected 8 bits, got {value}"):
        dataclasses.replace(MESSAGE, version=value)


@pytest.mark.parametrize("length", [0, 20, 31, 33])
@pytest.mark.parametrize("name", ["sender", "recipient"])
def test_ends_have_32_bytes(name, length):
    with pytest.raises(InputError, match=f"{name}: expected 32 bytes, got {length}"):
        dataclasses.replace(MESSAGE, **{name: bytes(length)})


def test_an_address_is_padded_on_the_left():
    address = "0x" + "ab" * 20
    assert address_to_bytes32(address) == bytes(12) + b"\xab" * 20
    assert address_to_bytes32(address[2:]) == bytes(12) + b"\xab" * 20


@pytest.mark.parametrize(
    "address",
    ["", "0x", "0x" + "ab" * 19, "0x" + "ab" * 21, "0x" + "zz" * 20, "ab " * 20, "0x0x" + 38 * "a"],
)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(InputError, match="address: expected 20 bytes in hex, got"):
        address_to_bytes32(address)
