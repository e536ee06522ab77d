// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Evidence} from "../types/Evidence.sol";
import {Rotation, Signer, SignerSet} from "../types/SignerSet.sol";

/// @notice An epoch as it stands.
/// @param activeFrom Seconds since 1970 from which its signers may attest; zero for an epoch that
/// never was or was cancelled.
/// @param expiresAt The last second in which they may; zero while no epoch follows it.
/// @param threshold The weight of a quorum.
/// @param latticeThreshold The weight of it that signs with ML-DSA.
/// @param hashThreshold The weight of it that signs with SLH-DSA.
/// @param count The number of signers.
struct Epoch {
    uint64 activeFrom;
    uint64 expiresAt;
    uint32 threshold;
    uint32 latticeThreshold;
    uint32 hashThreshold;
    uint16 count;
}

/// @title Who may attest, how many must, and how one set of signers follows another
interface ISignerRegistry {
    /// @notice The signer set of `epoch` is stored and attests from `activeFrom` on.
    event SignerSetStored(uint32 indexed epoch, bytes32 setHash, uint64 activeFrom);
    /// @notice A signature over the rotation with `digest` was counted.
    event RotationSigned(bytes32 indexed digest, uint256 indexed signer);
    /// @notice A quorum stands behind the rotation with `digest`.
    event RotationApproved(bytes32 indexed digest, bytes32 setHash);
    /// @notice The epoch that waited will never be active.
    event RotationCancelled(uint32 indexed epoch, bytes32 digest);
    /// @notice The key attests nothing any more, in any epoch.
    event SignerRevoked(bytes32 indexed keyHash, bool byEvidence);
    /// @notice The key was in the set of `epoch`.
    event SignerRemoved(uint32 indexed epoch, uint256 indexed signer);
    /// @notice The key signed the checkpoint with `digest`.
    event SignatureProven(bytes32 indexed keyHash, bytes32 indexed digest);
    /// @notice A key signed both checkpoints, of which one is wrong.
    event Equivocation(
        bytes32 indexed evidenceId, bytes32 indexed keyHash, bytes32 digestA, bytes32 digestB
    );

    /// @notice The first set was stored before.
    error AlreadyInitialised();
    /// @notice No signer set was stored yet.
    error Uninitialised();
    /// @notice Fewer or more signers than are allowed.
    error InvalidSignerCount(uint256 signers, uint256 minimum, uint256 maximum);
    /// @notice The weight is zero, or so high that the signer would be a quorum alone.
    error InvalidWeight(uint256 index, uint256 weight, uint256 threshold);
    /// @notice The threshold is no majority of `total`, or above it.
    error InvalidThreshold(uint256 threshold, uint256 total);
    /// @notice One family's threshold is above the weight that the family has.
    error InvalidFamilyThreshold(uint256 threshold, uint256 total);
    /// @notice A signer has one key, or two of different families.
    error InvalidKeyCount(uint256 index, uint256 keys);
    /// @notice Both keys of a signer are of the same family.
    error SameFamily(uint256 index);
    /// @notice The verifier of signer `index` has no code.
    error VerifierHasNoCode(uint256 index, address verifier);
    /// @notice The verifier names an algorithm that belongs to neither family.
    error UnknownAlgorithm(uint256 index, string algorithm);
    /// @notice The verifier of signer `index` does not take its key.
    error MalformedKey(uint256 index);
    /// @notice The key stands at `first` as well.
    error DuplicateKey(uint256 first, uint256 second);
    /// @notice The key was revoked and never comes back.
    error KeyRevoked(bytes32 keyHash);
    /// @notice No signer has `index`: the set has `signers`.
    error SignerNotInSet(uint256 index, uint256 signers);
    /// @notice The signer was revoked.
    error RevokedSigner(uint32 epoch, uint256 index);
    /// @notice The signer has no such key: it has `keys`.
    error KeyNotOfSigner(uint256 key, uint256 keys);
    /// @notice No epoch has a key with this hash.
    error UnknownKey(bytes32 keyHash);
    /// @notice A time is out of its bounds, in seconds.
    error InvalidPeriod(uint64 period, uint64 minimum, uint64 maximum);
    /// @notice The rotation is of another chain.
    error WrongChainId(uint256 expected, uint256 got);
    /// @notice The rotation is of another registry.
    error WrongRegistry(address expected, address got);
    /// @notice The rotation is of another epoch than the current one.
    error WrongEpoch(uint32 expected, uint32 got);
    /// @notice The hash of no set.
    error ZeroSetHash();
    /// @notice The set is not the one that was signed.
    error WrongSignerSet(bytes32 expected, bytes32 got);
    /// @notice Another rotation waits for its time.
    error RotationPending(uint32 epoch);
    /// @notice No rotation waits for its time.
    error NoRotationPending();
    /// @notice The rotation was cancelled.
    error CancelledRotation(bytes32 digest);
    /// @notice No quorum stands behind the rotation.
    error RotationNotApproved(bytes32 digest);
    /// @notice As many signers as signatures are expected.
    error LengthMismatch(uint256 signers, uint256 signatures);
    /// @notice No signature came.
    error NoSignatures();
    /// @notice A signature of this signer was counted before.
    error SignerAlreadyCounted(uint256 signer);
    /// @notice The signature is none of this signer over this statement.
    error InvalidSignature(uint256 signer);
    /// @notice Both checkpoints may be right.
    error NoConflict();
    /// @notice The current epoch's signers can still form a quorum.
    error StillOperable(uint32 epoch);

