// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20Metadata} from "../../node_modules/@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IERC721Metadata} from "../../node_modules/@openzeppelin/contracts/token/ERC721/extensions/IERC721Metadata.sol";
import {ITransferBridge} from "../interfaces/ITransferBridge.sol";

/// @title What a token says of itself, whatever it says
/// @notice Each call has a bounded share of gas and a bounded answer, and one that fails counts as an
/// empty one. A caller cannot make it fail by bringing too little gas: that reverts.
library TokenMetadata {
    uint256 internal constant MAXIMUM_NAME_BYTES = 63;
    uint256 internal constant MAXIMUM_SYMBOL_BYTES = 31;
    uint256 internal constant MAXIMUM_URI_BYTES = 512;
    uint256 private constant TEXT_GAS = 50_000;
    /// URIs are sometimes put together on chain.
    uint256 private constant URI_GAS = 500_000;

    /// @notice At most 63 bytes; a longer one is cut before the character that crosses the limit.
    function name(address token) internal view returns (bytes memory) {
        return _text(token, abi.encodeCall(IERC20Metadata.name, ()), MAXIMUM_NAME_BYTES);
    }

    /// @notice At most 31 bytes, cut like a name.
    function symbol(address token) internal view returns (bytes memory) {
        return _text(token, abi.encodeCall(IERC20Metadata.symbol, ()), MAXIMUM_SYMBOL_BYTES);
    }

    /// @notice Zero where the token does not say, or says more than 255.
    function decimals(address token) internal view returns (uint8) {
        bytes memory request = abi.encodeCall(IERC20Metadata.decimals, ());
        (uint256 size, bytes memory answer) = _ask(token, request, TEXT_GAS, 32);
        if (size < 32) return 0;
        uint256 value = uint256(bytes32(answer));
        return value > type(uint8).max ? 0 : uint8(value);
    }

    /// @notice The URI of one token; empty where it has more than 512 bytes, since a part of one
    /// leads nowhere.
    function uri(address token, uint256 id) internal view returns (bytes memory) {
        bytes memory request = abi.encodeCall(IERC721Metadata.tokenURI, (id));
        (uint256 size, bytes memory answer) = _ask(token, request, URI_GAS, 64 + MAXIMUM_URI_BYTES);
        uint256 length = _length(size, answer);
        return length > MAXIMUM_URI_BYTES ? bytes("") : _cut(answer, 64, length);
    }

    /// A `string`; or a `bytes32` up to its first zero, as some old tokens have it.
    function _text(address token, bytes memory request, uint256 limit)
        private
        view
        returns (bytes memory)
    {
        // One byte more than the limit, which tells whether a character crosses it.
        (uint256 size, bytes memory answer) = _ask(token, request, TEXT_GAS, 64 + limit + 1);
        uint256 length;
        if (size == 32) {
            uint256 most = limit < 32 ? limit : 32;
            while (length < most && answer[length] != 0) ++length;
            return _cut(answer, 0, length);
        }
        length = _length(size, answer);
        if (length > limit) {
            length = limit;
            while (length != 0 && answer[64 + length] & 0xc0 == 0x80) --length;
        }
        return _cut(answer, 64, length);
    }

    /// The length of the string that an answer of `size` bytes encodes; zero where it is none.
    function _length(uint256 size, bytes memory answer) private pure returns (uint256 length) {
        if (size < 64) return 0;
        uint256 offset;
        assembly ("memory-safe") {
            offset := mload(add(answer, 0x20))
            length := mload(add(answer, 0x40))
        }
        if (offset != 32 || length > size - 64) return 0;
    }

    function _cut(bytes memory answer, uint256 start, uint256 length)
        private
        pure
        returns (bytes memory part)
    {
        part = new bytes(length);
        assembly ("memory-safe") {
            mcopy(add(part, 0x20), add(add(answer, 0x20), start), length)
        }
    }

    /// The size of what the token answered, zero where it failed, and at most `limit` bytes of it.
    function _ask(address token, bytes memory request, uint256 share, uint256 limit)
        private
        view
        returns (uint256 size, bytes memory answer)
    {
        uint256 left = gasleft();
        // A caller hands on all gas but a 64th (EIP-150); the rest is for the copy below.
        if (left - left / 64 < share + 5_000) revert ITransferBridge.InsufficientGas(share, left);
        assembly ("memory-safe") {
            if staticcall(share, token, add(request, 0x20), mload(request), 0, 0) {
                size := returndatasize()
            }
            let length := size
            if gt(length, limit) { length := limit }
            answer := mload(0x40)
            mstore(answer, length)
            returndatacopy(add(answer, 0x20), 0, length)
            mstore(0x40, add(add(answer, 0x20), and(add(length, 0x1f), not(0x1f))))
        }
    }
}
