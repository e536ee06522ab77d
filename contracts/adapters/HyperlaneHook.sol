// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMailbox, IPostDispatchHook} from "../interfaces/IHyperlane.sol";
import {IHyperlaneHook} from "../interfaces/IHyperlaneAdapter.sol";
import {IInbox} from "../interfaces/IInbox.sol";
import {DispatchOptions, IOutbox} from "../interfaces/IOutbox.sol";
import {Announcement} from "../libraries/Announcement.sol";
import {MessageLib} from "../libraries/MessageLib.sol";
import {HyperlaneAdapter} from "./HyperlaneAdapter.sol";

/// @title A Mailbox's hook: what it dispatches goes under this bridge's attestations
/// @notice For each message of its Mailbox, sends the message's identifier to the module on the
/// message's destination. Works as required hook, as default hook and as the hook of one dispatch.
/// @dev Value and gas limit of the metadata are for other hooks and not looked at: no value travels.
contract HyperlaneHook is IHyperlaneHook, IPostDispatchHook, HyperlaneAdapter {
    using MessageLib for bytes;

    /// @notice Hyperlane's number for hooks that have a module authorise identifiers.
    uint8 public constant hookType = 6;
    /// @notice Gas that the module may use for an announcement.
    uint32 public constant ANNOUNCEMENT_GAS = 60_000;

    /// The standard metadata's variant, and where its refund address and its token begin.
    uint16 private constant VARIANT = 1;
    uint256 private constant REFUND_OFFSET = 66;
    uint256 private constant TOKEN_OFFSET = 86;

    /// @notice The Mailbox whose messages are announced.
    IMailbox public immutable mailbox;

    constructor(IOutbox outbox_, IInbox inbox_, IMailbox mailbox_, address owner_)
        HyperlaneAdapter(outbox_, inbox_, owner_)
    {
        if (address(mailbox_).code.length == 0) revert MailboxHasNoCode(address(mailbox_));
        mailbox = mailbox_;
    }

    /// @inheritdoc IPostDispatchHook
    function postDispatch(bytes calldata metadata, bytes calldata message) external payable {
        if (!supportsMetadata(metadata)) revert UnsupportedMetadata(metadata.length);
        bytes32 hyperlaneId = keccak256(message);
        // Who calls does not matter: what the Mailbox dispatched may be announced by anybody who
        // pays for it, also twice.
        bytes32 latest = mailbox.latestDispatchedId();
        if (hyperlaneId != latest) revert NotDispatched(hyperlaneId, latest);
        // No check of the length: what the Mailbox dispatched has a header.
        bytes32 messageId = _dispatch(
            _known(message.destination()),
            Announcement.encode(hyperlaneId),
            DispatchOptions(0, ANNOUNCEMENT_GAS, _refundTo(metadata, message)),
            msg.value
        );
        emit Announced(hyperlaneId, messageId);
    }

    /// @inheritdoc IPostDispatchHook
    function quoteDispatch(bytes calldata metadata, bytes calldata message)
        external
        view
        returns (uint256)
    {
        if (!supportsMetadata(metadata)) revert UnsupportedMetadata(metadata.length);
        _requireHeader(message);
        uint32 domain = _known(message.destination());
        return outbox.quoteDispatch(
            domain,
            peers[domain],
            Announcement.encode(keccak256(message)),
            DispatchOptions(0, ANNOUNCEMENT_GAS, address(0))
        );
    }

    /// @inheritdoc IPostDispatchHook
    function supportsMetadata(bytes calldata metadata) public pure returns (bool) {
        if (metadata.length == 0) return true;
        if (metadata.length < 2 || uint16(bytes2(metadata[:2])) != VARIANT) return false;
        return metadata.length < TOKEN_OFFSET + 20
            || bytes20(metadata[TOKEN_OFFSET:TOKEN_OFFSET + 20]) == 0;
    }

    /// Refuses everything: modules do not answer.
    function _handle(uint32 origin, bytes calldata) internal pure override {
        revert NothingTaken(origin);
    }

    /// Who gets the excess back: as the metadata says, else the message's sender. Zero would be
    /// this contract to the Outbox, which takes no value, so that the dispatch reverts.
    function _refundTo(bytes calldata metadata, bytes calldata message)
        private
        pure
        returns (address)
    {
        if (metadata.length < REFUND_OFFSET + 20) {
            return address(uint160(uint256(message.sender())));
        }
        return address(bytes20(metadata[REFUND_OFFSET:REFUND_OFFSET + 20]));
    }
}
