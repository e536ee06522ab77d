// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITransferBridge} from "./ITransferBridge.sol";

/// @title ERC-721 tokens over messages
/// @notice `value` is a token's id; limits and totals count tokens.
interface INftBridge is ITransferBridge {
    /// @notice The token with this id is locked for `expected`, zero for none, and not for `got`.
    error NotLockedFor(address token, uint256 id, uint32 expected, uint32 got);
    /// @notice The token with this id belongs to `owner` after it was moved.
    error NotMoved(address token, uint256 id, address owner);

    /// @notice The domain that a token of this chain is locked for; zero where it is not.
    function lockedFor(address token, uint256 id) external view returns (uint32 remote);
}
