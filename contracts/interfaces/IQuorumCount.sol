// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISignerRegistry} from "./ISignerRegistry.sol";

/// @title A contract that counts the signatures of a registry's signers
interface IQuorumCount {
    /// @notice A signature over the statement with `digest` was counted.
    event SignatureCounted(bytes32 indexed digest, uint256 indexed signer);

    /// @notice The registry has no code.
    error RegistryHasNoCode(address registry);
    /// @notice As many signers as signatures are expected.
    error LengthMismatch(uint256 signers, uint256 signatures);
    /// @notice No signature came.
    error NoSignatures();
    /// @notice A signature of this signer over this statement was counted before.
    error SignerAlreadyCounted(uint256 signer);
    /// @notice The signature is none of this signer over this statement.
    error InvalidSignature(uint256 signer);

    /// @notice The signers whose signatures are counted here.
    function registry() external view returns (ISignerRegistry);

    /// @notice A bit for each signer whose signature over the statement with `digest` was counted,
    /// until they were a quorum.
    function counted(bytes32 digest) external view returns (uint256 signers);
}
