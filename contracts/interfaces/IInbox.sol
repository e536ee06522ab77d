// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Checkpoint} from "../types/Checkpoint.sol";

/// @title Where messages arrive on a chain
interface IInbox {
    /// @notice Messages of `domain` are taken from now on, from this Outbox on this chain.
    event OriginEnrolled(uint32 indexed domain, uint64 chainId, address outbox);
    /// @notice A signature over the checkpoint with `digest` was counted.
    event SignatureCounted(bytes32 indexed digest, uint256 indexed signer);
    /// @notice A quorum stands behind `root`.
    event Attested(
        uint32 indexed origin, bytes32 indexed root, uint32 size, uint32 epoch, bytes32 digest
    );
    /// @notice A message was delivered.
    event Process(uint32 indexed origin, bytes32 indexed sender, address indexed recipient);
    /// @notice The identifier of the message delivered just before.
    event ProcessId(bytes32 indexed messageId);

    /// @notice `caller` is not the owner.
    error NotOwner(address caller);
    /// @notice `domain` is this chain's own, or zero.
    error InvalidDomain(uint32 domain);
    /// @notice The origin's chain id or Outbox is zero.
    error InvalidOrigin(uint64 chainId, address outbox);
    /// @notice `domain` stands in the list of origins already.
    error OriginKnown(uint32 domain);
    /// @notice The registry has no code.
    error RegistryHasNoCode(address registry);

    /// @notice No messages of `domain` are taken.
    error UnknownOrigin(uint32 domain);
    /// @notice The zero root belongs to no tree.
    error ZeroRoot();
    /// @notice A tree without a message has nothing to attest.
    error ZeroSize();
    /// @notice The checkpoint or message is meant for another domain.
    error WrongDestination(uint32 expected, uint32 got);
    /// @notice The checkpoint is of another chain: the origin's or this one.
    error WrongChainId(uint256 expected, uint256 got);
    /// @notice The checkpoint is of another Outbox.
    error WrongOutbox(address expected, address got);
    /// @notice The checkpoint is meant for another Inbox.
    error WrongInbox(address expected, address got);
    /// @notice The checkpoint is of another epoch of signers.
    error WrongEpoch(uint32 expected, uint32 got);
    /// @notice As many signers as signatures are expected.
    error LengthMismatch(uint256 signers, uint256 signatures);
    /// @notice No signature came.
    error NoSignatures();
    /// @notice The quorum stands already; the signature was not looked at.
    error AlreadyAttested(bytes32 digest);
    /// @notice A signature of this signer over this checkpoint was counted before.
    error SignerAlreadyCounted(uint256 signer);
    /// @notice The signature is none of this signer over this checkpoint.
    error InvalidSignature(uint256 signer);

    /// @notice Shorter than a message's header.
    error MessageTooShort(uint256 length, uint256 minimum);
    /// @notice A layout that is not spoken here.
    error WrongVersion(uint8 expected, uint8 got);
    /// @notice The metadata holds no root.
    error MetadataTooShort(uint256 length, uint256 minimum);
    /// @notice No quorum stands behind `root`.
    error RootNotAttested(uint32 origin, bytes32 root);
    /// @notice The message's nonce is beyond the attested tree.
    error IndexOutOfRange(uint256 index, uint256 size);
    /// @notice The proof has more or fewer bytes than the tree is deep.
    error WrongProofLength(uint256 expected, uint256 got);
    /// @notice The proof leads to another root.
    error ProofMismatch(bytes32 expected, bytes32 got);
    /// @notice The message was delivered before.
    error AlreadyDelivered(uint32 origin, uint32 nonce);
    /// @notice The recipient is no address of 20 bytes.
    error InvalidRecipient(bytes32 recipient);
    /// @notice The recipient's address holds no contract.
    error RecipientHasNoCode(address recipient);
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

    /// @notice Delivers a message once to its recipient.
    /// @param metadata An attested root (32 bytes) and the message's siblings under it, 32 bytes
    /// each, the lowest first.
    /// @param message The message as the Outbox encoded it.
    function process(bytes calldata metadata, bytes calldata message) external;

    /// @notice Takes messages of `domain` from `outbox` on the chain `chainId`. Never changed again.
    function enrolOrigin(uint32 domain, uint64 chainId, address outbox) external;

    /// @notice The domain of this chain.
    function localDomain() external view returns (uint32);

    /// @notice Whether the message with `nonce` of `origin` was delivered.
    function delivered(uint32 origin, uint32 nonce) external view returns (bool);

    /// @notice The size of the tree of `origin` with the attested `root`; zero if it is not.
    function attestedSize(uint32 origin, bytes32 root) external view returns (uint32);

    /// @notice The signers counted for the checkpoint with `digest`, a bit each.
    function counted(bytes32 digest) external view returns (uint256);
}
