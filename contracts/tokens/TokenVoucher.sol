// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "../../node_modules/@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A voucher for an ERC-20 token of another chain
/// @notice Only the bridge that created it mints and burns. `bridge.homeOf(voucher)` says what it
/// stands for. Name, symbol and decimals are the token's, once a first transfer brought them.
contract TokenVoucher is ERC20("", "") {
    /// @notice `caller` is not the bridge.
    error NotBridge(address caller);
    /// @notice Name, symbol and decimals are known.
    error AlreadyDescribed();

    /// @notice Who created the voucher.
    address public immutable bridge;
    /// @notice Whether a first transfer came.
    bool public described;
    uint8 private decimals_;
    string private name_;
    string private symbol_;

    modifier onlyBridge() {
        if (msg.sender != bridge) revert NotBridge(msg.sender);
        _;
    }

    constructor() {
        bridge = msg.sender;
    }

    /// @notice Sets what the token is called, once. For the bridge.
    function describe(string calldata name__, string calldata symbol__, uint8 decimals__)
        external
        onlyBridge
    {
        if (described) revert AlreadyDescribed();
        described = true;
        (name_, symbol_, decimals_) = (name__, symbol__, decimals__);
    }

    /// @notice For the bridge, against what it knows to be locked.
    function mint(address to, uint256 amount) external onlyBridge {
        _mint(to, amount);
    }

    /// @notice For the bridge, which burns of nobody but its caller.
    function burn(address from, uint256 amount) external onlyBridge {
        _burn(from, amount);
    }

    /// @notice The token's name on its home, at most 63 bytes.
    function name() public view override returns (string memory) {
        return name_;
    }

    /// @notice The token's symbol on its home, at most 31 bytes.
    function symbol() public view override returns (string memory) {
        return symbol_;
    }

    /// @notice The token's decimals on its home; zero where it has none.
    function decimals() public view override returns (uint8) {
        return decimals_;
    }
}
