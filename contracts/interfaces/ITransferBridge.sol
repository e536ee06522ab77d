// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DispatchOptions} from "./IOutbox.sol";

/// @notice The way of one token between two domains. Both ends know it by the same three fields.
/// @param home The domain of the token itself.
/// @param token The token on its home, left-padded to 32 bytes.
/// @param remote The domain where a voucher stands for it.
struct Route {
    uint32 home;
    bytes32 token;
    uint32 remote;
}

/// @notice How much passes one way: a bucket of `capacity`, full at first, that fills up again.
/// @param capacity The most that passes at once; the largest single transfer.
/// @param refillPerSecond What comes back a second, up to `capacity`.
struct Limit {
    uint128 capacity;
    uint128 refillPerSecond;
}

/// @notice All that ever passed a route at this end. None of the three ever falls.
/// @param sent Locked where the token is at home, burned where the voucher is.
/// @param received Released where the token is at home, minted where the voucher is.
/// @param refunded Of what was sent, what came back because its deadline passed.
struct Totals {
    uint256 sent;
    uint256 received;
    uint256 refunded;
}

/// @notice What is remembered of a transfer with a deadline, so that it can be refunded.
/// @param token The token or voucher on this chain.
/// @param value An amount (ERC-20) or a token's id (ERC-721).
struct Transfer {
    uint32 destination;
    address token;
    uint256 value;
    address sender;
}

/// @title Tokens over messages: locked at home and minted elsewhere, burned there and released
/// @notice Each chain has one such contract for a standard. It holds what was locked, for each route
/// apart, and makes the vouchers for tokens of other chains. A voucher goes home and nowhere else. A
/// route that the owner did not enrol carries nothing.
interface ITransferBridge {
    /// @notice The route carries tokens from now on.
    event RouteEnrolled(uint32 indexed home, bytes32 indexed token, uint32 indexed remote);
    /// @notice The limits of the route at this end, for what leaves and what arrives here.
    event LimitsSet(
        uint32 indexed home,
        bytes32 indexed token,
        uint32 indexed remote,
        Limit sending,
        Limit receiving
    );
    /// @notice `voucher` stands for `token` of `home` on this chain.
    event VoucherCreated(uint32 indexed home, bytes32 indexed token, address voucher);
    /// @notice A transfer left this chain.
    event TransferSent(
        bytes32 indexed messageId,
        uint32 indexed destination,
        address indexed token,
        address sender,
        bytes32 recipient,
        uint256 value
    );
    /// @notice A transfer arrived.
    event TransferReceived(
        uint32 indexed origin, address indexed token, address indexed recipient, uint256 value
    );
    /// @notice The deadline of a transfer passed and its sender has back what left.
    event TransferRefunded(
        bytes32 indexed messageId, address indexed token, address indexed sender, uint256 value
    );

    /// @notice The receipts service has no code.
    error ReceiptsHasNoCode(address receipts);
    /// @notice The voucher's contract, or the one that holds its code, was not created.
    error VoucherNotCreated();
    /// @notice The contract is at work: nobody it calls may call it.
    error Reentered();
    /// @notice A route has this chain at one end and another domain at the other.
    error InvalidRoute(uint32 home, bytes32 token, uint32 remote);
    /// @notice The route is enrolled already.
    error RouteKnown(uint32 home, bytes32 token, uint32 remote);
    /// @notice Nothing passes the route: it was not enrolled.
    error RouteUnknown(uint32 home, bytes32 token, uint32 remote);
    /// @notice A part of the bridge, a voucher, or no address of 20 bytes: no token to be locked.
    error ForbiddenToken(bytes32 token);
    /// @notice The token's address holds no contract.
    error TokenHasNoCode(address token);
    /// @notice A higher limit is a scheduled operation.
    error LimitRaised(uint256 current, uint256 given);
    /// @notice The limit lets `available` pass now.
    error LimitExceeded(uint256 wanted, uint256 available);
    /// @notice The route has `locked` here, and no more is given out.
    error NotLocked(uint256 wanted, uint256 locked);
    /// @notice The transfer is of nothing.
    error ZeroValue();
    /// @notice Zero, no address of 20 bytes, the bridge there or the token there.
    error InvalidRecipient(bytes32 recipient);
    /// @notice A voucher goes home, to `expected`.
    error WrongHome(uint32 expected, uint32 got);
    /// @notice With less than `minimum` gas the transfer might never arrive.
    error GasLimitTooLow(uint32 gasLimit, uint256 minimum);
    /// @notice The token's name cannot be asked for with so little gas.
    error InsufficientGas(uint256 needed, uint256 left);
    /// @notice The body is no transfer of this standard.
    error WrongTag(bytes32 tag);
    /// @notice The body has `length` bytes that are not what a transfer has.
    error MalformedBody(uint256 length);
    /// @notice No such transfer waits: it had no deadline, other fields, or was refunded.
    error NotRefundable(bytes32 messageId);
    /// @notice No word came that the transfer expired.
    error NotTimedOut(uint32 destination, bytes32 messageId);

