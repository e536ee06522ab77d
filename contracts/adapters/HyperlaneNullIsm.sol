// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IInterchainSecurityModule} from "../interfaces/IHyperlane.sol";
import {IHyperlaneIsm} from "../interfaces/IHyperlaneAdapter.sol";
import {IInbox} from "../interfaces/IInbox.sol";
import {IOutbox} from "../interfaces/IOutbox.sol";
import {Announcement} from "../libraries/Announcement.sol";
import {MessageLib} from "../libraries/MessageLib.sol";
import {HyperlaneAdapter} from "./HyperlaneAdapter.sol";

/// @title A module that needs no metadata: the bridge has delivered the announcement before
/// @notice The Inbox delivers the hook's announcement here, and the Mailbox's message passes from
/// then on. Once is the Mailbox's to keep, not the module's.
contract HyperlaneNullIsm is IHyperlaneIsm, IInterchainSecurityModule, HyperlaneAdapter {
    using Announcement for bytes;
    using MessageLib for bytes;

    /// @notice Hyperlane's number for modules whose metadata is empty.
    uint8 public constant moduleType = 6;

    /// @notice Whether the hook of `origin`, in this bridge's numbering, announced the message. By
    /// origin, so that one chain cannot speak for another.
    mapping(uint32 origin => mapping(bytes32 hyperlaneId => bool)) public attested;

    constructor(IOutbox outbox_, IInbox inbox_, address owner_)
        HyperlaneAdapter(outbox_, inbox_, owner_)
    {}

    /// @inheritdoc IInterchainSecurityModule
    /// @dev True or a revert that says what is missing.
    function verify(bytes calldata metadata, bytes calldata message) external view returns (bool) {
        if (metadata.length != 0) revert UnexpectedMetadata(metadata.length);
        _requireHeader(message);
        uint32 origin = _known(message.origin());
        bytes32 hyperlaneId = keccak256(message);
        if (!attested[origin][hyperlaneId]) revert NotAttested(origin, hyperlaneId);
        return true;
    }

    function _handle(uint32 origin, bytes calldata body) internal override {
        if (!body.isOne()) revert NotAnnouncement(body.length, body.tag());
        bytes32 hyperlaneId = body.announced();
        attested[origin][hyperlaneId] = true;
        emit HyperlaneMessageAttested(origin, hyperlaneId);
    }
}
