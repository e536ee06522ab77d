// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The context strings of FIPS 204 and 205, one for each type of statement
/// @notice A signature given under one of them is none under another, whatever was signed. What a
/// signer signs is always 32 bytes, the keccak256 over a type hash and the statement's fields, so
/// that two types differ in what is signed as well.
library Contexts {
    /// @notice A tree of an Outbox, said to an Inbox.
    bytes internal constant CHECKPOINT = "astralink/checkpoint/v1";
    /// @notice The next signer set, said by the outgoing one.
    bytes internal constant ROTATION = "astralink/rotation/v1";
    /// @notice What became of messages. A receipt travels as a message, so its tag is hashed into
    /// the body; nothing else is signed under this context.
    bytes internal constant RECEIPT = "astralink/receipt/v1";
    /// @notice Two checkpoints that contradict each other. The tag of an evidence's identifier.
    bytes internal constant EVIDENCE = "astralink/evidence/v1";
    /// @notice What was found about a deployed contract.
    bytes internal constant VERDICT = "astralink/verdict/v1";
    /// @notice That what was found about a deployed contract holds no more.
    bytes internal constant VERDICT_REVOCATION = "astralink/verdict-revocation/v1";
}