    /// @notice Sends a token to its remote, or a voucher home. The sender lets this contract move a
    /// token beforehand (`approve`); a voucher needs no approval.
    /// @param token A token of this chain, or a voucher.
    /// @param value An amount (ERC-20) or a token's id (ERC-721).
    /// @param recipient Who gets it, left-padded to 32 bytes.
    /// @param options With a deadline, what did not arrive until then can be refunded; without one it
    /// stays deliverable for ever. A gas limit of zero stands for the least that is taken; what a
    /// recipient's hook or a costly token uses is added by the sender.
    function transfer(
        uint32 destination,
        address token,
        uint256 value,
        bytes32 recipient,
        DispatchOptions calldata options
    ) external payable returns (bytes32 messageId);

    /// @notice What `transfer` with the same arguments costs, in wei.
    function quoteTransfer(
        uint32 destination,
        address token,
        uint256 value,
        bytes32 recipient,
        DispatchOptions calldata options
    ) external view returns (uint256 fee);

    /// @notice Gives the sender back what left with a transfer that expired. From anybody, once, when
    /// `Receipts.timedOut` says so; counted against the limit of what arrives here.
    function refund(bytes32 messageId, Transfer calldata sent) external;

    /// @notice Opens a route with its limits, once. For the owner. At the remote end this creates the
    /// voucher.
    function enrol(Route calldata route, Limit calldata sending, Limit calldata receiving) external;

    /// @notice Lowers limits at once, none of the four figures above what it is. For the owner and
    /// the guardian.
    function lowerLimits(Route calldata route, Limit calldata sending, Limit calldata receiving)
        external;

    /// @notice Sets limits, also higher ones. A scheduled operation.
    function setLimits(Route calldata route, Limit calldata sending, Limit calldata receiving)
        external;

    /// @notice The bridge's contract on another domain, once. For the owner.
    function enrolPeer(uint32 domain, bytes32 peer) external;

    /// @notice The domain of this chain.
    function localDomain() external view returns (uint32);

    /// @notice All that passed the route at this end; zero where it was not enrolled.
    function totals(Route calldata route) external view returns (Totals memory);

    /// @notice What was ever locked of a token of this chain for `remote`.
    function lockedTotal(address token, uint32 remote) external view returns (uint256);

    /// @notice What was ever released of a token of this chain on word of `remote`.
    function releasedTotal(address token, uint32 remote) external view returns (uint256);

    /// @notice What was ever minted here of the voucher for `token` of `home`.
    function mintedTotal(uint32 home, bytes32 token) external view returns (uint256);

    /// @notice What was ever burned here of the voucher for `token` of `home`.
    function burnedTotal(uint32 home, bytes32 token) external view returns (uint256);

    /// @notice What was ever refunded at this end of the route.
    function refundedTotal(Route calldata route) external view returns (uint256);

    /// @notice What the contract owes of a token of this chain, over all routes.
    function escrowed(address token) external view returns (uint256);

    /// @notice The route's limits at this end.
    function limits(Route calldata route)
        external
        view
        returns (Limit memory sending, Limit memory receiving);

    /// @notice What the limits let pass now.
    function available(Route calldata route)
        external
        view
        returns (uint256 sending, uint256 receiving);

    /// @notice The voucher for `token` of `home` on this chain; zero before its enrolment. Its
    /// address follows from this contract's and the two arguments (CREATE2).
    function voucherOf(uint32 home, bytes32 token) external view returns (address);

    /// @notice What a voucher of this chain stands for; zeros for what is none.
    function homeOf(address voucher) external view returns (uint32 home, bytes32 token);

    /// @notice The hash of a transfer that may be refunded; zero for none.
    function pending(bytes32 messageId) external view returns (bytes32);
}
