// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What became of messages, told to the chain they came from
/// @notice On the destination anybody has receipts sent, paid like any message; on the origin
/// anybody reads them. One receipt acknowledges up to 256 messages with one word of bits.
interface IReceipts {
    /// @notice Receipts of the words went to `origin`.
    event Acknowledged(uint32 indexed origin, bytes32 indexed messageId, uint256[] words);
    /// @notice Word that these messages expired went to `origin`.
    event TimeoutsSent(uint32 indexed origin, bytes32 indexed messageId, bytes32[] expired);
    /// @notice The messages of the word to `destination` whose bits are set were delivered there.
    event Receipt(uint32 indexed destination, uint256 indexed word, uint256 delivered);
    /// @notice The message expired on `destination`.
    event TimedOut(uint32 indexed destination, bytes32 indexed messageId);

    /// @notice Nothing was named, or more than `limit`.
    error InvalidCount(uint256 count, uint256 limit);
    /// @notice No message of the word was delivered.
    error NothingDelivered(uint32 origin, uint256 word);
    /// @notice The message did not expire.
    error NotExpired(uint32 origin, bytes32 messageId);
    /// @notice `caller` is not the owner.
    error NotOwner(address caller);
    /// @notice The body is no receipt.
    error NotReceipt(bytes32 tag);

    /// @notice Tells `origin` which of its messages were delivered here.
    /// @param words At most 64; word w stands for the nonces 256 * w to 256 * w + 255.
    function acknowledge(uint32 origin, uint256[] calldata words)
        external
        payable
        returns (bytes32 messageId);

    /// @notice Tells `origin` that messages of it expired here.
    /// @param expired Their identifiers, at most 64.
    function sendTimeouts(uint32 origin, bytes32[] calldata expired)
        external
        payable
        returns (bytes32 messageId);

    /// @notice The receipts service of another domain, once. For the owner.
    function enrolPeer(uint32 domain, bytes32 peer) external;

    /// @notice Whether a receipt came that the message of this chain with `nonce`, which was sent to
    /// `destination`, was delivered there.
    /// @dev Says nothing of a message that was sent elsewhere; a caller who is given a message must
    /// know that it is the one with this nonce.
    function delivered(uint32 destination, uint32 nonce) external view returns (bool);

    /// @notice Whether word came that the message with this identifier expired on `destination`.
    /// @dev Only a message under an attested root expires, so a made-up one is never here.
    function timedOut(uint32 destination, bytes32 messageId) external view returns (bool);
}
