// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICcipReadIsm, IInterchainSecurityModule} from "../interfaces/IHyperlane.sol";
import {IHyperlaneCcipReadIsm, IHyperlaneProofs} from "../interfaces/IHyperlaneAdapter.sol";
import {IInbox} from "../interfaces/IInbox.sol";
import {IOutbox} from "../interfaces/IOutbox.sol";
import {Announcement} from "../libraries/Announcement.sol";
import {MessageLib} from "../libraries/MessageLib.sol";
import {HyperlaneAdapter} from "./HyperlaneAdapter.sol";

/// @title A module that is shown the announcement under an attested root
/// @notice Metadata is `abi.encode(bytes metadata, bytes message)` of the hook's message as the
/// Inbox takes it, fetched over HTTP (EIP-3668). The root must be attested; nothing need have been
/// delivered.
contract HyperlaneCcipReadIsm is IHyperlaneCcipReadIsm, ICcipReadIsm, HyperlaneAdapter {
    using Announcement for bytes;
    using MessageLib for bytes;

    /// @notice Hyperlane's number for modules whose metadata is fetched over HTTP.
    uint8 public constant moduleType = 7;

    string[] private addresses;

    constructor(IOutbox outbox_, IInbox inbox_, address owner_)
        HyperlaneAdapter(outbox_, inbox_, owner_)
    {}

    /// @inheritdoc IInterchainSecurityModule
    /// @dev True or a revert that says what is missing.
    function verify(bytes calldata metadata, bytes calldata message) external view returns (bool) {
        _requireHeader(message);
        uint32 origin = _known(message.origin());
        (bytes calldata proof, bytes calldata announcement) = _split(metadata);
        // First of all: the readers below expect a message that the Inbox finds well formed.
        inbox.requireProven(proof, announcement);
        if (announcement.origin() != origin) revert WrongOrigin(origin, announcement.origin());
        bytes32 sender = announcement.sender();
        if (sender != peers[origin]) revert NotPeer(origin, sender);
        // The announcement's recipient is not looked at: a hook says the same to every module.
        bytes calldata body = announcement.body();
        if (!body.isOne()) revert NotAnnouncement(body.length, body.tag());
        bytes32 hyperlaneId = keccak256(message);
        if (body.announced() != hyperlaneId) {
            revert WrongHyperlaneMessage(hyperlaneId, body.announced());
        }
        return true;
    }

    /// @inheritdoc IHyperlaneCcipReadIsm
    function setUrls(string[] calldata urls_) external onlyOwner {
        if (urls_.length == 0) revert NoUrls();
        addresses = urls_;
        emit UrlsChanged(urls_);
    }

    /// @inheritdoc ICcipReadIsm
    function getOffchainVerifyInfo(bytes calldata message) external view {
        _requireHeader(message);
        uint32 origin = _known(message.origin());
        revert OffchainLookup(
            address(this),
            addresses,
            abi.encodeCall(
                IHyperlaneProofs.hyperlaneProof,
                (origin, peers[origin], inbox.localDomain(), keccak256(message))
            ),
            this.verify.selector,
            message
        );
    }

    /// @inheritdoc IHyperlaneCcipReadIsm
    function urls() external view returns (string[] memory) {
        return addresses;
    }

    /// Takes the announcement, since a relayer of this bridge delivers whatever was sent, and keeps
    /// nothing of it: `verify` is shown it.
    function _handle(uint32 origin, bytes calldata body) internal override {
        if (!body.isOne()) revert NotAnnouncement(body.length, body.tag());
        emit HyperlaneMessageAttested(origin, body.announced());
    }

    /// The two byte strings, of which `metadata` is the one canonical encoding.
    function _split(bytes calldata metadata)
        private
        pure
        returns (bytes calldata first, bytes calldata second)
    {
        uint256 end = 64;
        (first, end) = _next(metadata, 0, end);
        (second, end) = _next(metadata, 32, end);
        if (end != metadata.length) revert MalformedMetadata(metadata.length);
    }

    /// The byte string whose offset stands at `head`, which must be `start`, and where its words
    /// end. What fills the last of them is zero.
    function _next(bytes calldata metadata, uint256 head, uint256 start)
        private
        pure
        returns (bytes calldata value, uint256 end)
    {
        if (metadata.length < start + 32 || uint256(bytes32(metadata[head:head + 32])) != start) {
            revert MalformedMetadata(metadata.length);
        }
        uint256 length = uint256(bytes32(metadata[start:start + 32]));
        if (length > metadata.length) revert MalformedMetadata(metadata.length);
        end = start + 32 + ((length + 31) & ~uint256(31));
        if (end > metadata.length) revert MalformedMetadata(metadata.length);
        value = metadata[start + 32:start + 32 + length];
        uint256 used = length & 31;
        if (used != 0 && uint256(bytes32(metadata[end - 32:end])) << (8 * used) != 0) {
            revert MalformedMetadata(metadata.length);
        }
    }
}
