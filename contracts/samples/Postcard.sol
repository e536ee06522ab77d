// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MessageClient} from "../client/MessageClient.sol";
import {IInbox} from "../interfaces/IInbox.sol";
import {DispatchOptions, IOutbox} from "../interfaces/IOutbox.sol";

/// @title A sample application: postcards that are answered
/// @notice Sends a text to another chain. A Postcard that receives one keeps it and answers with a
/// message of its own; an answer is kept and not answered. Answers are paid from what the contract
/// holds.
contract Postcard is MessageClient {
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
    /// @notice The text has `length` bytes and at most `limit` are taken.
    error TextTooLong(uint256 length, uint256 limit);

    /// @notice The longest text, in bytes of UTF-8. Leaves room for the answer, which repeats it.
    uint256 public constant MAX_TEXT_BYTES = 4096;

    address public immutable owner;

    /// @notice How many postcards and answers came in.
    uint256 public received;

    constructor(IOutbox outbox_, IInbox inbox_, address owner_) MessageClient(outbox_, inbox_) {
        owner = owner_;
    }

    /// @notice The contract takes what its answers will cost.
    receive() external payable {}

    /// @notice Sends `text` to `recipient` on `destination`; what is paid too much comes back.
    /// @param recipient Left-padded to 32 bytes; zero stands for the peer on that domain.
    function send(uint32 destination, bytes32 recipient, string calldata text)
        external
        payable
        returns (bytes32 messageId)
    {
        if (bytes(text).length > MAX_TEXT_BYTES) {
            revert TextTooLong(bytes(text).length, MAX_TEXT_BYTES);
        }
        if (recipient == 0) recipient = peers[destination];
        messageId = outbox.dispatch{value: msg.value}(
            destination, recipient, abi.encode(Kind.Text, text), DispatchOptions(0, 0, msg.sender)
        );
        emit Sent(messageId, destination, recipient, text);
    }

    /// @notice Sets the peer of `domain`, once.
    function enrolPeer(uint32 domain, bytes32 peer) external {
        if (msg.sender != owner) revert NotOwner(msg.sender);
        _enrolPeer(domain, peer);
    }

    function _handle(uint32 origin, bytes calldata body) internal override {
        (Kind kind, string memory text) = abi.decode(body, (Kind, string));
        ++received;
        bytes32 peer = peers[origin];
        emit Received(origin, peer, kind, text);
        if (kind == Kind.Text) {
            bytes memory answer = abi.encode(Kind.Answer, string.concat("Received: ", text));
            uint256 fee = outbox.quoteDispatch(origin, peer, answer);
            _dispatch(origin, answer, DispatchOptions(0, 0, address(this)), fee);
        }
    }
}
