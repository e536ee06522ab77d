// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What the adapters of both ends have in common: chains with two numbers
/// @notice A chain has a domain in Hyperlane's numbering and one in this bridge's. They may differ,
/// so each is enrolled with the other, once.
interface IHyperlaneAdapter {
    /// @notice The chain `hyperlaneDomain` is `domain` here, and `peer` speaks for it.
    event DomainEnrolled(uint32 indexed hyperlaneDomain, uint32 indexed domain, bytes32 peer);

    /// @notice `caller` is not the owner.
    error NotOwner(address caller);
    /// @notice Zero is nobody's domain.
    error InvalidHyperlaneDomain(uint32 hyperlaneDomain);
    /// @notice `hyperlaneDomain` stands for `domain` already.
    error HyperlaneDomainKnown(uint32 hyperlaneDomain, uint32 domain);
    /// @notice Nobody enrolled `hyperlaneDomain`.
    error UnknownHyperlaneDomain(uint32 hyperlaneDomain);
    /// @notice Shorter than a Hyperlane message with an empty body.
    error HyperlaneMessageTooShort(uint256 length, uint256 minimum);

    /// @notice Says which domain of the bridge a chain is, and the adapter there. For the owner,
    /// once for each of the two domains.
    /// @param hyperlaneDomain The chain in Hyperlane's numbering.
    /// @param domain The same chain in this bridge's numbering.
    /// @param peer The module of that chain for a hook, the hook for a module; left-padded.
    function enrolDomain(uint32 hyperlaneDomain, uint32 domain, bytes32 peer) external;

    /// @notice The bridge's domain of the chain `hyperlaneDomain`; zero for none.
    function domainOf(uint32 hyperlaneDomain) external view returns (uint32);

    /// @notice Who enrols.
    function owner() external view returns (address);
}

/// @title A hook that has what a Mailbox dispatches attested by this bridge
interface IHyperlaneHook is IHyperlaneAdapter {
    /// @notice Word of the Mailbox's message `hyperlaneId` left as the message `messageId`.
    event Announced(bytes32 indexed hyperlaneId, bytes32 indexed messageId);

    /// @notice The Mailbox has no code.
    error MailboxHasNoCode(address mailbox);
    /// @notice The metadata is no standard metadata, or asks to pay with a token.
    error UnsupportedMetadata(uint256 length);
    /// @notice The Mailbox dispatched `latest` last and not `hyperlaneId`.
    error NotDispatched(bytes32 hyperlaneId, bytes32 latest);
    /// @notice A hook takes no messages.
    error NothingTaken(uint32 origin);
}

/// @title A module that lets through what a hook of this bridge announced
interface IHyperlaneIsm is IHyperlaneAdapter {
    /// @notice The Mailbox of `origin` dispatched the message `hyperlaneId`.
    event HyperlaneMessageAttested(uint32 indexed origin, bytes32 indexed hyperlaneId);

    /// @notice The body is no announcement of a hook.
    error NotAnnouncement(uint256 length, bytes32 tag);
    /// @notice No announcement of the message came from `origin`.
    error NotAttested(uint32 origin, bytes32 hyperlaneId);
    /// @notice The module takes no metadata; `length` bytes came.
    error UnexpectedMetadata(uint256 length);
}

/// @title The same, with a proof in place of a delivery
interface IHyperlaneCcipReadIsm is IHyperlaneIsm {
    /// @notice Proofs are fetched from `urls` from now on.
    event UrlsChanged(string[] urls);

    /// @notice There must be an address to ask.
    error NoUrls();
    /// @notice The metadata is not the encoding of two byte strings and nothing else.
    error MalformedMetadata(uint256 length);
    /// @notice The announcement is of another chain than the message.
    error WrongOrigin(uint32 expected, uint32 got);
    /// @notice The announcement is of another message.
    error WrongHyperlaneMessage(bytes32 expected, bytes32 got);

    /// @notice Sets where proofs are fetched from. For the owner. What is fetched is proved, so an
    /// address can withhold a delivery and not forge one.
    function setUrls(string[] calldata urls) external;

    /// @notice Where proofs are fetched from.
    function urls() external view returns (string[] memory);
}

/// @title What the HTTP endpoint answers
/// @dev No contract has this function; its call data is what `OffchainLookup` asks.
interface IHyperlaneProofs {
    /// @notice The proof of an announcement, as metadata of a `IHyperlaneCcipReadIsm`.
    /// @param origin The bridge's domain of the hook.
    /// @param hook The hook, left-padded.
    /// @param destination The bridge's domain of the module.
    /// @param hyperlaneId The message that the hook announced.
    /// @return metadata As the Inbox takes it: root and siblings.
    /// @return message The hook's message.
    function hyperlaneProof(uint32 origin, bytes32 hook, uint32 destination, bytes32 hyperlaneId)
        external
        view
        returns (bytes memory metadata, bytes memory message);
}
