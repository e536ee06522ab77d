// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Governed} from "./governance/Governed.sol";
import {Governance} from "./interfaces/IGoverned.sol";
import {DispatchOptions, FeeSchedule, IOutbox} from "./interfaces/IOutbox.sol";
import {MerkleTree} from "./libraries/MerkleTree.sol";
import {MessageLib} from "./libraries/MessageLib.sol";

/// @title The Outbox: every message of a chain, in one Merkle tree
/// @notice A message's nonce is its index in the tree. What was dispatched is never taken back.
contract Outbox is IOutbox, Governed {
    using MerkleTree for MerkleTree.Tree;

    /// One word: whether a route leads there, and its `FeeSchedule`.
    struct Destination {
        bool enrolled;
        uint96 weiPerGas;
        uint32 overheadGas;
        uint32 gasPerByte;
    }

    /// @notice The longest body that is taken, in bytes.
    uint256 public constant MAX_BODY_BYTES = 8192;

    /// @inheritdoc IOutbox
    uint32 public immutable localDomain;

    mapping(uint32 domain => Destination) private destinations;
    MerkleTree.Tree private tree;

    constructor(uint32 localDomain_, Governance memory governance) Governed(governance) {
        if (localDomain_ == 0) revert InvalidDomain(localDomain_);
        localDomain = localDomain_;
    }

    /// @inheritdoc IOutbox
    function dispatch(uint32 destination, bytes32 recipient, bytes calldata body)
        external
        payable
        returns (bytes32)
    {
        return _dispatch(destination, recipient, body, 0, 0, msg.sender);
    }

    /// @inheritdoc IOutbox
    function dispatch(
        uint32 destination,
        bytes32 recipient,
        bytes calldata body,
        DispatchOptions calldata options
    ) external payable returns (bytes32) {
        address refundTo = options.refundTo == address(0) ? msg.sender : options.refundTo;
        return _dispatch(
            destination, recipient, body, options.deadline, options.gasLimit, refundTo
        );
    }

    /// @inheritdoc IOutbox
    function enrolDestination(uint32 domain) external onlyOwner {
        if (domain == 0 || domain == localDomain) revert InvalidDomain(domain);
        if (destinations[domain].enrolled) revert DestinationKnown(domain);
        destinations[domain].enrolled = true;
        emit DestinationEnrolled(domain);
    }

    /// @inheritdoc IOutbox
    function setFeeSchedule(uint32 domain, FeeSchedule calldata schedule) external onlyOwner {
        if (!destinations[domain].enrolled) revert UnknownDestination(domain);
        destinations[domain] = Destination(
            true, schedule.weiPerGas, schedule.overheadGas, schedule.gasPerByte
        );
        emit FeeScheduleSet(domain, schedule);
    }

    /// @inheritdoc IOutbox
    function withdrawFees(address to) external onlyOwner {
        // No message's fate hangs on the balance, so all of it are fees.
        uint256 amount = address(this).balance;
        emit FeesWithdrawn(to, amount);
        (bool taken,) = to.call{value: amount}("");
        if (!taken) revert WithdrawalFailed(to, amount);
    }

    /// @inheritdoc IOutbox
    function quoteDispatch(uint32 destination, bytes32, bytes calldata body)
        external
        view
        returns (uint256)
    {
        return _fee(destination, body.length, 0);
    }

    /// @inheritdoc IOutbox
    function quoteDispatch(
        uint32 destination,
        bytes32,
        bytes calldata body,
        DispatchOptions calldata options
    ) external view returns (uint256) {
        return _fee(destination, body.length, options.gasLimit);
    }

    /// @inheritdoc IOutbox
    function isDestination(uint32 domain) external view returns (bool) {
        return destinations[domain].enrolled;
    }

    /// @inheritdoc IOutbox
    function feeSchedule(uint32 domain) external view returns (FeeSchedule memory) {
        Destination memory to = destinations[domain];
        return FeeSchedule(to.weiPerGas, to.overheadGas, to.gasPerByte);
    }

    /// @inheritdoc IOutbox
    function count() external view returns (uint32) {
        return uint32(tree.size);
    }

    /// @inheritdoc IOutbox
    function root() external view returns (bytes32) {
        return tree.root();
    }

    function _dispatch(
        uint32 destination,
        bytes32 recipient,
        bytes calldata body,
        uint64 deadline,
        uint32 gasLimit,
        address refundTo
    ) private whenOpen(destination) returns (bytes32 messageId) {
        if (recipient == 0) revert ZeroRecipient();
        if (body.length > MAX_BODY_BYTES) revert BodyTooLong(body.length, MAX_BODY_BYTES);
        if (deadline != 0 && deadline <= block.timestamp) {
            revert DeadlinePassed(deadline, block.timestamp);
        }
        if (gasLimit > MessageLib.MAXIMUM_GAS_LIMIT) {
            revert GasLimitTooHigh(gasLimit, MessageLib.MAXIMUM_GAS_LIMIT);
        }
        uint256 fee = _fee(destination, body.length, gasLimit);
        if (msg.value < fee) revert FeeTooLow(fee, msg.value);

        bytes memory message = MessageLib.encode(
            uint32(tree.size), // the tree is full before this wraps
            localDomain,
            bytes32(uint256(uint160(msg.sender))),
            destination,
            recipient,
            deadline,
            gasLimit,
            body
        );
        messageId = keccak256(message);
        tree.append(messageId);
        emit Dispatch(msg.sender, destination, recipient, message);
        emit DispatchId(messageId);
        if (fee != 0) emit GasPaid(messageId, fee, _limit(gasLimit));
        // Last, when everything is written: whoever is called here may dispatch again.
        if (msg.value > fee) {
            (bool taken,) = refundTo.call{value: msg.value - fee}("");
            if (!taken) revert RefundFailed(refundTo, msg.value - fee);
        }
    }

    function _fee(uint32 destination, uint256 length, uint32 gasLimit)
        private
        view
        returns (uint256)
    {
        Destination memory to = destinations[destination];
        if (!to.enrolled) revert UnknownDestination(destination);
        return (to.overheadGas + _limit(gasLimit) + length * to.gasPerByte) * to.weiPerGas;
    }

    function _limit(uint32 gasLimit) private pure returns (uint256) {
        return gasLimit == 0 ? MessageLib.DEFAULT_GAS_LIMIT : gasLimit;
    }
}
