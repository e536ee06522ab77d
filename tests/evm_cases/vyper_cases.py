"""The same contracts, as far as they matter to Vyper's ways: tables of selectors, static memory."""

from __future__ import annotations

MANY = "".join(f"@external\ndef f{i}() -> uint256: return {i}\n" for i in range(12))
"""Enough functions for a table of several buckets."""

SOURCES = {
    "VyperPermit": f"""
# pragma version ^0.4.0
owner: public(address)
nonces: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])
event Approval:
    owner: indexed(address)
    spender: indexed(address)
    value: uint256
@external
def permit(o: address, s: address, v: uint256, deadline: uint256, vv: uint8, r: bytes32, ss: bytes32):
    assert block.timestamp <= deadline
    h: bytes32 = keccak256(abi_encode(o, s, v, self.nonces[o], deadline))
    assert ecrecover(h, convert(vv, uint256), convert(r, uint256), convert(ss, uint256)) == o
    self.nonces[o] += 1
    self.allowance[o][s] = v
    log Approval(owner=o, spender=s, value=v)
@external
@view
def who(h: bytes32, vv: uint256, r: uint256, s: uint256) -> address:
    return ecrecover(h, vv, r, s)
@external
def set_owner(to: address):
    assert msg.sender == self.owner
    self.owner = to
{MANY}""",
    "VyperPairing": """
# pragma version ^0.4.0
@internal
@view
def _sum(a: uint256[2], b: uint256[2]) -> uint256[2]:
    return ecadd(a, b)
@external
def claim(a: uint256[2], b: uint256[2], want: uint256, amount: uint256):
    c: uint256[2] = self._sum(a, ecmul(b, 7))
    assert c[0] == want
    send(msg.sender, amount)
""",
    "VyperPlain": """
# pragma version ^0.4.0
root: bytes32
@external
def pay(data: Bytes[64]):
    assert sha256(data) == self.root
    send(msg.sender, 1)
@external
def keep(data: Bytes[64]):
    self.root = keccak256(data)
""",
}
