OWNER: immutable(address)
CAP: immutable(uint256)
spent: public(uint256)


@DEPLOY@
def __init__(owner: address, cap: uint256):
    OWNER = owner
    CAP = cap


@external
def spend(amount: uint256):
    assert msg.sender == OWNER
    assert self.spent + amount <= CAP
    self.spent += amount


@external
@view
def left() -> uint256:
    return CAP - self.spent
