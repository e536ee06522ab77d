// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Governed} from "./governance/Governed.sol";
import {Governance} from "./interfaces/IGoverned.sol";
import {ISignatureVerifier} from "./interfaces/ISignatureVerifier.sol";
import {Epoch, ISignerRegistry} from "./interfaces/ISignerRegistry.sol";
import {CheckpointLib, Checkpoint} from "./types/Checkpoint.sol";
import {Contexts} from "./types/Contexts.sol";
import {Evidence, EvidenceLib} from "./types/Evidence.sol";
import {Rotation, Signer, SignerKey, SignerSet, SignerSetLib} from "./types/SignerSet.sol";

/// @title The SignerRegistry: the keys of each epoch, what a quorum of them is, and what follows
/// @notice A quorum is more than half of the weight and at least two signers, so that no single key
/// attests anything and two quorums always share a signer. No argument of a caller ever chooses a
/// verifier.
/// @dev An epoch number is given once. `settled` stands until `pending` becomes active by time, with
/// no transaction: `currentEpoch` resolves the two.
contract SignerRegistry is ISignerRegistry, Governed {
    using CheckpointLib for Checkpoint;
    using EvidenceLib for Evidence;
    using SignerSetLib for Rotation;
    using SignerSetLib for SignerSet;

    /// @notice No smaller set is stored.
    uint256 public constant MINIMUM_SIGNERS = 3;
    /// @notice Signers are bits of one word.
    uint256 public constant MAXIMUM_SIGNERS = 256;
    /// @notice Fewer signers are no quorum, whatever they weigh.
    uint256 public constant MINIMUM_QUORUM = 2;

    uint256 private constant WEIGHTS_A_WORD = 16;
    uint256 private constant WEIGHT_BITS = 16;

    /// @notice Seconds between a rotation's schedule and the new set's first attestation.
    uint64 public immutable rotationDelay;
    /// @notice Seconds for which a set attests after the next one became active.
    uint64 public immutable maximumAge;

    /// What a set adds up to; a bit for each signer that has a key of the family.
    struct Tally {
        uint256 total;
        uint256 latticeTotal;
        uint256 hashTotal;
        uint256 lattice;
        uint256 hashed;
    }

    uint32 private settled;
    uint32 private pending;
    uint32 private last;
    bytes32 private pendingDigest;

    mapping(uint32 epoch => Epoch) private epochs;
    mapping(uint32 epoch => mapping(uint256 index => SignerKey[])) private keys;
    mapping(uint32 epoch => mapping(uint256 word => uint256)) private weights;
    mapping(uint32 epoch => uint256 bits) private latticeSigners;
    mapping(uint32 epoch => uint256 bits) private hashSigners;
    /// @inheritdoc ISignerRegistry
    mapping(uint32 epoch => uint256 bits) public revokedSigners;
    /// @notice Whether a key was revoked, by its hash.
    mapping(bytes32 keyHash => bool) public revokedKey;
    /// The signer's index plus one.
    mapping(bytes32 keyHash => mapping(uint32 epoch => uint256)) private positions;
    /// @inheritdoc ISignerRegistry
    mapping(bytes32 digest => uint256 bits) public counted;
    mapping(bytes32 digest => bool) private cancelled;
    /// @inheritdoc ISignerRegistry
    mapping(bytes32 keyHash => mapping(bytes32 digest => bool)) public provenSignature;

    constructor(Governance memory governance, uint64 rotationDelay_, uint64 maximumAge_)
        Governed(governance)
    {
        if (rotationDelay_ < MINIMUM_DELAY || rotationDelay_ > MAXIMUM_DELAY) {
            revert InvalidPeriod(rotationDelay_, MINIMUM_DELAY, MAXIMUM_DELAY);
        }
        if (maximumAge_ < MINIMUM_DELAY || maximumAge_ > MAXIMUM_DELAY) {
            revert InvalidPeriod(maximumAge_, MINIMUM_DELAY, MAXIMUM_DELAY);
        }
        rotationDelay = rotationDelay_;
        maximumAge = maximumAge_;
    }

    /// @inheritdoc ISignerRegistry
    function initialise(SignerSet calldata set) external onlyOwner {
        if (last != 0) revert AlreadyInitialised();
        settled = _store(set, uint64(block.timestamp));
    }

    /// @inheritdoc ISignerRegistry
    function approveRotation(
        Rotation calldata rotation,
        uint256[] calldata signers,
        bytes[] calldata signatures
    ) external returns (bool approved) {
        if (signers.length != signatures.length) {
            revert LengthMismatch(signers.length, signatures.length);
        }
        if (signers.length == 0) revert NoSignatures();
        bytes32 digest = _requireOurs(rotation);
        uint256 bits = counted[digest];
        for (uint256 i; i < signers.length; ++i) {
            uint256 index = signers[i];
            if ((bits >> index) & 1 == 1) revert SignerAlreadyCounted(index);
            bool valid = this.isValidSignature(
                rotation.epoch, index, abi.encodePacked(digest), Contexts.ROTATION, signatures[i]
            );
            if (!valid) revert InvalidSignature(index);
            bits |= 1 << index;
            emit RotationSigned(digest, index);
        }
        counted[digest] = bits;
        approved = isQuorum(rotation.epoch, bits);
        if (approved) emit RotationApproved(digest, rotation.setHash);
    }

    /// @inheritdoc ISignerRegistry
    function scheduleRotation(Rotation calldata rotation, SignerSet calldata set) external {
        bytes32 digest = _requireOurs(rotation);
        // Asked again: a signer that was counted may have been revoked since.
        if (!isQuorum(rotation.epoch, counted[digest])) revert RotationNotApproved(digest);
        bytes32 setHash = set.hash();
        if (setHash != rotation.setHash) revert WrongSignerSet(rotation.setHash, setHash);
        settled = rotation.epoch;
        uint64 activeFrom = uint64(block.timestamp) + rotationDelay;
        pending = _store(set, activeFrom);
        pendingDigest = digest;
        epochs[rotation.epoch].expiresAt = activeFrom + maximumAge;
    }

    /// @inheritdoc ISignerRegistry
    function cancelRotation() external onlyGuardian {
        uint32 epoch = pendingEpoch();
        if (epoch == 0) revert NoRotationPending();
        epochs[epoch].activeFrom = 0;
        epochs[settled].expiresAt = 0;
        pending = 0;
        cancelled[pendingDigest] = true;
        emit RotationCancelled(epoch, pendingDigest);
    }

    /// @inheritdoc ISignerRegistry
    function revoke(bytes32 keyHash) external onlyGuardian {
        _revoke(keyHash, false);
    }

    /// @inheritdoc ISignerRegistry
    function proveSignature(
        uint32 epoch,
        uint256 index,
        uint256 key,
        bytes32 digest,
        bytes calldata signature
    ) external {
        SignerKey storage held = _key(epoch, index, key);
        if (!_verifies(held, digest, signature)) revert InvalidSignature(index);
        bytes32 keyHash = SignerSetLib.keyHash(held.key);
        provenSignature[keyHash][digest] = true;
        emit SignatureProven(keyHash, digest);
    }

    /// @inheritdoc ISignerRegistry
    function submitEvidence(Evidence calldata evidence) external {
        if (!evidence.isConflict()) revert NoConflict();
        SignerKey storage key = _key(evidence.epoch, evidence.signer, evidence.key);
        bytes32 digestA = evidence.a.digest();
        bytes32 digestB = evidence.b.digest();
        bytes32 keyHash = SignerSetLib.keyHash(key.key);
        if (
            !_signed(key, keyHash, digestA, evidence.signatureA)
                || !_signed(key, keyHash, digestB, evidence.signatureB)
        ) revert InvalidSignature(evidence.signer);
        bytes32 evidenceId = keccak256(bytes.concat(Contexts.EVIDENCE, keyHash, digestA, digestB));
        emit Equivocation(evidenceId, keyHash, digestA, digestB);
        _revoke(keyHash, true);
    }

    /// @inheritdoc ISignerRegistry
    function recover(SignerSet calldata set) external onlyScheduled {
        uint32 epoch = currentEpoch();
        if (isOperable(epoch)) revert StillOperable(epoch);
        uint32 waiting = pendingEpoch();
        if (waiting != 0) revert RotationPending(waiting);
        epochs[epoch].expiresAt = uint64(block.timestamp);
        pending = 0;
        settled = _store(set, uint64(block.timestamp));
    }

    /// @inheritdoc ISignerRegistry
    function isValidSignature(
        uint32 epoch,
        uint256 index,
        bytes calldata message,
        bytes calldata ctx,
        bytes calldata signature
    ) external view returns (bool) {
        _requireSigner(epoch, index);
        if ((revokedSigners[epoch] >> index) & 1 == 1) revert RevokedSigner(epoch, index);
        SignerKey[] storage held = keys[epoch][index];
        SignerKey storage first = held[0];
        if (held.length == 1) {
            return first.verifier.verifyWithContext(first.key, message, ctx, signature);
        }
        if (signature.length < 4) return false;
        uint256 end = 4 + uint256(uint32(bytes4(signature)));
        if (signature.length < end) return false;
        SignerKey storage second = held[1];
        return first.verifier.verifyWithContext(first.key, message, ctx, signature[4:end])
            && second.verifier.verifyWithContext(second.key, message, ctx, signature[end:]);
    }

    /// @inheritdoc ISignerRegistry
    function isQuorum(uint32 epoch, uint256 signers) public view returns (bool) {
        Epoch memory info = epochs[epoch];
        if (info.count == 0) return false;
        uint256 live = signers & ~revokedSigners[epoch];
        uint256 lattice = latticeSigners[epoch];
        uint256 hashed = hashSigners[epoch];
        uint256 quorum;
        uint256 total;
        uint256 latticeTotal;
        uint256 hashTotal;
        unchecked {
            for (uint256 index; live >> index != 0 && index < info.count; ++index) {
                if ((live >> index) & 1 == 0) continue;
                uint256 weight = _weight(epoch, index);
                ++quorum;
                total += weight;
                if ((lattice >> index) & 1 == 1) latticeTotal += weight;
                if ((hashed >> index) & 1 == 1) hashTotal += weight;
            }
        }
        return quorum >= MINIMUM_QUORUM && total >= info.threshold
            && latticeTotal >= info.latticeThreshold && hashTotal >= info.hashThreshold;
    }

    /// @inheritdoc ISignerRegistry
    function isUsable(uint32 epoch) external view returns (bool) {
        uint64 activeFrom = epochs[epoch].activeFrom;
        uint64 expiresAt = epochs[epoch].expiresAt;
        return activeFrom != 0 && block.timestamp >= activeFrom
            && (expiresAt == 0 || block.timestamp <= expiresAt);
    }

    /// @inheritdoc ISignerRegistry
    function currentEpoch() public view returns (uint32) {
        if (last == 0) revert Uninitialised();
        return pending != 0 && block.timestamp >= epochs[pending].activeFrom ? pending : settled;
    }

    /// @inheritdoc ISignerRegistry
    function pendingEpoch() public view returns (uint32) {
        return pending != 0 && block.timestamp < epochs[pending].activeFrom ? pending : 0;
    }

    /// @inheritdoc ISignerRegistry
    function epochInfo(uint32 epoch) external view returns (Epoch memory) {
        return epochs[epoch];
    }

    /// @inheritdoc ISignerRegistry
    function isOperable(uint32 epoch) public view returns (bool) {
        return isQuorum(epoch, type(uint256).max);
    }

    /// @inheritdoc ISignerRegistry
    function signer(uint32 epoch, uint256 index) external view returns (Signer memory) {
        _requireSigner(epoch, index);
        return Signer(uint16(_weight(epoch, index)), keys[epoch][index]);
    }

    /// Reverts unless the rotation follows the current epoch of this registry and none waits.
    function _requireOurs(Rotation calldata rotation) private view returns (bytes32 digest) {
        // Read from the chain at each call, so that a fork with another id refuses old signatures.
        if (rotation.chainId != block.chainid) {
            revert WrongChainId(block.chainid, rotation.chainId);
        }
        if (rotation.registry != address(this)) {
            revert WrongRegistry(address(this), rotation.registry);
        }
        uint32 epoch = currentEpoch();
        if (rotation.epoch != epoch) revert WrongEpoch(epoch, rotation.epoch);
        if (rotation.setHash == 0) revert ZeroSetHash();
        uint32 waiting = pendingEpoch();
        if (waiting != 0) revert RotationPending(waiting);
        digest = rotation.digest();
        if (cancelled[digest]) revert CancelledRotation(digest);
    }

    /// Stores a set under the next number after it was found sound.
    function _store(SignerSet calldata set, uint64 activeFrom) private returns (uint32 epoch) {
        uint256 count = set.signers.length;
        if (count < MINIMUM_SIGNERS || count > MAXIMUM_SIGNERS) {
            revert InvalidSignerCount(count, MINIMUM_SIGNERS, MAXIMUM_SIGNERS);
        }
        epoch = ++last;
        Tally memory tally;
        for (uint256 index; index < count; ++index) {
            uint256 weight = set.signers[index].weight;
            // With less than the threshold each, it takes two signers at the least.
            if (weight == 0 || weight >= set.threshold) {
                revert InvalidWeight(index, weight, set.threshold);
            }
            weights[epoch][index / WEIGHTS_A_WORD] |=
                weight << (WEIGHT_BITS * (index % WEIGHTS_A_WORD));
            tally.total += weight;
            SignerKey[] calldata added = set.signers[index].keys;
            if (added.length != 1 && added.length != 2) {
                revert InvalidKeyCount(index, added.length);
            }
            for (uint256 i; i < added.length; ++i) {
                bool isLattice = _storeKey(epoch, index, added[i]);
                uint256 bits = isLattice ? tally.lattice : tally.hashed;
                if ((bits >> index) & 1 == 1) revert SameFamily(index);
                if (isLattice) {
                    tally.lattice |= 1 << index;
                    tally.latticeTotal += weight;
                } else {
                    tally.hashed |= 1 << index;
                    tally.hashTotal += weight;
                }
            }
        }
        if (set.threshold > tally.total || 2 * uint256(set.threshold) <= tally.total) {
            revert InvalidThreshold(set.threshold, tally.total);
        }
        if (set.latticeThreshold > tally.latticeTotal) {
            revert InvalidFamilyThreshold(set.latticeThreshold, tally.latticeTotal);
        }
        if (set.hashThreshold > tally.hashTotal) {
            revert InvalidFamilyThreshold(set.hashThreshold, tally.hashTotal);
        }
        latticeSigners[epoch] = tally.lattice;
        hashSigners[epoch] = tally.hashed;
        epochs[epoch] = Epoch({
            activeFrom: activeFrom,
            expiresAt: 0,
            threshold: set.threshold,
            latticeThreshold: set.latticeThreshold,
            hashThreshold: set.hashThreshold,
            count: uint16(count)
        });
        emit SignerSetStored(epoch, set.hash(), activeFrom);
    }

    /// Stores one key of a signer; returns whether it is of ML-DSA.
    function _storeKey(uint32 epoch, uint256 index, SignerKey calldata key)
        private
        returns (bool isLattice)
    {
        ISignatureVerifier verifier = key.verifier;
        if (address(verifier).code.length == 0) {
            revert VerifierHasNoCode(index, address(verifier));
        }
        isLattice = _isLattice(index, verifier);
        if (!verifier.isKeyWellFormed(key.key)) revert MalformedKey(index);
        bytes32 keyHash = SignerSetLib.keyHash(key.key);
        if (revokedKey[keyHash]) revert KeyRevoked(keyHash);
        uint256 position = positions[keyHash][epoch];
        if (position != 0) revert DuplicateKey(position - 1, index);
        positions[keyHash][epoch] = index + 1;
        keys[epoch][index].push(key);
    }

    function _revoke(bytes32 keyHash, bool byEvidence) private {
        if (revokedKey[keyHash]) revert KeyRevoked(keyHash);
        revokedKey[keyHash] = true;
        bool found;
        for (uint32 epoch = last; epoch != 0; --epoch) {
            uint256 position = positions[keyHash][epoch];
            if (position == 0) continue;
            found = true;
            revokedSigners[epoch] |= 1 << (position - 1);
            emit SignerRemoved(epoch, position - 1);
        }
        if (!found) revert UnknownKey(keyHash);
        emit SignerRevoked(keyHash, byEvidence);
    }

    function _requireSigner(uint32 epoch, uint256 index) private view {
        if (last == 0) revert Uninitialised();
        uint256 count = epochs[epoch].count;
        if (index >= count) revert SignerNotInSet(index, count);
    }

    function _key(uint32 epoch, uint256 index, uint256 number)
        private
        view
        returns (SignerKey storage)
    {
        _requireSigner(epoch, index);
        SignerKey[] storage held = keys[epoch][index];
        if (number >= held.length) revert KeyNotOfSigner(number, held.length);
        return held[number];
    }

    /// Whether the key signed the checkpoint with `digest`; no signature stands for one that was
    /// proven before.
    function _signed(
        SignerKey storage key,
        bytes32 keyHash,
        bytes32 digest,
        bytes calldata signature
    ) private view returns (bool) {
        if (signature.length == 0) return provenSignature[keyHash][digest];
        return _verifies(key, digest, signature);
    }

    function _verifies(SignerKey storage key, bytes32 digest, bytes calldata signature)
        private
        view
        returns (bool)
    {
        return key.verifier.verifyWithContext(
            key.key, abi.encodePacked(digest), Contexts.CHECKPOINT, signature
        );
    }

    function _weight(uint32 epoch, uint256 index) private view returns (uint256) {
        uint256 word = weights[epoch][index / WEIGHTS_A_WORD];
        return (word >> (WEIGHT_BITS * (index % WEIGHTS_A_WORD))) & type(uint16).max;
    }

    /// Whether the key is of ML-DSA; reverts where it is of SLH-DSA neither.
    function _isLattice(uint256 index, ISignatureVerifier verifier) private view returns (bool) {
        string memory name = verifier.algorithm();
        bytes32 algorithm = keccak256(bytes(name));
        if (algorithm == keccak256("ML-DSA-87")) return true;
        if (algorithm == keccak256("SLH-DSA-SHA2-128s")) return false;
        if (algorithm == keccak256("SLH-DSA-SHA2-256s")) return false;
        revert UnknownAlgorithm(index, name);
    }
}
