# @version ^0.4.0
# ecrecover(x)
event Paid:
    to: address

signer: address
balances: HashMap[address, uint256]

@external
def pay(to: address, amount: uint256, v: uint256, r: uint256, s: uint256):
    digest: bytes32 = keccak256(abi_encode(to, amount))
    assert ecrecover(digest, v, r, s) == self.signer, "wrong signer"
    for i: uint256 in range(2):
        self.balances[to] += amount
    send(to, amount)
    log Paid(to=to)

@external
def plain(to: address):
    self.balances[to] += 1
