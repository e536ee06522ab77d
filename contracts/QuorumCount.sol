// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IQuorumCount} from "./interfaces/IQuorumCount.sol";
import {ISignerRegistry} from "./interfaces/ISignerRegistry.sol";

/// @title Signatures over one statement, counted once a signer until they are a quorum
/// @notice They may come in several transactions and from anybody.
abstract contract QuorumCount is IQuorumCount {
    /// @inheritdoc IQuorumCount
    ISignerRegistry public immutable registry;

    /// @inheritdoc IQuorumCount
    mapping(bytes32 digest => uint256 signers) public counted;

    constructor(ISignerRegistry registry_) {
        if (address(registry_).code.length == 0) revert RegistryHasNoCode(address(registry_));
        registry = registry_;
    }

    /// Counts signatures over `digest` under the context `ctx`, of signers of `epoch`, which the
    /// heir found to be one that may sign. Once they are a quorum the heir takes no more: nothing is
    /// written then.
    function _count(
        uint32 epoch,
        bytes32 digest,
        bytes memory ctx,
        uint256[] calldata signers,
        bytes[] calldata signatures
    ) internal returns (bool isQuorum) {
        bytes memory message = abi.encodePacked(digest);
        uint256 bits = counted[digest];
        for (uint256 i; i < signers.length; ++i) {
            uint256 signer = signers[i];
            // An index of 256 and more has no bit; the registry, which holds no more than 256
            // signers, refuses it below.
            if ((bits >> signer) & 1 == 1) revert SignerAlreadyCounted(signer);
            if (!registry.isValidSignature(epoch, signer, message, ctx, signatures[i])) {
                revert InvalidSignature(signer);
            }
            bits |= 1 << signer;
            emit SignatureCounted(digest, signer);
        }
        isQuorum = registry.isQuorum(epoch, bits);
        if (!isQuorum) counted[digest] = bits;
    }

    /// Reverts unless there are signatures, and as many as signers.
    function _requireSignatures(uint256 signers, uint256 signatures) internal pure {
        if (signers != signatures) revert LengthMismatch(signers, signatures);
        if (signers == 0) revert NoSignatures();
    }
}
