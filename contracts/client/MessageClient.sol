// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IInbox} from "../interfaces/IInbox.sol";
import {IMessageRecipient} from "../interfaces/IMessageRecipient.sol";
import {DispatchOptions, IOutbox} from "../interfaces/IOutbox.sol";

/// @title The part of an application that every application has
/// @notice Knows the Outbox and Inbox of its chain and one peer on each other domain. Takes messages
/// only from its Inbox and only of its peer; an heir never sees another.
/// @dev An heir implements `_handle`, sends with `_dispatch`, and decides who may call `_enrolPeer`.
abstract contract MessageClient is IMessageRecipient {
    /// @notice `peer` is the application's contract on `domain`.
    event PeerEnrolled(uint32 indexed domain, bytes32 peer);

    /// @notice Only the Inbox delivers; `caller` is not it.
    error NotInbox(address caller);
    /// @notice The sender is not the peer of its domain.
    error NotPeer(uint32 origin, bytes32 sender);
    /// @notice The peer of `domain` was set before.
    error PeerKnown(uint32 domain);
    /// @notice `domain` has no peer.
    error NoPeer(uint32 domain);
    /// @notice A peer is not zero, and its domain is another than this.
    error InvalidPeer(uint32 domain, bytes32 peer);
    /// @notice The Outbox and Inbox are contracts of one domain.
    error InvalidBridge(address outbox, address inbox);

    /// @notice Where messages leave this chain.
    IOutbox public immutable outbox;
    /// @notice Where messages arrive on this chain.
    IInbox public immutable inbox;

    /// @notice The application's contract on each domain, left-padded to 32 bytes.
    mapping(uint32 domain => bytes32) public peers;

    constructor(IOutbox outbox_, IInbox inbox_) {
        if (
            address(outbox_).code.length == 0 || address(inbox_).code.length == 0
                || outbox_.localDomain() != inbox_.localDomain()
        ) revert InvalidBridge(address(outbox_), address(inbox_));
        outbox = outbox_;
        inbox = inbox_;
    }

    /// @inheritdoc IMessageRecipient
    function handle(uint32 origin, bytes32 sender, bytes calldata body) external {
        if (msg.sender != address(inbox)) revert NotInbox(msg.sender);
        // A domain without a peer has zero, which no message has as its sender.
        if (sender == 0 || peers[origin] != sender) revert NotPeer(origin, sender);
        _handle(origin, body);
    }

    /// What the application does with a message of its peer on `origin`.
    function _handle(uint32 origin, bytes calldata body) internal virtual;

    /// Sends `body` to the peer on `destination` and pays `value` wei for it, of which the excess
    /// goes back to `options.refundTo`.
    function _dispatch(
        uint32 destination,
        bytes memory body,
        DispatchOptions memory options,
        uint256 value
    ) internal returns (bytes32 messageId) {
        bytes32 peer = peers[destination];
        if (peer == 0) revert NoPeer(destination);
        return outbox.dispatch{value: value}(destination, peer, body, options);
    }

    /// Sets the peer of `domain`, once and for ever.
    function _enrolPeer(uint32 domain, bytes32 peer) internal {
        if (peer == 0 || domain == 0 || domain == outbox.localDomain()) {
            revert InvalidPeer(domain, peer);
        }
        if (peers[domain] != 0) revert PeerKnown(domain);
        peers[domain] = peer;
        emit PeerEnrolled(domain, peer);
    }
}
