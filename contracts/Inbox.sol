// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IInbox} from "./interfaces/IInbox.sol";
import {IMessageRecipient} from "./interfaces/IMessageRecipient.sol";
import {ISignerRegistry} from "./interfaces/ISignerRegistry.sol";
import {MerkleTree} from "./libraries/MerkleTree.sol";
import {MessageLib} from "./libraries/MessageLib.sol";
import {Checkpoint, CheckpointLib} from "./types/Checkpoint.sol";

/// @title The Inbox: roots that a quorum attested, and messages delivered once under them
contract Inbox is IInbox {
    using CheckpointLib for Checkpoint;
    using MessageLib for bytes;

    struct Origin {
        uint64 chainId;
        address outbox;
    }

    /// @inheritdoc IInbox
    uint32 public immutable localDomain;
    /// @notice The signers that attest for this Inbox.
    ISignerRegistry public immutable registry;
    /// @notice Who may enrol origins.
    address public immutable owner;

    mapping(uint32 domain => Origin) public origins;
    /// @inheritdoc IInbox
    mapping(bytes32 digest => uint256 signers) public counted;
    /// @inheritdoc IInbox
    mapping(uint32 origin => mapping(bytes32 root => uint32 size)) public attestedSize;
    /// A bit for each nonce of an origin, 256 to a word.
    mapping(uint32 origin => mapping(uint256 word => uint256 bits)) private deliveredBits;

    constructor(uint32 localDomain_, ISignerRegistry registry_, address owner_) {
        if (localDomain_ == 0) revert InvalidDomain(localDomain_);
        if (address(registry_).code.length == 0) revert RegistryHasNoCode(address(registry_));
        localDomain = localDomain_;
        registry = registry_;
        owner = owner_;
    }

    /// @inheritdoc IInbox
    function attest(
        Checkpoint calldata checkpoint,
        uint256[] calldata signers,
        bytes[] calldata signatures
    ) external returns (bool attested) {
        if (signers.length != signatures.length) {
            revert LengthMismatch(signers.length, signatures.length);
        }
        if (signers.length == 0) revert NoSignatures();
        uint256 threshold = _requireOurs(checkpoint);

        bytes32 digest = checkpoint.digest();
        uint256 bits = counted[digest];
        if (_ones(bits) >= threshold) revert AlreadyAttested(digest);

        for (uint256 i; i < signers.length; ++i) {
            uint256 signer = signers[i];
            // An index of 256 and more has no bit; the registry, which holds no more than 256
            // signers, refuses it below.
            if ((bits >> signer) & 1 == 1) revert SignerAlreadyCounted(signer);
            bool valid = registry.isValidSignature(
                signer, abi.encodePacked(digest), CheckpointLib.CONTEXT, signatures[i]
            );
            if (!valid) revert InvalidSignature(signer);
            bits |= 1 << signer;
            emit SignatureCounted(digest, signer);
        }
        counted[digest] = bits;

        attested = _ones(bits) >= threshold;
        if (attested) {
            attestedSize[checkpoint.originDomain][checkpoint.root] = checkpoint.size;
            emit Attested(
                checkpoint.originDomain, checkpoint.root, checkpoint.size, checkpoint.epoch, digest
            );
        }
    }

    /// @inheritdoc IInbox
    function process(bytes calldata metadata, bytes calldata message) external {
        if (message.length < MessageLib.HEADER_BYTES) {
            revert MessageTooShort(message.length, MessageLib.HEADER_BYTES);
        }
        if (message.version() != MessageLib.VERSION) {
            revert WrongVersion(MessageLib.VERSION, message.version());
        }
        if (message.destination() != localDomain) {
            revert WrongDestination(localDomain, message.destination());
        }
        uint32 origin = message.origin();
        uint32 nonce = message.nonce();
        bytes32 messageId = keccak256(message);

        _requireProven(origin, nonce, messageId, metadata);

        uint256 word = deliveredBits[origin][nonce >> 8];
        uint256 bit = 1 << (nonce & 0xff);
        if (word & bit != 0) revert AlreadyDelivered(origin, nonce);
        // Written before the recipient is called: a call back into `process` finds it delivered.
        deliveredBits[origin][nonce >> 8] = word | bit;

        address recipient = _toAddress(message.recipient());
        if (recipient.code.length == 0) revert RecipientHasNoCode(recipient);
        emit Process(origin, message.sender(), recipient);
        emit ProcessId(messageId);
        try IMessageRecipient(recipient).handle(origin, message.sender(), message.body()) {}
        catch (bytes memory reason) {
            revert RecipientReverted(recipient, reason);
        }
    }

    /// @inheritdoc IInbox
    function enrolOrigin(uint32 domain, uint64 chainId, address outbox) external {
        if (msg.sender != owner) revert NotOwner(msg.sender);
        if (domain == 0 || domain == localDomain) revert InvalidDomain(domain);
        if (chainId == 0 || outbox == address(0)) revert InvalidOrigin(chainId, outbox);
        if (origins[domain].chainId != 0) revert OriginKnown(domain);
        origins[domain] = Origin(chainId, outbox);
        emit OriginEnrolled(domain, chainId, outbox);
    }

    /// @inheritdoc IInbox
    function delivered(uint32 origin, uint32 nonce) external view returns (bool) {
        return (deliveredBits[origin][nonce >> 8] >> (nonce & 0xff)) & 1 == 1;
    }

    /// Reverts unless the checkpoint is of an enrolled origin, to this Inbox, in this epoch.
    function _requireOurs(Checkpoint calldata checkpoint) private view returns (uint256) {
        if (checkpoint.root == 0) revert ZeroRoot();
        if (checkpoint.size == 0) revert ZeroSize();
        if (checkpoint.destinationDomain != localDomain) {
            revert WrongDestination(localDomain, checkpoint.destinationDomain);
        }
        // Read from the chain at each call, so that a fork with another id refuses old signatures.
        if (checkpoint.destinationChainId != block.chainid) {
            revert WrongChainId(block.chainid, checkpoint.destinationChainId);
        }
        if (checkpoint.inbox != address(this)) revert WrongInbox(address(this), checkpoint.inbox);
        Origin memory origin = origins[checkpoint.originDomain];
        if (origin.chainId == 0) revert UnknownOrigin(checkpoint.originDomain);
        if (checkpoint.originChainId != origin.chainId) {
            revert WrongChainId(origin.chainId, checkpoint.originChainId);
        }
        if (checkpoint.outbox != origin.outbox) {
            revert WrongOutbox(origin.outbox, checkpoint.outbox);
        }
        (uint32 epoch, uint256 threshold,) = registry.quorum();
        if (checkpoint.epoch != epoch) revert WrongEpoch(epoch, checkpoint.epoch);
        return threshold;
    }

    /// Reverts unless the message is the leaf `nonce` of a tree of `origin` that was attested.
    function _requireProven(
        uint32 origin,
        uint32 nonce,
        bytes32 messageId,
        bytes calldata metadata
    ) private view {
        if (metadata.length < 32) revert MetadataTooShort(metadata.length, 32);
        bytes32 root = bytes32(metadata[:32]);
        if (root == 0) revert ZeroRoot();
        uint256 size = attestedSize[origin][root];
        if (size == 0) revert RootNotAttested(origin, root);
        if (nonce >= size) revert IndexOutOfRange(nonce, size);
        uint256 length = 32 + 32 * MerkleTree.depth(size);
        if (metadata.length != length) revert WrongProofLength(length, metadata.length);
        bytes32 proven = MerkleTree.rootFromProof(messageId, nonce, metadata[32:]);
        if (proven != root) revert ProofMismatch(root, proven);
    }

    function _toAddress(bytes32 padded) private pure returns (address) {
        if (uint256(padded) >> 160 != 0) revert InvalidRecipient(padded);
        return address(uint160(uint256(padded)));
    }

    function _ones(uint256 bits) private pure returns (uint256 ones) {
        unchecked {
            for (; bits != 0; bits &= bits - 1) {
                ++ones;
            }
        }
    }
}
