// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What a sender may ask for a message.
/// @param deadline Seconds since 1970 by the destination's clock, the last at which the message is
/// delivered; zero for no end.
/// @param gasLimit Gas that the recipient may use; zero for 300,000.
/// @param refundTo Who gets back what was paid too much; zero for the sender.
struct DispatchOptions {
    uint64 deadline;
    uint32 gasLimit;
    address refundTo;
}

/// @notice What a delivery costs on a destination, in wei of this chain.
/// @param weiPerGas What a unit of the destination's gas is worth here.
/// @param overheadGas Gas of a delivery beside the recipient's.
/// @param gasPerByte Gas of a byte of the body.
struct FeeSchedule {
    uint96 weiPerGas;
    uint32 overheadGas;
    uint32 gasPerByte;
}

/// @title Where messages leave a chain
interface IOutbox {
    /// @notice A message was dispatched; `message` is its whole encoding.
    event Dispatch(
        address indexed sender,
        uint32 indexed destination,
        bytes32 indexed recipient,
        bytes message
    );
    /// @notice The identifier of the message dispatched just before.
    event DispatchId(bytes32 indexed messageId);
    /// @notice `fee` wei were paid for the delivery of the message, with `gasLimit` for its
    /// recipient.
    event GasPaid(bytes32 indexed messageId, uint256 fee, uint256 gasLimit);
    /// @notice Messages to `domain` are taken from now on.
    event DestinationEnrolled(uint32 indexed domain);
    /// @notice Deliveries on `domain` are charged by `schedule` from now on.
    event FeeScheduleSet(uint32 indexed domain, FeeSchedule schedule);
    /// @notice Fees were paid out, in wei.
    event FeesWithdrawn(address indexed to, uint256 amount);

    /// @notice No route leads to `domain`.
    error UnknownDestination(uint32 domain);
    /// @notice `domain` is this chain's own, or zero.
    error InvalidDomain(uint32 domain);
    /// @notice `domain` stands in the list of destinations already.
    error DestinationKnown(uint32 domain);
    /// @notice The body has `length` bytes and at most `limit` are taken.
    error BodyTooLong(uint256 length, uint256 limit);
    /// @notice The recipient is zero.
    error ZeroRecipient();
    /// @notice The deadline has passed on this chain already, in seconds since 1970.
    error DeadlinePassed(uint64 deadline, uint256 timestamp);
    /// @notice No message may ask for more gas than `limit`.
    error GasLimitTooHigh(uint32 gasLimit, uint32 limit);
    /// @notice The fee is `expected` wei.
    error FeeTooLow(uint256 expected, uint256 got);
    /// @notice `to` does not take what was paid too much.
    error RefundFailed(address to, uint256 amount);
    /// @notice `to` does not take the fees.
    error WithdrawalFailed(address to, uint256 amount);

    /// @notice Appends a message to the tree, without a deadline and with 300,000 gas.
    /// @param destination The domain to deliver it on.
    /// @param recipient The contract to deliver it to, left-padded to 32 bytes.
    /// @param body At most `MAX_BODY_BYTES` bytes.
    /// @return messageId keccak256 of the message's encoding, the leaf of the tree.
    function dispatch(uint32 destination, bytes32 recipient, bytes calldata body)
        external
        payable
        returns (bytes32 messageId);

    /// @notice Appends a message to the tree, with options.
    function dispatch(
        uint32 destination,
        bytes32 recipient,
        bytes calldata body,
        DispatchOptions calldata options
    ) external payable returns (bytes32 messageId);

    /// @notice What `dispatch` with the same arguments costs, in wei.
    function quoteDispatch(uint32 destination, bytes32 recipient, bytes calldata body)
        external
        view
        returns (uint256 fee);

    /// @notice What `dispatch` with the same arguments costs, in wei.
    function quoteDispatch(
        uint32 destination,
        bytes32 recipient,
        bytes calldata body,
        DispatchOptions calldata options
    ) external view returns (uint256 fee);

    /// @notice Opens the route to `domain`. For the owner; never closed again, but paused.
    function enrolDestination(uint32 domain) external;

    /// @notice Sets what deliveries on `domain` cost. For the owner.
    function setFeeSchedule(uint32 domain, FeeSchedule calldata schedule) external;

    /// @notice Pays all fees out to `to`. For the owner.
    function withdrawFees(address to) external;

    /// @notice The domain of this chain.
    function localDomain() external view returns (uint32);

    /// @notice Whether messages to `domain` are taken, but for a pause.
    function isDestination(uint32 domain) external view returns (bool);

    /// @notice What deliveries on `domain` cost.
    function feeSchedule(uint32 domain) external view returns (FeeSchedule memory);

    /// @notice How many messages were dispatched, which is the next one's nonce.
    function count() external view returns (uint32);

    /// @notice The root of the tree of all messages; zero before the first.
    function root() external view returns (bytes32);
}
