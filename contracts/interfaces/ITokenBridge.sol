// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITransferBridge} from "./ITransferBridge.sol";

/// @title ERC-20 tokens over messages
/// @notice `value` is an amount in the token's smallest unit.
interface ITokenBridge is ITransferBridge {
    /// @notice The contract's balance changed by `got`: the token takes a fee, or does something
    /// else that is not told by its standard.
    error AmountMismatch(uint256 expected, uint256 got);
}
