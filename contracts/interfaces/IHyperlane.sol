// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What the adapters ask of a Hyperlane Mailbox
interface IMailbox {
    /// @notice The Mailbox's domain, in Hyperlane's numbering.
    function localDomain() external view returns (uint32);

    /// @notice The identifier of the message that was dispatched last.
    function latestDispatchedId() external view returns (bytes32);
}

/// @title What a Mailbox calls when it dispatches
interface IPostDispatchHook {
    /// @notice The hook's kind, in Hyperlane's numbering.
    function hookType() external view returns (uint8);

    /// @notice Whether the hook can be called with `metadata`.
    function supportsMetadata(bytes calldata metadata) external view returns (bool);

    /// @notice Called by the Mailbox right after it dispatched `message`.
    /// @param metadata Empty, or Hyperlane's standard: variant u16 = 1, value u256, gas limit u256,
    /// refund address, then optionally the address of a token that pays.
    function postDispatch(bytes calldata metadata, bytes calldata message) external payable;

    /// @notice What `postDispatch` with the same arguments costs, in wei.
    function quoteDispatch(bytes calldata metadata, bytes calldata message)
        external
        view
        returns (uint256);
}

/// @title What a Mailbox asks before it delivers
interface IInterchainSecurityModule {
    /// @notice The module's kind, in Hyperlane's numbering; tells a relayer what metadata to bring.
    function moduleType() external view returns (uint8);

    /// @notice Whether `message` may be delivered.
    function verify(bytes calldata metadata, bytes calldata message) external returns (bool);
}

/// @title A module whose metadata is fetched over HTTP (EIP-3668)
interface ICcipReadIsm is IInterchainSecurityModule {
    /// @notice What a client has to fetch before it calls again.
    /// @param sender The contract that asks.
    /// @param urls Where to ask; the first that answers will do.
    /// @param callData What to ask.
    /// @param callbackFunction Who takes the answer as its first argument.
    /// @param extraData Its second argument.
    error OffchainLookup(
        address sender, string[] urls, bytes callData, bytes4 callbackFunction, bytes extraData
    );

    /// @notice Always reverts, with `OffchainLookup`.
    function getOffchainVerifyInfo(bytes calldata message) external view;
}
