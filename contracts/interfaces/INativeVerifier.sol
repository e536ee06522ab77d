// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title How a chain's own verification of signatures is asked, by the shape of its input
/// @notice Neither precompile is on any public chain as this is written; the shapes are those of
/// the proposals. Both answer a word, 1 for a valid signature.
enum NativeShape {
    /// EIP-8355: public key || signature || message, with the empty context.
    KeySignatureMessage,
    /// EIP-8051: message of 32 bytes || signature || expanded key, with the empty context.
    MessageSignatureExpandedKey
}
