// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {QuorumCount} from "./QuorumCount.sol";
import {Governed} from "./governance/Governed.sol";
import {Governance} from "./interfaces/IGoverned.sol";
import {IInbox} from "./interfaces/IInbox.sol";
import {IMessageRecipient} from "./interfaces/IMessageRecipient.sol";
import {ISignerRegistry} from "./interfaces/ISignerRegistry.sol";
import {MerkleTree} from "./libraries/MerkleTree.sol";
import {MessageLib} from "./libraries/MessageLib.sol";
import {Checkpoint, CheckpointLib} from "./types/Checkpoint.sol";
import {Contexts} from "./types/Contexts.sol";

/// @title The Inbox: roots that a quorum attested, and messages delivered once under them
contract Inbox is IInbox, QuorumCount, Governed {
    using CheckpointLib for Checkpoint;
    using MessageLib for bytes;

    struct Origin {
        uint64 chainId;
        address outbox;
    }

    /// Of what a recipient reverts with, so much is kept.
    uint256 private constant MAX_REASON_BYTES = 256;
    /// What a call itself costs before the recipient has its gas, and to spare.
    uint256 private constant CALL_GAS = 10_000;

    /// @inheritdoc IInbox
    uint32 public immutable localDomain;

    mapping(uint32 domain => Origin) public origins;
    /// @inheritdoc IInbox
    mapping(uint32 origin => mapping(bytes32 root => uint32 size)) public attestedSize;
    /// @notice Whether a root was denied.
    mapping(uint32 origin => mapping(bytes32 root => bool)) public denied;
    /// @inheritdoc IInbox
    mapping(uint32 origin => mapping(bytes32 messageId => bool)) public expired;
    /// A bit for each nonce of an origin that was delivered or expired, 256 to a word.
    mapping(uint32 origin => mapping(uint256 word => uint256 bits)) private closedBits;
    /// The same for those that expired.
    mapping(uint32 origin => mapping(uint256 word => uint256 bits)) private expiredBits;
    bool private transient delivering;

    modifier whileNotDelivering() {
        if (delivering) revert Reentered();
        delivering = true;
        _;
        delivering = false;
    }

    constructor(uint32 localDomain_, ISignerRegistry registry_, Governance memory governance)
        QuorumCount(registry_)
        Governed(governance)
    {
        if (localDomain_ == 0) revert InvalidDomain(localDomain_);
        localDomain = localDomain_;
    }

    /// @inheritdoc IInbox
    function attest(
        Checkpoint calldata checkpoint,
        uint256[] calldata signers,
        bytes[] calldata signatures
    ) external whenOpen(checkpoint.originDomain) returns (bool attested) {
        _requireSignatures(signers.length, signatures.length);
        _requireOurs(checkpoint);

        uint32 origin = checkpoint.originDomain;
        bytes32 digest = checkpoint.digest();
        attested = _count(checkpoint.epoch, digest, Contexts.CHECKPOINT, signers, signatures);
        if (attested) {
            attestedSize[origin][checkpoint.root] = checkpoint.size;
            emit Attested(origin, checkpoint.root, checkpoint.size, checkpoint.epoch, digest);
        }
    }

    /// @inheritdoc IInbox
    function process(bytes calldata metadata, bytes calldata message) external whileNotDelivering {
        (uint32 origin, uint32 nonce, bytes32 messageId) = _requireProven(metadata, message);
        if (_isClosed(origin, nonce)) revert AlreadyDelivered(origin, nonce);
        uint64 deadline = message.deadline();
        if (_hasPassed(deadline)) revert DeadlinePassed(deadline, block.timestamp);
        bytes memory obstacle = _obstacle(message.recipient());
        if (obstacle.length != 0) _revertWith(obstacle);
        (bool done, bytes memory reason) = _deliver(origin, nonce, messageId, message);
        if (!done) revert RecipientReverted(_address(message.recipient()), reason);
    }

    /// @inheritdoc IInbox
    function processRange(
        uint32 origin,
        bytes32 root,
        uint32 first,
        bytes[] calldata messages,
        bytes32[] calldata siblings
    ) external whileNotDelivering whenOpen(origin) returns (uint256 done) {
        bytes32[] memory ids = _requireRange(origin, root, first, messages, siblings);
        // What one delivery puts into memory is of no use to the next.
        uint256 free;
        assembly ("memory-safe") {
            free := mload(0x40)
        }
        for (uint256 i; i < messages.length; ++i) {
            assembly ("memory-safe") {
                mstore(0x40, free)
            }
            if (messages[i].length == 32) continue;
            // The nonce is below the size of the tree, which has 32 bits.
            if (_tryDeliver(origin, uint32(first + i), ids[i], messages[i])) ++done;
        }
    }

    /// @inheritdoc IInbox
    function expire(bytes calldata metadata, bytes calldata message) external whileNotDelivering {
        (uint32 origin, uint32 nonce, bytes32 messageId) = _requireProven(metadata, message);
        if (_isClosed(origin, nonce)) revert AlreadyDelivered(origin, nonce);
        uint64 deadline = message.deadline();
        if (!_hasPassed(deadline)) revert DeadlineNotPassed(deadline, block.timestamp);
        closedBits[origin][nonce >> 8] |= 1 << (nonce & 0xff);
        expiredBits[origin][nonce >> 8] |= 1 << (nonce & 0xff);
        expired[origin][messageId] = true;
        emit Expired(origin, nonce, messageId);
    }

    /// @inheritdoc IInbox
    function enrolOrigin(uint32 domain, uint64 chainId, address outbox) external onlyOwner {
        if (domain == 0 || domain == localDomain) revert InvalidDomain(domain);
        if (chainId == 0 || outbox == address(0)) revert InvalidOrigin(chainId, outbox);
        if (origins[domain].chainId != 0) revert OriginKnown(domain);
        origins[domain] = Origin(chainId, outbox);
        emit OriginEnrolled(domain, chainId, outbox);
    }

    /// @inheritdoc IInbox
    function denyRoot(uint32 origin, bytes32 root) external onlyOwnerOrGuardian {
        denied[origin][root] = true;
        delete attestedSize[origin][root];
        emit RootDenied(origin, root, msg.sender);
    }

    /// @inheritdoc IInbox
    function allowRoot(uint32 origin, bytes32 root) external onlyScheduled {
        denied[origin][root] = false;
        emit RootAllowed(origin, root);
    }

    /// @inheritdoc IInbox
    function requireProven(bytes calldata metadata, bytes calldata message)
        external
        view
        returns (bytes32 messageId)
    {
        (,, messageId) = _requireProven(metadata, message);
    }

    /// @inheritdoc IInbox
    function delivered(uint32 origin, uint32 nonce) external view returns (bool) {
        return (deliveredWord(origin, nonce >> 8) >> (nonce & 0xff)) & 1 == 1;
    }

    /// @inheritdoc IInbox
    function deliveredWord(uint32 origin, uint256 word) public view returns (uint256) {
        return closedBits[origin][word] & ~expiredBits[origin][word];
    }

    /// Reverts unless the checkpoint is of an enrolled origin, to this Inbox, in a usable epoch, and
    /// of a root that was neither attested nor denied.
    function _requireOurs(Checkpoint calldata checkpoint) private view {
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
        uint32 domain = checkpoint.originDomain;
        Origin memory origin = origins[domain];
        if (origin.chainId == 0) revert UnknownOrigin(domain);
        if (checkpoint.originChainId != origin.chainId) {
            revert WrongChainId(origin.chainId, checkpoint.originChainId);
        }
        if (checkpoint.outbox != origin.outbox) {
            revert WrongOutbox(origin.outbox, checkpoint.outbox);
        }
        if (!registry.isUsable(checkpoint.epoch)) revert EpochNotUsable(checkpoint.epoch);
        if (denied[domain][checkpoint.root]) revert DeniedRoot(domain, checkpoint.root);
        if (attestedSize[domain][checkpoint.root] != 0) {
            revert AlreadyAttested(domain, checkpoint.root);
        }
    }

    /// Reverts unless the message is to this chain and stands under the attested root of `metadata`
    /// at the place of its nonce.
    function _requireProven(bytes calldata metadata, bytes calldata message)
        private
        view
        returns (uint32 origin, uint32 nonce, bytes32 messageId)
    {
        _requireWellFormed(message);
        origin = message.origin();
        nonce = message.nonce();
        _requireOpen(origin);
        if (metadata.length < 32) revert MetadataTooShort(metadata.length, 32);
        bytes32 root = bytes32(metadata[:32]);
        uint256 size = _requireAttested(origin, root);
        if (nonce >= size) revert IndexOutOfRange(nonce, size);
        uint256 length = 32 + 32 * MerkleTree.depth(size);
        if (metadata.length != length) revert WrongProofLength(length, metadata.length);
        messageId = keccak256(message);
        bytes32 proven = MerkleTree.rootFromProof(messageId, nonce, metadata[32:]);
        if (proven != root) revert ProofMismatch(root, proven);
    }

    /// The identifiers of the messages; reverts unless all stand under the attested root, one behind
    /// the other from `first` on.
    function _requireRange(
        uint32 origin,
        bytes32 root,
        uint32 first,
        bytes[] calldata messages,
        bytes32[] calldata siblings
    ) private view returns (bytes32[] memory ids) {
        uint256 size = _requireAttested(origin, root);
        if (messages.length == 0) revert EmptyRange();
        uint256 last = first + messages.length - 1;
        if (last >= size) revert IndexOutOfRange(last, size);
        uint256 levels = MerkleTree.depth(size);
        uint256 length = MerkleTree.rangeProofLength(first, last, levels);
        if (siblings.length != length) revert WrongProofLength(length, siblings.length);

        ids = new bytes32[](messages.length);
        bytes32[] memory nodes = new bytes32[](messages.length);
        for (uint256 i; i < messages.length; ++i) {
            bytes calldata message = messages[i];
            if (message.length == 32) {
                nodes[i] = bytes32(message);
                continue;
            }
            _requireWellFormed(message);
            if (message.origin() != origin) revert WrongOrigin(origin, message.origin());
            if (message.nonce() != first + i) revert WrongNonce(first + i, message.nonce());
            nodes[i] = ids[i] = keccak256(message);
        }
        bytes32 proven = MerkleTree.rootFromRange(nodes, first, levels, siblings);
        if (proven != root) revert ProofMismatch(root, proven);
    }

    function _requireWellFormed(bytes calldata message) private view {
        if (message.length < MessageLib.HEADER_BYTES) {
            revert MessageTooShort(message.length, MessageLib.HEADER_BYTES);
        }
        uint8 version = message.version();
        if (version != MessageLib.VERSION && version != MessageLib.VERSION_WITH_OPTIONS) {
            revert WrongVersion(version);
        }
        uint256 minimum = MessageLib.minimum(version);
        if (message.length < minimum) revert MessageTooShort(message.length, minimum);
        if (message.destination() != localDomain) {
            revert WrongDestination(localDomain, message.destination());
        }
    }

    function _requireAttested(uint32 origin, bytes32 root) private view returns (uint256 size) {
        if (root == 0) revert ZeroRoot();
        size = attestedSize[origin][root];
        if (size == 0) revert RootNotAttested(origin, root);
    }

    /// Delivers one message of a range; what goes wrong is an event.
    function _tryDeliver(uint32 origin, uint32 nonce, bytes32 messageId, bytes calldata message)
        private
        returns (bool done)
    {
        if (_isClosed(origin, nonce)) return false;
        uint64 deadline = message.deadline();
        bytes memory reason;
        if (_hasPassed(deadline)) {
            reason = abi.encodeWithSelector(DeadlinePassed.selector, deadline, block.timestamp);
        } else {
            reason = _obstacle(message.recipient());
            if (reason.length == 0) {
                (done, reason) = _deliver(origin, nonce, messageId, message);
                if (done) return true;
            }
        }
        emit DeliveryFailed(origin, nonce, messageId, reason);
    }

    /// Calls the recipient, which stands as delivered meanwhile, with the gas of the message.
    function _deliver(uint32 origin, uint32 nonce, bytes32 messageId, bytes calldata message)
        private
        returns (bool done, bytes memory reason)
    {
        address recipient = _address(message.recipient());
        bytes32 sender = message.sender();
        uint256 bit = 1 << (nonce & 0xff);
        closedBits[origin][nonce >> 8] |= bit;
        (done, reason) =
            _call(recipient, message.gasLimit(), origin, sender, message.body());
        if (done) {
            emit Process(origin, sender, recipient);
            emit ProcessId(messageId);
        } else {
            closedBits[origin][nonce >> 8] &= ~bit;
        }
    }

    /// `handle` of the recipient, with `gasLimit` gas and no less. Of what it returns nothing is
    /// read; of what it reverts with, `MAX_REASON_BYTES`.
    function _call(
        address recipient,
        uint256 gasLimit,
        uint32 domain,
        bytes32 sender,
        bytes calldata body
    ) private returns (bool done, bytes memory reason) {
        bytes4 selector = IMessageRecipient.handle.selector;
        uint256 data;
        uint256 length;
        assembly ("memory-safe") {
            data := mload(0x40)
            let padded := and(add(body.length, 0x1f), not(0x1f))
            mstore(data, selector)
            mstore(add(data, 0x04), domain)
            mstore(add(data, 0x24), sender)
            mstore(add(data, 0x44), 0x60)
            mstore(add(data, 0x64), body.length)
            // The last word first: the copy leaves zeros behind the body.
            if padded { mstore(add(data, add(0x64, padded)), 0) }
            calldatacopy(add(data, 0x84), body.offset, body.length)
            length := add(0x84, padded)
        }
        // Asked when the memory is paid for, which costs the more the longer the range is. A caller
        // hands on all gas but a 64th (EIP-150).
        uint256 left = gasleft();
        if (left - left / 64 < gasLimit + CALL_GAS) revert InsufficientGas(gasLimit, left);
        assembly ("memory-safe") {
            done := call(gasLimit, recipient, 0, data, length, 0, 0)
            reason := 0x60
            if iszero(done) {
                length := returndatasize()
                if gt(length, MAX_REASON_BYTES) { length := MAX_REASON_BYTES }
                reason := data
                mstore(reason, length)
                returndatacopy(add(reason, 0x20), 0, length)
                mstore(0x40, add(add(reason, 0x20), and(add(length, 0x1f), not(0x1f))))
            }
        }
    }

    /// The error that says why no message can go to `padded`; empty where one can.
    function _obstacle(bytes32 padded) private view returns (bytes memory) {
        if (uint256(padded) >> 160 != 0) return abi.encodeWithSelector(InvalidRecipient.selector, padded);
        address recipient = _address(padded);
        if (recipient == address(this) || recipient == address(registry)) {
            return abi.encodeWithSelector(ForbiddenRecipient.selector, recipient);
        }
        if (recipient.code.length == 0) return abi.encodeWithSelector(RecipientHasNoCode.selector, recipient);
        return "";
    }

    function _isClosed(uint32 origin, uint32 nonce) private view returns (bool) {
        return (closedBits[origin][nonce >> 8] >> (nonce & 0xff)) & 1 == 1;
    }

    function _hasPassed(uint64 deadline) private view returns (bool) {
        return deadline != 0 && block.timestamp > deadline;
    }

    function _address(bytes32 padded) private pure returns (address) {
        return address(uint160(uint256(padded)));
    }

    function _revertWith(bytes memory reason) private pure {
        assembly ("memory-safe") {
            revert(add(reason, 0x20), mload(reason))
        }
    }
}
