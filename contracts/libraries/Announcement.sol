// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The body by which a hook says that its Mailbox dispatched a message
/// @dev 64 bytes: the tag, then the identifier of the Mailbox's message.
library Announcement {
    /// @notice What every announcement begins with.
    bytes32 internal constant TAG = keccak256("astralink/hyperlane/dispatched/v1");
    uint256 internal constant BYTES = 64;

    function encode(bytes32 hyperlaneId) internal pure returns (bytes memory) {
        return abi.encodePacked(TAG, hyperlaneId);
    }

    /// @notice The tag; zero where there is none.
    function tag(bytes calldata body) internal pure returns (bytes32) {
        return body.length < 32 ? bytes32(0) : bytes32(body[:32]);
    }

    /// @notice Whether `body` is an announcement, with nothing behind it.
    function isOne(bytes calldata body) internal pure returns (bool) {
        return body.length == BYTES && bytes32(body[:32]) == TAG;
    }

    /// @notice The identifier in an announcement.
    function announced(bytes calldata body) internal pure returns (bytes32) {
        return bytes32(body[32:BYTES]);
    }
}
