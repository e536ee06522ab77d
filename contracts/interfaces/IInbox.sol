// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Checkpoint} from "../types/Checkpoint.sol";
import {IQuorumCount} from "./IQuorumCount.sol";

/// @title Where messages arrive on a chain
interface IInbox is IQuorumCount {
    /// @notice Messages of `domain` are taken from now on, from this Outbox on this chain.
    event OriginEnrolled(uint32 indexed domain, uint64 chainId, address outbox);
    /// @notice A quorum stands behind `root`.
    event Attested(
        uint32 indexed origin, bytes32 indexed root, uint32 size, uint32 epoch, bytes32 digest
    );
    /// @notice Nothing is delivered under `root` any more.
    event RootDenied(uint32 indexed origin, bytes32 indexed root, address by);
    /// @notice `root` may be attested again.
    event RootAllowed(uint32 indexed origin, bytes32 indexed root);
    /// @notice A message was delivered.
    event Process(uint32 indexed origin, bytes32 indexed sender, address indexed recipient);
    /// @notice The identifier of the message delivered just before.
    event ProcessId(bytes32 indexed messageId);
    /// @notice The message was not delivered; it stays deliverable.
    /// @param reason What the recipient reverted with, at most 256 bytes of it; or the error of this
    /// interface that stood in the way.
    event DeliveryFailed(
        uint32 indexed origin, uint32 indexed nonce, bytes32 indexed messageId, bytes reason
    );
    /// @notice The deadline passed; the message will never be delivered.
    event Expired(uint32 indexed origin, uint32 indexed nonce, bytes32 indexed messageId);

    /// @notice `domain` is this chain's own, or zero.
    error InvalidDomain(uint32 domain);
    /// @notice The origin's chain id or Outbox is zero.
    error InvalidOrigin(uint64 chainId, address outbox);
    /// @notice `domain` stands in the list of origins already.
    error OriginKnown(uint32 domain);
    /// @notice The Inbox is delivering: a recipient may not deliver.
    error Reentered();

    /// @notice No messages of `domain` are taken.
    error UnknownOrigin(uint32 domain);
    /// @notice The zero root belongs to no tree.
    error ZeroRoot();
    /// @notice A tree without a message has nothing to attest.
    error ZeroSize();
    /// @notice The root was denied.
    error DeniedRoot(uint32 origin, bytes32 root);
    /// @notice The checkpoint or message is meant for another domain.
    error WrongDestination(uint32 expected, uint32 got);
    /// @notice The checkpoint is of another chain: the origin's or this one.
    error WrongChainId(uint256 expected, uint256 got);
    /// @notice The checkpoint is of another Outbox.
    error WrongOutbox(address expected, address got);
    /// @notice The checkpoint is meant for another Inbox.
    error WrongInbox(address expected, address got);
    /// @notice The signers of `epoch` may not attest: it waits, has expired or never was.
    error EpochNotUsable(uint32 epoch);
    /// @notice The quorum stands already; the signature was not looked at.
    error AlreadyAttested(uint32 origin, bytes32 root);

    /// @notice Shorter than a message of its version with an empty body.
    error MessageTooShort(uint256 length, uint256 minimum);
    /// @notice A layout that is not spoken here; 3 and 4 are.
    error WrongVersion(uint8 got);
    /// @notice The message is of another origin than the range.
    error WrongOrigin(uint32 expected, uint32 got);
    /// @notice The message's nonce is not its place in the range.
    error WrongNonce(uint256 expected, uint32 got);
    /// @notice A range of no messages.
    error EmptyRange();
    /// @notice The metadata holds no root.
    error MetadataTooShort(uint256 length, uint256 minimum);
    /// @notice No quorum stands behind `root`.
    error RootNotAttested(uint32 origin, bytes32 root);
    /// @notice The message's nonce is beyond the attested tree.
    error IndexOutOfRange(uint256 index, uint256 size);
    /// @notice The proof has more or fewer bytes than the tree asks.
    error WrongProofLength(uint256 expected, uint256 got);
    /// @notice The proof leads to another root.
    error ProofMismatch(bytes32 expected, bytes32 got);
    /// @notice The message was delivered before, or expired.
    error AlreadyDelivered(uint32 origin, uint32 nonce);
    /// @notice The deadline has passed, in seconds since 1970.
    error DeadlinePassed(uint64 deadline, uint256 timestamp);
    /// @notice The message has no deadline, or it has not passed; in seconds since 1970.
    error DeadlineNotPassed(uint64 deadline, uint256 timestamp);
    /// @notice The recipient is no address of 20 bytes.
    error InvalidRecipient(bytes32 recipient);
    /// @notice The recipient is a part of the bridge, which no message may call.
    error ForbiddenRecipient(address recipient);
    /// @notice The recipient's address holds no contract.
    error RecipientHasNoCode(address recipient);
    /// @notice The transaction has too little gas left for what the message may use.
    error InsufficientGas(uint256 needed, uint256 left);
    /// @notice The recipient refused; the message stays deliverable.
    error RecipientReverted(address recipient, bytes reason);

