// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IOutbox} from "./interfaces/IOutbox.sol";
import {MerkleTree} from "./libraries/MerkleTree.sol";
import {MessageLib} from "./libraries/MessageLib.sol";

/// @title The Outbox: every message of a chain, in one Merkle tree
/// @notice A message's nonce is its index in the tree. Nothing here can be paused, upgraded or
/// taken back.
contract Outbox is IOutbox {
    using MerkleTree for MerkleTree.Tree;

    /// @notice The longest body that is taken, in bytes.
    uint256 public constant MAX_BODY_BYTES = 8192;

    /// @inheritdoc IOutbox
    uint32 public immutable localDomain;
    /// @notice Who may open routes.
    address public immutable owner;

    /// @inheritdoc IOutbox
    mapping(uint32 domain => bool) public isDestination;
    MerkleTree.Tree private tree;

    constructor(uint32 localDomain_, address owner_) {
        if (localDomain_ == 0) revert InvalidDomain(localDomain_);
        localDomain = localDomain_;
        owner = owner_;
    }

    /// @inheritdoc IOutbox
    function dispatch(uint32 destination, bytes32 recipient, bytes calldata body)
        external
        returns (bytes32 messageId)
    {
        if (!isDestination[destination]) revert UnknownDestination(destination);
        if (recipient == 0) revert ZeroRecipient();
        if (body.length > MAX_BODY_BYTES) revert BodyTooLong(body.length, MAX_BODY_BYTES);

        bytes memory message = MessageLib.encode(
            uint32(tree.size), // the tree is full before this wraps
            localDomain,
            bytes32(uint256(uint160(msg.sender))),
            destination,
            recipient,
            body
        );
        messageId = keccak256(message);
        tree.append(messageId);
        emit Dispatch(msg.sender, destination, recipient, message);
        emit DispatchId(messageId);
    }

    /// @inheritdoc IOutbox
    function enrolDestination(uint32 domain) external {
        if (msg.sender != owner) revert NotOwner(msg.sender);
        if (domain == 0 || domain == localDomain) revert InvalidDomain(domain);
        if (isDestination[domain]) revert DestinationKnown(domain);
        isDestination[domain] = true;
        emit DestinationEnrolled(domain);
    }

    /// @inheritdoc IOutbox
    function count() external view returns (uint32) {
        return uint32(tree.size);
    }

    /// @inheritdoc IOutbox
    function root() external view returns (bytes32) {
        return tree.root();
    }
}
