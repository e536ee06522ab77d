"""What the adapters and the endpoint say to each other, against the contracts' own encoding."""

import pytest
from eth_abi.abi import decode

from bridge.chain.artifact import load
from bridge.chain.hyperlane import ANNOUNCEMENT_BYTES, ProofRequest, announcement, module_metadata
from bridge.domain.errors import InputError

REQUEST = ProofRequest(1, b"\x11" * 32, 2, b"\x22" * 32)


def test_a_request_is_what_its_call_data_says():
    data = REQUEST.encode()
    assert len(data) == 132
    assert ProofRequest.parse(data) == REQUEST


@pytest.mark.parametrize(
    "data",
    [
        b"",
        REQUEST.encode()[:-1],
        REQUEST.encode() + b"\0",
        b"\0" + REQUEST.encode()[1:],
        REQUEST.encode()[:4] + b"\xff" * 32 + REQUEST.encode()[36:],  # a domain of 256 bits
    ],
    ids=len,
)
def test_anything_else_is_no_request(data):
    with pytest.raises(InputError):
        ProofRequest.parse(data)


def test_an_announcement_is_the_tag_and_the_id():
    body = announcement(b"\x22" * 32)
    assert len(body) == ANNOUNCEMENT_BYTES
    assert body[32:] == b"\x22" * 32
    # The contracts carry the same tag.
    for name in ("HyperlaneHook", "HyperlaneNullIsm", "HyperlaneCcipReadIsm"):
        assert body[:32] in load(name).deployed_code


def test_metadata_is_two_byte_strings():
    metadata = module_metadata(b"\x01" * 64, b"\x02" * 153)
    assert decode(["bytes", "bytes"], metadata) == (b"\x01" * 64, b"\x02" * 153)
