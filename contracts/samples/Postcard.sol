// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMessageRecipient} from "../interfaces/IMessageRecipient.sol";
import {IOutbox} from "../interfaces/IOutbox.sol";

/// @title A sample application: postcards that are answered
/// @notice Sends a text to another chain. A Postcard that receives one keeps it and answers with a
/// message of its own; an answer is kept and not answered.
/// @dev Shows what a recipient must check: that its Inbox calls, and that its own peer sent.
contract Postcard is IMessageRecipient {
    enum Kind {
        Text,
        Answer
    }

    /// @notice A postcard left for `destination`.
    event Sent(bytes32 indexed messageId, uint32 indexed destination, bytes32 recipient, string text);
    /// @notice A postcard or an answer came in.
    event Received(uint32 indexed origin, bytes32 indexed sender, Kind kind, string text);

    /// @notice `caller` is not the owner.
    error NotOwner(address caller);
    /// @notice Only the Inbox delivers; `caller` is not it.
    error NotInbox(address caller);
    /// @notice The peer of `domain` was set before.
    error PeerKnown(uint32 domain);
    /// @notice The sender is not the peer of its domain.
    error NotPeer(uint32 origin, bytes32 sender);
    /// @notice The text has `length` bytes and at most `limit` are taken.
    error TextTooLong(uint256 length, uint256 limit);

    /// @notice The longest text, in bytes of UTF-8. Leaves room for the answer, which repeats it.
    uint256 public constant MAX_TEXT_BYTES = 4096;

    IOutbox public immutable outbox;
    address public immutable inbox;
    address public immutable owner;

    /// @notice The Postcard of each domain, left-padded to 32 bytes.
    mapping(uint32 domain => bytes32) public peers;
    /// @notice How many postcards and answers came in.
    uint256 public received;

    constructor(IOutbox outbox_, address inbox_, address owner_) {
        outbox = outbox_;
        inbox = inbox_;
        owner = owner_;
    }

    /// @notice Sends `text` to `recipient` on `destination`.
    /// @param recipient Left-padded to 32 bytes; zero stands for the peer on that domain.
    function send(uint32 destination, bytes32 recipient, string calldata text)
        external
        returns (bytes32 messageId)
    {
        if (bytes(text).length > MAX_TEXT_BYTES) {
            revert TextTooLong(bytes(text).length, MAX_TEXT_BYTES);
        }
        if (recipient == 0) recipient = peers[destination];
        messageId = outbox.dispatch(destination, recipient, abi.encode(Kind.Text, text));
        emit Sent(messageId, destination, recipient, text);
    }

    /// @inheritdoc IMessageRecipient
    function handle(uint32 origin, bytes32 sender, bytes calldata body) external {
        if (msg.sender != inbox) revert NotInbox(msg.sender);
        if (sender == 0 || peers[origin] != sender) revert NotPeer(origin, sender);
        (Kind kind, string memory text) = abi.decode(body, (Kind, string));
        ++received;
        emit Received(origin, sender, kind, text);
        if (kind == Kind.Text) {
            outbox.dispatch(
                origin, sender, abi.encode(Kind.Answer, string.concat("Received: ", text))
            );
        }
    }

    /// @notice Sets the peer of `domain`, once.
    function enrolPeer(uint32 domain, bytes32 peer) external {
        if (msg.sender != owner) revert NotOwner(msg.sender);
        if (peers[domain] != 0) revert PeerKnown(domain);
        peers[domain] = peer;
    }
}
