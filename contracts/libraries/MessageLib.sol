// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The layout of a message, Hyperlane's
/// @dev Offset and type of each field, big-endian: 0 version u8, 1 nonce u32, 5 origin u32,
/// 9 sender b32, 41 destination u32, 45 recipient b32, 77 body. The readers expect at least `HEADER_BYTES` bytes:
/// the caller checks that once.
library MessageLib {
    uint8 internal constant VERSION = 3;
    uint256 internal constant HEADER_BYTES = 77;

    function encode(
        uint32 messageNonce,
        uint32 originDomain,
        bytes32 messageSender,
        uint32 destinationDomain,
        bytes32 messageRecipient,
        bytes calldata messageBody
    ) internal pure returns (bytes memory) {
        return abi.encodePacked(
            VERSION,
            messageNonce,
            originDomain,
            messageSender,
            destinationDomain,
            messageRecipient,
            messageBody
        );
    }

    function version(bytes calldata message) internal pure returns (uint8) {
        return uint8(bytes1(message[0:1]));
    }

    function nonce(bytes calldata message) internal pure returns (uint32) {
        return uint32(bytes4(message[1:5]));
    }

    function origin(bytes calldata message) internal pure returns (uint32) {
        return uint32(bytes4(message[5:9]));
    }

    function sender(bytes calldata message) internal pure returns (bytes32) {
        return bytes32(message[9:41]);
    }

    function destination(bytes calldata message) internal pure returns (uint32) {
        return uint32(bytes4(message[41:45]));
    }

    function recipient(bytes calldata message) internal pure returns (bytes32) {
        return bytes32(message[45:77]);
    }

    function body(bytes calldata message) internal pure returns (bytes calldata) {
        return message[HEADER_BYTES:];
    }
}