    /// @notice Counts signatures over a checkpoint. Anybody may bring them, in any number of
    /// transactions; each signer counts once for a checkpoint, whatever the bytes of the signature.
    /// @param checkpoint What was signed, under the context "astralink/checkpoint/v1".
    /// @param signers Indices in the registry, one for each signature.
    /// @param signatures Raw signatures.
    /// @return attested Whether the quorum stands now.
    function attest(
        Checkpoint calldata checkpoint,
        uint256[] calldata signers,
        bytes[] calldata signatures
    ) external returns (bool attested);

    /// @notice Delivers a message once to its recipient; reverts where that fails.
    /// @param metadata An attested root (32 bytes) and the message's siblings under it, 32 bytes
    /// each, the lowest first.
    /// @param message The message as the Outbox encoded it.
    function process(bytes calldata metadata, bytes calldata message) external;

    /// @notice Delivers a contiguous range of messages under one proof. One that fails is recorded
    /// with `DeliveryFailed` and holds up no other; one that was delivered before is passed over.
    /// @param origin The domain of all messages.
    /// @param root An attested root.
    /// @param first The nonce of the first message.
    /// @param messages The messages in the order of their nonces; 32 bytes stand for one that is
    /// not to be delivered here, and are its identifier.
    /// @param siblings At each level, from the lowest: the sibling on the left where the range
    /// begins with a right child, then that on the right where it ends with a left child.
    /// @return done How many were delivered.
    function processRange(
        uint32 origin,
        bytes32 root,
        uint32 first,
        bytes[] calldata messages,
        bytes32[] calldata siblings
    ) external returns (uint256 done);

    /// @notice Refuses a message for ever whose deadline has passed. From anybody.
    /// @param metadata As in `process`.
    function expire(bytes calldata metadata, bytes calldata message) external;

    /// @notice The identifier of a message that stands under an attested root; reverts where it
    /// does not. Says nothing of its delivery.
    /// @param metadata As in `process`.
    function requireProven(bytes calldata metadata, bytes calldata message)
        external
        view
        returns (bytes32 messageId);

    /// @notice Takes messages of `domain` from `outbox` on the chain `chainId`. For the owner; never
    /// changed again, but paused.
    function enrolOrigin(uint32 domain, uint64 chainId, address outbox) external;

    /// @notice Takes a root back that was attested, and lets it not be attested again. For the
    /// owner and the guardian.
    function denyRoot(uint32 origin, bytes32 root) external;

    /// @notice Lets a denied root be attested again. A scheduled operation.
    function allowRoot(uint32 origin, bytes32 root) external;

    /// @notice The domain of this chain.
    function localDomain() external view returns (uint32);

    /// @notice Whether the message with `nonce` of `origin` was delivered.
    function delivered(uint32 origin, uint32 nonce) external view returns (bool);

    /// @notice Whether the message with this identifier expired undelivered.
    function expired(uint32 origin, bytes32 messageId) external view returns (bool);

    /// @notice The messages of `origin` with the nonces 256 * `word` to 256 * `word` + 255 that were
    /// delivered, a bit each.
    function deliveredWord(uint32 origin, uint256 word) external view returns (uint256);

    /// @notice The size of the tree of `origin` with the attested `root`; zero if it is not.
    function attestedSize(uint32 origin, bytes32 root) external view returns (uint32);
}
