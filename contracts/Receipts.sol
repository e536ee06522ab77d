// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MessageClient} from "./client/MessageClient.sol";
import {IInbox} from "./interfaces/IInbox.sol";
import {DispatchOptions, IOutbox} from "./interfaces/IOutbox.sol";
import {IReceipts} from "./interfaces/IReceipts.sol";
import {Contexts} from "./types/Contexts.sol";

/// @title Receipts: acknowledgements and timeouts that travel back as messages
/// @notice An application of the bridge like any other: it reads the Inbox, has no right over it,
/// and trusts its peers on other chains. What it says is merged with what it said before, so that
/// receipts may come late, twice and in any order.
contract Receipts is IReceipts, MessageClient {
    /// What a body begins with: keccak256 of the context "astralink/receipt/v1" and the kind.
    bytes32 public constant DELIVERED_TAG = keccak256(bytes.concat(Contexts.RECEIPT, "/delivered"));
    bytes32 public constant TIMEOUT_TAG = keccak256(bytes.concat(Contexts.RECEIPT, "/timeout"));

    /// @notice So many words or identifiers go into one receipt.
    uint256 public constant MAXIMUM_ENTRIES = 64;
    /// What a receipt costs where it arrives: two words of new storage an entry at the most.
    uint32 private constant BASE_GAS = 60_000;
    uint32 private constant ENTRY_GAS = 30_000;

    /// @notice Who enrols peers.
    address public immutable owner;

    mapping(uint32 destination => mapping(uint256 word => uint256 bits)) private deliveredBits;
    /// @inheritdoc IReceipts
    mapping(uint32 destination => mapping(bytes32 messageId => bool)) public timedOut;

    constructor(IOutbox outbox_, IInbox inbox_, address owner_) MessageClient(outbox_, inbox_) {
        owner = owner_;
    }

    /// @inheritdoc IReceipts
    function acknowledge(uint32 origin, uint256[] calldata words)
        external
        payable
        returns (bytes32 messageId)
    {
        _requireCount(words.length);
        uint256[] memory bits = new uint256[](words.length);
        for (uint256 i; i < words.length; ++i) {
            bits[i] = inbox.deliveredWord(origin, words[i]);
            if (bits[i] == 0) revert NothingDelivered(origin, words[i]);
        }
        messageId = _send(origin, abi.encode(DELIVERED_TAG, words, bits), words.length);
        emit Acknowledged(origin, messageId, words);
    }

    /// @inheritdoc IReceipts
    function sendTimeouts(uint32 origin, bytes32[] calldata expired)
        external
        payable
        returns (bytes32 messageId)
    {
        _requireCount(expired.length);
        for (uint256 i; i < expired.length; ++i) {
            if (!inbox.expired(origin, expired[i])) revert NotExpired(origin, expired[i]);
        }
        messageId = _send(origin, abi.encode(TIMEOUT_TAG, expired), expired.length);
        emit TimeoutsSent(origin, messageId, expired);
    }

    /// @inheritdoc IReceipts
    function enrolPeer(uint32 domain, bytes32 peer) external {
        if (msg.sender != owner) revert NotOwner(msg.sender);
        _enrolPeer(domain, peer);
    }

    /// @inheritdoc IReceipts
    function delivered(uint32 destination, uint32 nonce) external view returns (bool) {
        return (deliveredBits[destination][nonce >> 8] >> (nonce & 0xff)) & 1 == 1;
    }

    function _handle(uint32 destination, bytes calldata body) internal override {
        bytes32 tag = bytes32(body[:32]);
        if (tag == DELIVERED_TAG) {
            (, uint256[] memory words, uint256[] memory bits) =
                abi.decode(body, (bytes32, uint256[], uint256[]));
            for (uint256 i; i < words.length; ++i) {
                deliveredBits[destination][words[i]] |= bits[i];
                emit Receipt(destination, words[i], bits[i]);
            }
        } else if (tag == TIMEOUT_TAG) {
            (, bytes32[] memory expired) = abi.decode(body, (bytes32, bytes32[]));
            for (uint256 i; i < expired.length; ++i) {
                timedOut[destination][expired[i]] = true;
                emit TimedOut(destination, expired[i]);
            }
        } else {
            revert NotReceipt(tag);
        }
    }

    function _send(uint32 origin, bytes memory body, uint256 entries) private returns (bytes32) {
        uint32 gasLimit = BASE_GAS + ENTRY_GAS * uint32(entries); // at most MAXIMUM_ENTRIES
        return _dispatch(origin, body, DispatchOptions(0, gasLimit, msg.sender), msg.value);
    }

    function _requireCount(uint256 count) private pure {
        if (count == 0 || count > MAXIMUM_ENTRIES) revert InvalidCount(count, MAXIMUM_ENTRIES);
    }
}
