// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Where messages leave a chain
interface IOutbox {
    /// @notice A message was dispatched; `message` is its whole encoding.
    event Dispatch(
        address indexed sender,
        uint32 indexed destination,
        bytes32 indexed recipient,
        bytes message
    );

    /// @notice The identifier of the message dispatched just before.
    event DispatchId(bytes32 indexed messageId);

    /// @notice Messages to `domain` are taken from now on.
    event DestinationEnrolled(uint32 indexed domain);

    /// @notice `caller` is not the owner.
    error NotOwner(address caller);
    /// @notice No route leads to `domain`.
    error UnknownDestination(uint32 domain);
    /// @notice `domain` is this chain's own, or zero.
    error InvalidDomain(uint32 domain);
    /// @notice `domain` stands in the list of destinations already.
    error DestinationKnown(uint32 domain);
    /// @notice The body has `length` bytes and at most `limit` are taken.
    error BodyTooLong(uint256 length, uint256 limit);
    /// @notice The recipient is zero.
    error ZeroRecipient();

    /// @notice Appends a message to the tree.
    /// @param destination The domain to deliver it on.
    /// @param recipient The contract to deliver it to, left-padded to 32 bytes.
    /// @param body At most `MAX_BODY_BYTES` bytes.
    /// @return messageId keccak256 of the message's encoding, the leaf of the tree.
    function dispatch(uint32 destination, bytes32 recipient, bytes calldata body)
        external
        returns (bytes32 messageId);

    /// @notice Opens the route to `domain`. Routes are never closed again.
    function enrolDestination(uint32 domain) external;

    /// @notice The domain of this chain.
    function localDomain() external view returns (uint32);

    /// @notice Whether messages to `domain` are taken.
    function isDestination(uint32 domain) external view returns (bool);

    /// @notice How many messages were dispatched, which is the next one's nonce.
    function count() external view returns (uint32);

    /// @notice The root of the tree of all messages; zero before the first.
    function root() external view returns (bytes32);
}
