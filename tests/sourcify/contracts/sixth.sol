// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.6.5 <0.8.0;

/// Immutables came with 0.6.5.
contract Fixed {
    address public immutable owner;
    uint256 public immutable cap;

    constructor(address owner_, uint256 cap_) public {
        owner = owner_;
        cap = cap_;
    }

    function both() external view returns (address, uint256, uint256) {
        return (owner, cap, cap + 1);
    }
}
