// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMessageRecipient} from "../interfaces/IMessageRecipient.sol";

/// @title A recipient that writes down all that it is given, and refuses while it is told to
contract Ledger is IMessageRecipient {
    /// @notice It was told to refuse.
    error Closed();

    /// @notice How many messages it took.
    uint256 public total;
    /// @notice keccak256 over the value before and the last message's origin, sender and body.
    bytes32 public digest;
    /// @notice Whether it refuses.
    bool public refusing;

    /// @notice From now on it refuses, or does not.
    function refuse(bool refusing_) external {
        refusing = refusing_;
    }

    function handle(uint32 origin, bytes32 sender, bytes calldata body) external {
        if (refusing) revert Closed();
        ++total;
        digest = keccak256(abi.encodePacked(digest, origin, sender, body));
    }
}