    /// @notice Stores the signer set of epoch 1, once. For the owner.
    function initialise(SignerSet calldata set) external;

    /// @notice Counts signatures of the current epoch over a rotation, from anybody, in any number
    /// of transactions.
    /// @return approved Whether a quorum stands behind it now.
    function approveRotation(
        Rotation calldata rotation,
        uint256[] calldata signers,
        bytes[] calldata signatures
    ) external returns (bool approved);

    /// @notice Stores the set of an approved rotation; it attests after `rotationDelay`, and the set
    /// before it for `maximumAge` more. From anybody.
    function scheduleRotation(Rotation calldata rotation, SignerSet calldata set) external;

    /// @notice Takes back the rotation that waits. For the guardian.
    function cancelRotation() external;

    /// @notice Revokes a key in every epoch at once. Thresholds stay as they are. For the guardian.
    /// @param keyHash The key itself where it has 32 bytes, else its keccak256.
    function revoke(bytes32 keyHash) external;

    /// @notice Keeps that a key signed a checkpoint, for an evidence whose two signatures do not fit
    /// one transaction (EIP-7825): two of SLH-DSA-SHA2-256s do not. From anybody.
    /// @param key Which of the signer's keys.
    /// @param digest Of the checkpoint, signed under the context "astralink/checkpoint/v1".
    function proveSignature(
        uint32 epoch,
        uint256 index,
        uint256 key,
        bytes32 digest,
        bytes calldata signature
    ) external;

    /// @notice Revokes a key that signed two checkpoints of which one is wrong. From anybody. An
    /// empty signature stands for one that `proveSignature` was given before.
    function submitEvidence(Evidence calldata evidence) external;

    /// @notice Stores a set that follows one which can form no quorum any more. A scheduled
    /// operation.
    function recover(SignerSet calldata set) external;

    /// @notice Whether `signature` is one of signer `index` of `epoch` over `message` under `ctx`.
    /// @dev The signature of a signer with two keys is the length of the first in 4 bytes, the
    /// first, and the second. Reverts for a signer that is not in the set or was revoked; a bad
    /// signature is `false`.
    function isValidSignature(
        uint32 epoch,
        uint256 index,
        bytes calldata message,
        bytes calldata ctx,
        bytes calldata signature
    ) external view returns (bool);

    /// @notice Whether the signers whose bits are set are a quorum of `epoch`; revoked ones do not
    /// count.
    function isQuorum(uint32 epoch, uint256 signers) external view returns (bool);

    /// @notice Whether the signers of `epoch` may attest now.
    function isUsable(uint32 epoch) external view returns (bool);

    /// @notice The epoch that follows no other and is active. Reverts with `Uninitialised`.
    function currentEpoch() external view returns (uint32);

    /// @notice The epoch that waits for its time; zero for none.
    function pendingEpoch() external view returns (uint32);

    /// @notice The epoch as it stands; all zero for one that never was.
    function epochInfo(uint32 epoch) external view returns (Epoch memory);

    /// @notice Whether the signers that are not revoked can form a quorum of `epoch`.
    function isOperable(uint32 epoch) external view returns (bool);

    /// @notice The signer with `index` in `epoch`.
    function signer(uint32 epoch, uint256 index) external view returns (Signer memory);

    /// @notice The signers of `epoch` that were revoked, a bit each.
    function revokedSigners(uint32 epoch) external view returns (uint256);

    /// @notice Whether `proveSignature` was given a signature of the key over the digest.
    function provenSignature(bytes32 keyHash, bytes32 digest) external view returns (bool);

    /// @notice The signers counted for the rotation with `digest`, a bit each.
    function counted(bytes32 digest) external view returns (uint256);
}
