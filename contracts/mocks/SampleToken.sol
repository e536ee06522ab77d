// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "../../node_modules/@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title An ordinary ERC-20 token that anybody mints and burns, for tests
contract SampleToken is ERC20 {
    uint8 private immutable decimals_;

    constructor(string memory name_, string memory symbol_, uint8 decimals__) ERC20(name_, symbol_) {
        decimals_ = decimals__;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function burn(address from, uint256 amount) external {
        _burn(from, amount);
    }

    function decimals() public view override returns (uint8) {
        return decimals_;
    }
}
