// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The layout of a message: Hyperlane's, and one with options
/// @dev Offset and type of each field, big-endian: 0 version u8, 1 nonce u32, 5 origin u32,
/// 9 sender b32, 41 destination u32, 45 recipient b32, 77 body. In version 4 the body begins at 89,
/// behind 77 deadline u64 and 85 gas limit u32. The readers expect what `minimum` says: the caller
/// checks that once, and that `version` is one of the two.
library MessageLib {
    /// @notice Hyperlane's version: no deadline, `DEFAULT_GAS_LIMIT`.
    uint8 internal constant VERSION = 3;
    /// @notice With a deadline and a gas limit before the body.
    uint8 internal constant VERSION_WITH_OPTIONS = 4;
    uint256 internal constant HEADER_BYTES = 77;
    uint256 internal constant OPTIONS_BYTES = 12;
    /// @notice Gas that a recipient may use for a message that says nothing else.
    uint32 internal constant DEFAULT_GAS_LIMIT = 300_000;
    /// @notice No message asks for more: a delivery must fit a transaction (EIP-7825).
    uint32 internal constant MAXIMUM_GAS_LIMIT = 10_000_000;

    /// @param messageDeadline Seconds since 1970, the last at which it is delivered; zero for none.
    /// @param messageGasLimit Zero for `DEFAULT_GAS_LIMIT`.
    function encode(
        uint32 messageNonce,
        uint32 originDomain,
        bytes32 messageSender,
        uint32 destinationDomain,
        bytes32 messageRecipient,
        uint64 messageDeadline,
        uint32 messageGasLimit,
        bytes calldata messageBody
    ) internal pure returns (bytes memory) {
        bool plain = messageDeadline == 0 && messageGasLimit == 0;
        return abi.encodePacked(
            plain ? VERSION : VERSION_WITH_OPTIONS,
            messageNonce,
            originDomain,
            messageSender,
            destinationDomain,
            messageRecipient,
            plain ? bytes("") : _options(messageDeadline, messageGasLimit),
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

    /// @notice The last second at which the message is delivered; zero for no end.
    function deadline(bytes calldata message) internal pure returns (uint64) {
        if (version(message) == VERSION) return 0;
        return uint64(bytes8(message[77:85]));
    }

    /// @notice Gas that the recipient may use.
    function gasLimit(bytes calldata message) internal pure returns (uint256) {
        if (version(message) == VERSION) return DEFAULT_GAS_LIMIT;
        uint32 limit = uint32(bytes4(message[85:89]));
        return limit == 0 ? DEFAULT_GAS_LIMIT : limit;
    }

    function body(bytes calldata message) internal pure returns (bytes calldata) {
        return message[minimum(version(message)):];
    }

    /// @notice The length of a message with an empty body, in bytes.
    function minimum(uint8 messageVersion) internal pure returns (uint256) {
        return messageVersion == VERSION ? HEADER_BYTES : HEADER_BYTES + OPTIONS_BYTES;
    }

    function _options(uint64 messageDeadline, uint32 messageGasLimit)
        private
        pure
        returns (bytes memory)
    {
        return abi.encodePacked(messageDeadline, messageGasLimit);
    }
}
