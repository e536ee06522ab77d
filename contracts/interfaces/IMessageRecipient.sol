// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title A contract that receives messages
interface IMessageRecipient {
    /// @notice Called by the Inbox, once for each message.
    /// @dev An implementation accepts calls from its Inbox only, and checks `origin` and `sender`.
    /// @param origin The domain that the message comes from.
    /// @param sender The contract that dispatched it there, left-padded to 32 bytes.
    /// @param body What it dispatched.
    function handle(uint32 origin, bytes32 sender, bytes calldata body) external;
}
