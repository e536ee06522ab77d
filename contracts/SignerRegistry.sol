// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISignerRegistry, Signer} from "./interfaces/ISignerRegistry.sol";

/// @title The SignerRegistry: the keys of one epoch and their threshold
/// @notice At least two and more than half of the signers must sign, so that no single key attests
/// anything and two quorums always share a signer. No argument of a caller ever chooses a verifier.
contract SignerRegistry is ISignerRegistry {
    /// @notice No set with a lower threshold is stored.
    uint256 public constant MINIMUM_THRESHOLD = 2;
    /// @notice Signers are bits of one word in the Inbox.
    uint256 public constant MAX_SIGNERS = 256;

    /// @notice Who may store the signer set.
    address public immutable owner;

    uint32 private currentEpoch;
    uint16 private currentThreshold;
    Signer[] private signers;

    constructor(address owner_) {
        owner = owner_;
    }

    /// @inheritdoc ISignerRegistry
    function initialise(Signer[] calldata signers_, uint256 threshold_) external {
        if (msg.sender != owner) revert NotOwner(msg.sender);
        if (currentEpoch != 0) revert AlreadyInitialised();
        uint256 count = signers_.length;
        if (count > MAX_SIGNERS) revert TooManySigners(count, MAX_SIGNERS);
        if (threshold_ < MINIMUM_THRESHOLD || threshold_ > count || 2 * threshold_ <= count) {
            revert InvalidThreshold(threshold_, count, MINIMUM_THRESHOLD);
        }
        bytes32[] memory keyHashes = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            Signer calldata added = signers_[i];
            if (address(added.verifier).code.length == 0) {
                revert VerifierHasNoCode(i, address(added.verifier));
            }
            if (!added.verifier.isKeyWellFormed(added.key)) revert MalformedKey(i);
            keyHashes[i] = keccak256(added.key);
            for (uint256 j; j < i; ++j) {
                if (keyHashes[j] == keyHashes[i]) revert DuplicateKey(j, i);
            }
            signers.push(added);
        }
        currentEpoch = 1;
        currentThreshold = uint16(threshold_); // at most MAX_SIGNERS
        emit SignerSetStored(1, threshold_, count);
    }

    /// @inheritdoc ISignerRegistry
    function isValidSignature(
        uint256 index,
        bytes calldata message,
        bytes calldata ctx,
        bytes calldata signature
    ) external view returns (bool) {
        if (currentEpoch == 0) revert Uninitialised();
        if (index >= signers.length) revert SignerNotInSet(index, signers.length);
        Signer storage member = signers[index];
        return member.verifier.verifyWithContext(member.key, message, ctx, signature);
    }

    /// @inheritdoc ISignerRegistry
    function quorum() external view returns (uint32, uint256, uint256) {
        if (currentEpoch == 0) revert Uninitialised();
        return (currentEpoch, currentThreshold, signers.length);
    }

    /// @inheritdoc ISignerRegistry
    function signer(uint256 index) external view returns (Signer memory) {
        if (index >= signers.length) revert SignerNotInSet(index, signers.length);
        return signers[index];
    }
}
