// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Governance, IGoverned} from "../interfaces/IGoverned.sol";

/// @title An owner who must wait, a guardian who need not, and a pause by domain
abstract contract Governed is IGoverned {
    /// @notice No contract has a shorter delay, in seconds.
    uint64 public constant MINIMUM_DELAY = 1 hours;
    /// @notice No contract has a longer delay, in seconds.
    uint64 public constant MAXIMUM_DELAY = 30 days;
    /// @notice For so long an operation may be executed once it is ready, in seconds.
    uint64 public constant GRACE = 14 days;

    /// @inheritdoc IGoverned
    uint64 public immutable delay;

    /// @inheritdoc IGoverned
    address public owner;
    /// @notice Who may take the contract; zero for nobody.
    address public offeredTo;
    /// @inheritdoc IGoverned
    address public guardian;
    /// @inheritdoc IGoverned
    mapping(bytes32 id => uint64 timestamp) public readyAt;
    /// @inheritdoc IGoverned
    mapping(uint32 domain => bool) public paused;

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner(msg.sender);
        _;
    }

    modifier onlyGuardian() {
        if (msg.sender != guardian) revert NotGuardian(msg.sender);
        _;
    }

    modifier onlyOwnerOrGuardian() {
        if (msg.sender != owner && msg.sender != guardian) revert NotOwnerOrGuardian(msg.sender);
        _;
    }

    /// The contract calls itself in `execute` and nowhere else.
    modifier onlyScheduled() {
        if (msg.sender != address(this)) revert NotScheduled(msg.sender);
        _;
    }

    modifier whenOpen(uint32 domain) {
        _requireOpen(domain);
        _;
    }

    constructor(Governance memory governance) {
        if (governance.delay < MINIMUM_DELAY || governance.delay > MAXIMUM_DELAY) {
            revert InvalidDelay(governance.delay, MINIMUM_DELAY, MAXIMUM_DELAY);
        }
        delay = governance.delay;
        _requireApart(governance.owner, governance.guardian);
        owner = governance.owner;
        guardian = governance.guardian;
        emit OwnerChanged(governance.owner);
        emit GuardianChanged(governance.guardian);
    }

    /// @inheritdoc IGoverned
    function schedule(bytes calldata call) external onlyOwner returns (bytes32 id) {
        id = keccak256(call);
        if (readyAt[id] != 0) revert OperationKnown(id);
        uint64 timestamp = uint64(block.timestamp) + delay;
        readyAt[id] = timestamp;
        emit OperationScheduled(id, call, timestamp);
    }

    /// @inheritdoc IGoverned
    function execute(bytes calldata call) external onlyOwner {
        bytes32 id = keccak256(call);
        uint64 timestamp = readyAt[id];
        if (timestamp == 0) revert OperationUnknown(id);
        if (block.timestamp < timestamp) revert OperationNotReady(id, timestamp);
        if (block.timestamp > timestamp + GRACE) revert OperationStale(id, timestamp + GRACE);
        delete readyAt[id];
        (bool done, bytes memory reason) = address(this).call(call);
        if (!done) revert OperationFailed(id, reason);
        emit OperationExecuted(id);
    }

    /// @inheritdoc IGoverned
    function cancel(bytes32 id) external onlyOwnerOrGuardian {
        if (readyAt[id] == 0) revert OperationUnknown(id);
        delete readyAt[id];
        emit OperationCancelled(id, msg.sender);
    }

    /// @inheritdoc IGoverned
    function pause(uint32 domain) external onlyOwnerOrGuardian {
        paused[domain] = true;
        emit Paused(domain, msg.sender);
    }

    /// @inheritdoc IGoverned
    function unpause(uint32 domain) external {
        if (msg.sender != guardian && msg.sender != address(this)) revert NotGuardian(msg.sender);
        paused[domain] = false;
        emit Unpaused(domain, msg.sender);
    }

    /// @inheritdoc IGoverned
    function offerOwnership(address to) external onlyScheduled {
        _requireApart(to, guardian);
        offeredTo = to;
    }

    /// @inheritdoc IGoverned
    function acceptOwnership() external {
        if (msg.sender != offeredTo) revert NotOwner(msg.sender);
        // The guardian may have changed since the offer.
        _requireApart(msg.sender, guardian);
        owner = msg.sender;
        offeredTo = address(0);
        emit OwnerChanged(msg.sender);
    }

    /// @inheritdoc IGoverned
    function setGuardian(address guardian_) external onlyScheduled {
        _requireApart(owner, guardian_);
        guardian = guardian_;
        emit GuardianChanged(guardian_);
    }

    function _requireOpen(uint32 domain) internal view {
        if (paused[0]) revert DomainPaused(0);
        if (paused[domain]) revert DomainPaused(domain);
    }

    function _requireApart(address owner_, address guardian_) private pure {
        if (owner_ == address(0) || guardian_ == address(0) || owner_ == guardian_) {
            revert InvalidGovernors(owner_, guardian_);
        }
    }
}
