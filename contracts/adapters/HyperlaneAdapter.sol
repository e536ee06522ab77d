// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MessageClient} from "../client/MessageClient.sol";
import {IHyperlaneAdapter} from "../interfaces/IHyperlaneAdapter.sol";
import {IInbox} from "../interfaces/IInbox.sol";
import {IOutbox} from "../interfaces/IOutbox.sol";
import {MessageLib} from "../libraries/MessageLib.sol";

/// @title Hyperlane's domains and this bridge's, one for one
abstract contract HyperlaneAdapter is IHyperlaneAdapter, MessageClient {
    using MessageLib for bytes;

    /// @inheritdoc IHyperlaneAdapter
    address public immutable owner;

    /// @inheritdoc IHyperlaneAdapter
    mapping(uint32 hyperlaneDomain => uint32 domain) public domainOf;

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner(msg.sender);
        _;
    }

    constructor(IOutbox outbox_, IInbox inbox_, address owner_) MessageClient(outbox_, inbox_) {
        owner = owner_;
    }

    /// @inheritdoc IHyperlaneAdapter
    function enrolDomain(uint32 hyperlaneDomain, uint32 domain, bytes32 peer) external onlyOwner {
        if (hyperlaneDomain == 0) revert InvalidHyperlaneDomain(hyperlaneDomain);
        uint32 known = domainOf[hyperlaneDomain];
        if (known != 0) revert HyperlaneDomainKnown(hyperlaneDomain, known);
        // A domain has one peer for ever, so a second of Hyperlane's cannot come to stand for it.
        _enrolPeer(domain, peer);
        domainOf[hyperlaneDomain] = domain;
        emit DomainEnrolled(hyperlaneDomain, domain, peer);
    }

    /// The bridge's domain of a chain in Hyperlane's numbering.
    function _known(uint32 hyperlaneDomain) internal view returns (uint32 domain) {
        domain = domainOf[hyperlaneDomain];
        if (domain == 0) revert UnknownHyperlaneDomain(hyperlaneDomain);
    }

    /// Hyperlane's layout is the one of this bridge's messages without options.
    function _requireHeader(bytes calldata hyperlaneMessage) internal pure {
        if (hyperlaneMessage.length < MessageLib.HEADER_BYTES) {
            revert HyperlaneMessageTooShort(hyperlaneMessage.length, MessageLib.HEADER_BYTES);
        }
    }
}
