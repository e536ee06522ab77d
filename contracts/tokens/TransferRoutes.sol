// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MessageClient} from "../client/MessageClient.sol";
import {Governed} from "../governance/Governed.sol";
import {Governance} from "../interfaces/IGoverned.sol";
import {IInbox} from "../interfaces/IInbox.sol";
import {IOutbox} from "../interfaces/IOutbox.sol";
import {IReceipts} from "../interfaces/IReceipts.sol";
import {ITransferBridge, Limit, Route, Totals} from "../interfaces/ITransferBridge.sol";
import {RateLimit} from "../libraries/RateLimit.sol";

/// @title The routes of a bridge of tokens: their vouchers, limits and totals
abstract contract TransferRoutes is ITransferBridge, Governed, MessageClient {
    using RateLimit for RateLimit.Bucket;

    /// One end of a route.
    struct End {
        RateLimit.Bucket sending;
        RateLimit.Bucket receiving;
        Totals totals;
    }

    struct Home {
        uint32 domain;
        bytes32 token;
    }

    /// @inheritdoc ITransferBridge
    uint32 public immutable localDomain;
    /// @notice Where word of expired transfers arrives.
    IReceipts public immutable receipts;
    /// A contract that holds the creation code of vouchers, which does not fit into this one.
    address private immutable voucherCode;
    bytes32 private immutable voucherCodeHash;

    mapping(bytes32 routeId => End) private ends;
    /// @inheritdoc ITransferBridge
    mapping(address voucher => Home) public homeOf;
    /// @inheritdoc ITransferBridge
    mapping(uint32 home => mapping(bytes32 token => address)) public voucherOf;

    constructor(
        IOutbox outbox_,
        IInbox inbox_,
        IReceipts receipts_,
        Governance memory governance,
        bytes memory voucherCode_
    ) MessageClient(outbox_, inbox_) Governed(governance) {
        if (address(receipts_).code.length == 0) revert ReceiptsHasNoCode(address(receipts_));
        localDomain = outbox_.localDomain();
        receipts = receipts_;
        voucherCode = _stored(voucherCode_);
        voucherCodeHash = keccak256(voucherCode_);
    }

    /// @inheritdoc ITransferBridge
    function enrol(Route calldata route, Limit calldata sending, Limit calldata receiving)
        external
        onlyOwner
    {
        (uint32 home, bytes32 token, uint32 remote) = (route.home, route.token, route.remote);
        if (home == remote || home == 0 || remote == 0 || token == 0) {
            revert InvalidRoute(home, token, remote);
        }
        End storage end = ends[_idOf(route)];
        if (end.sending.updatedAt != 0) revert RouteKnown(home, token, remote);
        if (home == localDomain) {
            _requireToken(token);
        } else if (remote == localDomain) {
            address voucher = _createVoucher(_saltOf(home, token));
            voucherOf[home][token] = voucher;
            homeOf[voucher] = Home(home, token);
            emit VoucherCreated(home, token, voucher);
        } else {
            revert InvalidRoute(home, token, remote);
        }
        end.sending.open(sending);
        end.receiving.open(receiving);
        emit RouteEnrolled(home, token, remote);
        emit LimitsSet(home, token, remote, sending, receiving);
    }

    /// @inheritdoc ITransferBridge
    function lowerLimits(Route calldata route, Limit calldata sending, Limit calldata receiving)
        external
        onlyOwnerOrGuardian
    {
        End storage end = _end(route);
        _requireLower(end.sending.limitOf(), sending);
        _requireLower(end.receiving.limitOf(), receiving);
        _setLimits(end, route, sending, receiving);
    }

    /// @inheritdoc ITransferBridge
    function setLimits(Route calldata route, Limit calldata sending, Limit calldata receiving)
        external
        onlyScheduled
    {
        _setLimits(_end(route), route, sending, receiving);
    }

    /// @inheritdoc ITransferBridge
    function enrolPeer(uint32 domain, bytes32 peer) external onlyOwner {
        _enrolPeer(domain, peer);
    }

    /// @inheritdoc ITransferBridge
    function totals(Route memory route) public view returns (Totals memory) {
        return ends[_idOf(route)].totals;
    }

    /// @inheritdoc ITransferBridge
    function lockedTotal(address token, uint32 remote) external view returns (uint256) {
        return totals(Route(localDomain, _padded(token), remote)).sent;
    }

    /// @inheritdoc ITransferBridge
    function releasedTotal(address token, uint32 remote) external view returns (uint256) {
        return totals(Route(localDomain, _padded(token), remote)).received;
    }

    /// @inheritdoc ITransferBridge
    function mintedTotal(uint32 home, bytes32 token) external view returns (uint256) {
        return totals(Route(home, token, localDomain)).received;
    }

    /// @inheritdoc ITransferBridge
    function burnedTotal(uint32 home, bytes32 token) external view returns (uint256) {
        return totals(Route(home, token, localDomain)).sent;
    }

    /// @inheritdoc ITransferBridge
    function refundedTotal(Route calldata route) external view returns (uint256) {
        return totals(route).refunded;
    }

    /// @inheritdoc ITransferBridge
    function limits(Route calldata route)
        external
        view
        returns (Limit memory sending, Limit memory receiving)
    {
        End storage end = ends[_idOf(route)];
        return (end.sending.limitOf(), end.receiving.limitOf());
    }

    /// @inheritdoc ITransferBridge
    function available(Route calldata route)
        external
        view
        returns (uint256 sending, uint256 receiving)
    {
        End storage end = ends[_idOf(route)];
        return (end.sending.available(), end.receiving.available());
    }

    // For an heir

    function _end(Route memory route) internal view returns (End storage end) {
        end = ends[_idOf(route)];
        if (end.sending.updatedAt == 0) {
            revert RouteUnknown(route.home, route.token, route.remote);
        }
    }

    function _requireToken(bytes32 padded) private view {
        address token = _address(padded);
        if (
            uint256(padded) >> 160 != 0 || token == address(this) || token == address(outbox)
                || token == address(inbox) || token == address(receipts)
                || homeOf[token].domain != 0
        ) revert ForbiddenToken(padded);
        if (token.code.length == 0) revert TokenHasNoCode(token);
    }

    function _pass(RateLimit.Bucket storage bucket, uint256 units) internal {
        uint256 left = bucket.available();
        if (units > left) revert LimitExceeded(units, left);
        bucket.take(units);
    }

    // Vouchers

    /// A contract whose code is a STOP and `code`.
    function _stored(bytes memory code) private returns (address holder) {
        // push2 length, dup1, push1 10, push0, codecopy, push0, return: what is behind these bytes.
        bytes memory creation = abi.encodePacked(
            hex"61", uint16(code.length + 1), hex"80600a5f395ff3", hex"00", code
        );
        assembly ("memory-safe") {
            holder := create(0, add(creation, 0x20), mload(creation))
        }
        if (holder == address(0)) revert VoucherNotCreated();
    }

    function _createVoucher(bytes32 salt) private returns (address voucher) {
        address from = voucherCode;
        assembly ("memory-safe") {
            let length := sub(extcodesize(from), 1)
            let code := mload(0x40)
            extcodecopy(from, code, 1, length)
            voucher := create2(0, code, length, salt)
        }
        if (voucher == address(0)) revert VoucherNotCreated();
    }

    /// The voucher's address at a bridge of the same build (EIP-1014).
    function _voucherAt(bytes32 bridge, bytes32 salt) internal view returns (bytes32) {
        bytes32 digest =
            keccak256(abi.encodePacked(bytes1(0xff), _address(bridge), salt, voucherCodeHash));
        return _padded(_address(digest));
    }

    function _saltOf(uint32 home, bytes32 token) internal pure returns (bytes32) {
        return keccak256(abi.encode(home, token));
    }

    function _idOf(Route memory route) private pure returns (bytes32) {
        return keccak256(abi.encode(route));
    }

    function _padded(address account) internal pure returns (bytes32) {
        return bytes32(uint256(uint160(account)));
    }

    function _address(bytes32 padded) internal pure returns (address) {
        return address(uint160(uint256(padded)));
    }

    function _setLimits(
        End storage end,
        Route calldata route,
        Limit calldata sending,
        Limit calldata receiving
    ) private {
        end.sending.change(sending);
        end.receiving.change(receiving);
        emit LimitsSet(route.home, route.token, route.remote, sending, receiving);
    }

    function _requireLower(Limit memory current, Limit calldata given) private pure {
        if (given.capacity > current.capacity) revert LimitRaised(current.capacity, given.capacity);
        if (given.refillPerSecond > current.refillPerSecond) {
            revert LimitRaised(current.refillPerSecond, given.refillPerSecond);
        }
    }
}
