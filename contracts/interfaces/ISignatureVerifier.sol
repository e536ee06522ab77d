// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title A verifier of signatures whose keys are not addresses (ERC-7913)
interface IERC7913SignatureVerifier {
    /// @notice Whether `signature` is one of `key` over `hash`.
    /// @param key The raw public key.
    /// @param hash The message: these 32 bytes.
    /// @param signature The raw signature.
    /// @return The selector of this function, 0x024ad318, if it is valid; 0xffffffff if it is not.
    function verify(bytes calldata key, bytes32 hash, bytes calldata signature)
        external
        view
        returns (bytes4);
}

/// @title A verifier with the external interface of FIPS 204 and FIPS 205
/// @notice An invalid signature is an answer and never a revert, whatever its length. ERC-7913's
/// `verify` is the same with an empty context string.
interface ISignatureVerifier is IERC7913SignatureVerifier {
    /// @notice Whether `signature` is one of `key` over `message` under the context `ctx`.
    /// @param key The raw public key as the standard encodes it.
    /// @param message A message of any length.
    /// @param ctx The context string, at most 255 bytes; a longer one makes every signature invalid.
    /// @param signature The raw signature as the standard encodes it.
    function verifyWithContext(
        bytes calldata key,
        bytes calldata message,
        bytes calldata ctx,
        bytes calldata signature
    ) external view returns (bool);

    /// @notice Whether `key` has the form of a public key of this parameter set and is not zero.
    function isKeyWellFormed(bytes calldata key) external view returns (bool);

    /// @notice The parameter set by the name its standard gives it, as "SLH-DSA-SHA2-128s".
    function algorithm() external view returns (string memory);
}
