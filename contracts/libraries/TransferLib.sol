// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITransferBridge} from "../interfaces/ITransferBridge.sol";

/// @title The body of a transfer
/// @dev Offset and type of each field, big-endian: 0 tag b32, 32 home u32, 36 token b32, 68 value
/// u256, 100 recipient b32, 132 description. The description stands in what leaves the token's home
/// and is empty in what goes back: 0 decimals u8, 1 length of the name u8, 2 length of the symbol
/// u8, 3 name, symbol, and the rest is the URI of the one token.
library TransferLib {
    uint256 internal constant HEADER_BYTES = 132;
    uint256 internal constant DESCRIPTION_BYTES = 3;

    function encode(
        bytes32 tag,
        uint32 home,
        bytes32 token,
        uint256 value,
        bytes32 recipient,
        bytes memory description
    ) internal pure returns (bytes memory) {
        return abi.encodePacked(tag, home, token, value, recipient, description);
    }

    function decode(bytes32 tag, bytes calldata body)
        internal
        pure
        returns (
            uint32 home,
            bytes32 token,
            uint256 value,
            bytes32 recipient,
            bytes calldata description
        )
    {
        if (body.length < HEADER_BYTES) revert ITransferBridge.MalformedBody(body.length);
        if (bytes32(body[:32]) != tag) revert ITransferBridge.WrongTag(bytes32(body[:32]));
        home = uint32(bytes4(body[32:36]));
        token = bytes32(body[36:68]);
        value = uint256(bytes32(body[68:100]));
        recipient = bytes32(body[100:132]);
        description = body[HEADER_BYTES:];
    }

    /// @notice Lengths are at most 255, which `TokenMetadata` sees to.
    function describe(uint8 decimals, bytes memory name, bytes memory symbol, bytes memory uri)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodePacked(
            decimals, uint8(name.length), uint8(symbol.length), name, symbol, uri
        );
    }

    function described(bytes calldata description)
        internal
        pure
        returns (uint8 decimals, string calldata name, string calldata symbol, string calldata uri)
    {
        uint256 length = description.length;
        if (length < DESCRIPTION_BYTES) revert ITransferBridge.MalformedBody(length);
        decimals = uint8(description[0]);
        uint256 nameEnd = DESCRIPTION_BYTES + uint8(description[1]);
        uint256 symbolEnd = nameEnd + uint8(description[2]);
        if (length < symbolEnd) revert ITransferBridge.MalformedBody(length);
        name = string(description[DESCRIPTION_BYTES:nameEnd]);
        symbol = string(description[nameEnd:symbolEnd]);
        uri = string(description[symbolEnd:]);
    }
}
