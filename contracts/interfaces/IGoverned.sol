// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Who governs a contract and how long what weakens it has to wait.
/// @param owner Sets routes and fees, and schedules what weakens security.
/// @param guardian Stops things at once: pauses, revokes, cancels. Never the owner.
/// @param delay Seconds between an operation's schedule and its execution.
struct Governance {
    address owner;
    address guardian;
    uint64 delay;
}

/// @title A contract with an owner, a guardian and a delay on what weakens it
/// @notice What makes the bridge safer happens at once: pause, revoke, cancel, lower a limit. What
/// makes it weaker is scheduled by the owner, waits `delay` seconds in everybody's sight, and may be
/// cancelled by the guardian meanwhile. The contract itself executes it, so no other path exists.
interface IGoverned {
    /// @notice `call` may be executed from `readyAt` on (seconds since 1970).
    event OperationScheduled(bytes32 indexed id, bytes call, uint64 readyAt);
    /// @notice The operation was executed.
    event OperationExecuted(bytes32 indexed id);
    /// @notice The operation was taken back before its execution.
    event OperationCancelled(bytes32 indexed id, address by);
    /// @notice `owner` owns the contract now.
    event OwnerChanged(address indexed owner);
    /// @notice `guardian` guards the contract now.
    event GuardianChanged(address indexed guardian);
    /// @notice Nothing passes for `domain` any more; zero stands for all domains.
    event Paused(uint32 indexed domain, address by);
    /// @notice `domain` is open again; zero stands for the whole.
    event Unpaused(uint32 indexed domain, address by);

    /// @notice `caller` is not the owner.
    error NotOwner(address caller);
    /// @notice `caller` is not the guardian.
    error NotGuardian(address caller);
    /// @notice `caller` is neither the owner nor the guardian.
    error NotOwnerOrGuardian(address caller);
    /// @notice Only a scheduled operation does this; `caller` came by another way.
    error NotScheduled(address caller);
    /// @notice Owner and guardian are two, and neither is zero.
    error InvalidGovernors(address owner, address guardian);
    /// @notice The delay is out of its bounds, in seconds.
    error InvalidDelay(uint64 delay, uint64 minimum, uint64 maximum);
    /// @notice The same operation waits already.
    error OperationKnown(bytes32 id);
    /// @notice No such operation waits.
    error OperationUnknown(bytes32 id);
    /// @notice The operation may be executed from `readyAt` on.
    error OperationNotReady(bytes32 id, uint64 readyAt);
    /// @notice The operation had to be executed by `deadline`.
    error OperationStale(bytes32 id, uint64 deadline);
    /// @notice The operation reverted.
    error OperationFailed(bytes32 id, bytes reason);
    /// @notice `domain` is paused; zero stands for the whole contract.
    error DomainPaused(uint32 domain);

    /// @notice Who owns the contract.
    function owner() external view returns (address);

    /// @notice Who guards the contract.
    function guardian() external view returns (address);

    /// @notice Seconds between an operation's schedule and its execution.
    function delay() external view returns (uint64);

    /// @notice When the operation may be executed, in seconds since 1970; zero for none.
    function readyAt(bytes32 id) external view returns (uint64);

    /// @notice Whether `domain` is paused by itself; zero asks for the whole.
    function paused(uint32 domain) external view returns (bool);

    /// @notice Announces a call of this contract by itself. For the owner.
    /// @param call Selector and arguments.
    /// @return id keccak256 of `call`.
    function schedule(bytes calldata call) external returns (bytes32 id);

    /// @notice Executes what was scheduled. For the owner, from `readyAt` on and for 14 days.
    function execute(bytes calldata call) external;

    /// @notice Takes an operation back. For the owner and the guardian.
    function cancel(bytes32 id) external;

    /// @notice Stops a domain at once, or all with zero. For the owner and the guardian.
    function pause(uint32 domain) external;

    /// @notice Opens a domain again, or the whole with zero. For the guardian at once; for the owner
    /// as a scheduled operation.
    function unpause(uint32 domain) external;

    /// @notice Offers the contract to another owner, who takes it with `acceptOwnership`. A
    /// scheduled operation.
    function offerOwnership(address to) external;

    /// @notice Takes the contract. For the one it was offered to.
    function acceptOwnership() external;

    /// @notice Replaces the guardian. A scheduled operation.
    function setGuardian(address guardian) external;
}
