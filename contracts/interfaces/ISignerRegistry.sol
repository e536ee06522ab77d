// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISignatureVerifier} from "./ISignatureVerifier.sol";

/// @notice One signer: the verifier of its algorithm and its raw public key.
struct Signer {
    ISignatureVerifier verifier;
    bytes key;
}

/// @title Who may attest, and how many must
interface ISignerRegistry {
    /// @notice The signer set of `epoch` stands.
    event SignerSetStored(uint32 indexed epoch, uint256 threshold, uint256 signers);

    /// @notice `caller` is not the owner.
    error NotOwner(address caller);
    /// @notice The set was stored before.
    error AlreadyInitialised();
    /// @notice No signer set was stored yet.
    error Uninitialised();
    /// @notice The threshold is below `minimum`, above the number of signers, or no majority.
    error InvalidThreshold(uint256 threshold, uint256 signers, uint256 minimum);
    /// @notice More signers than `limit`.
    error TooManySigners(uint256 signers, uint256 limit);
    /// @notice The verifier of signer `index` has no code.
    error VerifierHasNoCode(uint256 index, address verifier);
    /// @notice The verifier of signer `index` does not take its key.
    error MalformedKey(uint256 index);
    /// @notice Signers `first` and `second` have the same key.
    error DuplicateKey(uint256 first, uint256 second);
    /// @notice No signer has `index`: the set has `signers`.
    error SignerNotInSet(uint256 index, uint256 signers);

    /// @notice Stores the signer set of epoch 1, once.
    function initialise(Signer[] calldata signers_, uint256 threshold_) external;

    /// @notice Whether `signature` is one of signer `index` over `message` under `ctx`.
    /// @dev Reverts with `Uninitialised` and `SignerNotInSet`; a bad signature is `false`.
    function isValidSignature(
        uint256 index,
        bytes calldata message,
        bytes calldata ctx,
        bytes calldata signature
    ) external view returns (bool);

    /// @notice The current epoch, threshold and number of signers. Reverts with `Uninitialised`.
    function quorum() external view returns (uint32 epoch, uint256 threshold, uint256 signers);

    /// @notice The signer with `index`.
    function signer(uint256 index) external view returns (Signer memory);
}
