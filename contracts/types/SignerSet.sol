// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISignatureVerifier} from "../interfaces/ISignatureVerifier.sol";

/// @notice A public key with the verifier of its algorithm.
/// @param key As the verifier takes it: raw, or the 32-byte id of a registered ML-DSA-87 key.
struct SignerKey {
    ISignatureVerifier verifier;
    bytes key;
}

/// @notice One signer. With two keys, one of each family, both must sign.
/// @param weight What the signer adds to a quorum, at least 1.
struct Signer {
    uint16 weight;
    SignerKey[] keys;
}

/// @notice The signers of an epoch and what a quorum of them weighs.
/// @param threshold The weight that must sign.
/// @param latticeThreshold The weight that must sign with ML-DSA; zero asks nothing.
/// @param hashThreshold The weight that must sign with SLH-DSA; zero asks nothing. With both above
/// zero, breaking one family of signatures forges nothing.
struct SignerSet {
    Signer[] signers;
    uint32 threshold;
    uint32 latticeThreshold;
    uint32 hashThreshold;
}

/// @notice What the outgoing quorum signs: the hash of the set that follows it.
/// @param chainId The chain of the registry.
/// @param registry The registry.
/// @param epoch The outgoing epoch.
/// @param setHash keccak256(abi.encode(set)) of the `SignerSet` that follows.
/// @param salt Any number; another one lets the same set be signed again after a cancellation.
struct Rotation {
    uint64 chainId;
    address registry;
    uint32 epoch;
    bytes32 setHash;
    uint64 salt;
}

/// @title The digests of signer sets and rotations
library SignerSetLib {
    bytes32 internal constant ROTATION_TYPE_HASH = keccak256(
        "AstraLinkRotation(uint64 chainId,address registry,uint32 epoch,bytes32 setHash,uint64 salt)"
    );

    /// @notice keccak256(abi.encode(set)).
    function hash(SignerSet calldata set) internal pure returns (bytes32) {
        return keccak256(abi.encode(set));
    }

    /// @notice keccak256 over the type hash and the five fields, a word each; signed under
    /// `Contexts.ROTATION`.
    function digest(Rotation calldata r) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(ROTATION_TYPE_HASH, r.chainId, r.registry, r.epoch, r.setHash, r.salt)
        );
    }

    /// @notice What a key is known by, whichever form it has: the key itself where it has 32 bytes
    /// (an SLH-DSA-SHA2-128s key, the id of an ML-DSA-87 key), else its keccak256 (which is that
    /// id).
    function keyHash(bytes memory key) internal pure returns (bytes32) {
        return key.length == 32 ? bytes32(key) : keccak256(key);
    }
}
