value: public(uint256)


@external
def set(new: uint256):
    self.value = new
