// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MessageClient} from "../client/MessageClient.sol";
import {Governed} from "../governance/Governed.sol";
import {Governance} from "../interfaces/IGoverned.sol";
import {IInbox} from "../interfaces/IInbox.sol";
import {DispatchOptions, IOutbox} from "../interfaces/IOutbox.sol";
import {IReceipts} from "../interfaces/IReceipts.sol";
import {ITransferBridge, Limit, Route, Totals, Transfer} from "../interfaces/ITransferBridge.sol";
import {RateLimit} from "../libraries/RateLimit.sol";
import {TransferLib} from "../libraries/TransferLib.sol";

/// @title What the bridges of all token standards share: routes, limits, totals, refunds
/// @dev An heir moves tokens, makes vouchers and says how much a value counts. Whatever it calls may
/// call back: everything is written before, and no entry is open meanwhile.
abstract contract TransferBridge is ITransferBridge, Governed, MessageClient {
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

    /// What a delivery may use before a word of its description is stored: measured at most 190,000
    /// with a plain token, and to spare.
    uint256 internal constant BASE_GAS = 280_000;
    /// A word of new storage, and one more for the length of each text.
    uint256 internal constant WORD_GAS = 23_000;

    /// @inheritdoc ITransferBridge
    uint32 public immutable localDomain;
    /// @notice Where word of expired transfers arrives.
    IReceipts public immutable receipts;
    bytes32 private immutable tag;
    /// A contract that holds the creation code of vouchers, which does not fit into this one.
    address private immutable voucherCode;
    bytes32 private immutable voucherCodeHash;

    mapping(bytes32 routeId => End) private ends;
    /// @inheritdoc ITransferBridge
    mapping(address token => uint256) public escrowed;
    /// @inheritdoc ITransferBridge
    mapping(address voucher => Home) public homeOf;
    /// @inheritdoc ITransferBridge
    mapping(uint32 home => mapping(bytes32 token => address)) public voucherOf;
    /// @inheritdoc ITransferBridge
    mapping(bytes32 messageId => bytes32) public pending;
    bool private transient working;

    modifier once() {
        if (working) revert Reentered();
        working = true;
        _;
        working = false;
    }

    constructor(
        IOutbox outbox_,
        IInbox inbox_,
        IReceipts receipts_,
        Governance memory governance,
        bytes32 tag_,
        bytes memory voucherCode_
    ) MessageClient(outbox_, inbox_) Governed(governance) {
        if (address(receipts_).code.length == 0) revert ReceiptsHasNoCode(address(receipts_));
        localDomain = outbox_.localDomain();
        receipts = receipts_;
        tag = tag_;
        voucherCode = _stored(voucherCode_);
        voucherCodeHash = keccak256(voucherCode_);
    }

    /// @inheritdoc ITransferBridge
    function transfer(
        uint32 destination,
        address token,
        uint256 value,
        bytes32 recipient,
        DispatchOptions calldata options
    ) external payable once whenOpen(destination) returns (bytes32 messageId) {
        Route memory route = _routeOf(destination, token);
        (bytes memory body, DispatchOptions memory completed) =
            _prepared(route, destination, token, value, recipient, options);
        uint256 units = _units(value);
        End storage end = _end(route);
        _pass(end.sending, units);
        end.totals.sent += units;
        if (route.home == localDomain) {
            if (token.code.length == 0) revert TokenHasNoCode(token);
            escrowed[token] += units;
            _lock(token, msg.sender, value, destination);
        } else {
            _burn(token, msg.sender, value);
        }
        messageId = _dispatch(destination, body, completed, msg.value);
        if (options.deadline != 0) {
            pending[messageId] =
                keccak256(abi.encode(Transfer(destination, token, value, msg.sender)));
        }
        emit TransferSent(messageId, destination, token, msg.sender, recipient, value);
    }

    /// @inheritdoc ITransferBridge
    function refund(bytes32 messageId, Transfer calldata sent)
        external
        once
        whenOpen(sent.destination)
    {
        if (pending[messageId] != keccak256(abi.encode(sent))) revert NotRefundable(messageId);
        // The Inbox there delivers nothing that expired and lets nothing expire that it delivered.
        if (!receipts.timedOut(sent.destination, messageId)) {
            revert NotTimedOut(sent.destination, messageId);
        }
        delete pending[messageId];
        Route memory route = _routeOf(sent.destination, sent.token);
        uint256 units = _units(sent.value);
        End storage end = _end(route);
        _pass(end.receiving, units);
        if (route.home == localDomain) {
            _free(end.totals, sent.token, units);
            end.totals.refunded += units;
            _giveBack(sent.token, sent.sender, sent.value, sent.destination);
        } else {
            end.totals.refunded += units;
            _mintAgain(sent.token, sent.sender, sent.value);
        }
        emit TransferRefunded(messageId, sent.token, sent.sender, sent.value);
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
    function quoteTransfer(
        uint32 destination,
        address token,
        uint256 value,
        bytes32 recipient,
        DispatchOptions calldata options
    ) external view returns (uint256) {
        (bytes memory body, DispatchOptions memory completed) = _prepared(
            _routeOf(destination, token), destination, token, value, recipient, options
        );
        return outbox.quoteDispatch(destination, peers[destination], body, completed);
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

    // What an heir does

    /// How much `value` counts for limits and totals; reverts where it is no transfer at all.
    function _units(uint256 value) internal pure virtual returns (uint256);

    /// What the voucher is told of the token that is sent, as `TransferLib.describe` has it.
    function _describe(address token, uint256 value) internal view virtual returns (bytes memory);

    /// Takes `value` of `token` from `from`, to hold it for `remote`.
    function _lock(address token, address from, uint256 value, uint32 remote) internal virtual;

    /// Gives what was held for `remote` to `to`, who may be anybody.
    function _release(address token, address to, uint256 value, uint32 remote) internal virtual;

    /// Gives what was held for `remote` back to `to`, who had it before.
    function _giveBack(address token, address to, uint256 value, uint32 remote) internal virtual;

    function _mint(address voucher, address to, uint256 value, bytes calldata description)
        internal
        virtual;

    /// Mints what was burned again, for who had it before.
    function _mintAgain(address voucher, address to, uint256 value) internal virtual;

    function _burn(address voucher, address from, uint256 value) internal virtual;

    // Arrivals

    function _handle(uint32 origin, bytes calldata body) internal override once {
        _requireOpen(origin);
        (
            uint32 home,
            bytes32 token,
            uint256 value,
            bytes32 recipient,
            bytes calldata description
        ) = TransferLib.decode(tag, body);
        uint256 units = _units(value);
        address local;
        if (home == origin) {
            End storage end = _end(Route(origin, token, localDomain));
            _pass(end.receiving, units);
            end.totals.received += units;
            local = voucherOf[origin][token];
            _requireRecipient(recipient, _padded(address(this)), _padded(local));
            _mint(local, _address(recipient), value, description);
        } else {
            if (home != localDomain) revert WrongHome(localDomain, home);
            if (description.length != 0) revert MalformedBody(body.length);
            End storage end = _end(Route(localDomain, token, origin));
            _pass(end.receiving, units);
            local = _address(token); // a route is enrolled for clean addresses only
            _free(end.totals, local, units);
            end.totals.received += units;
            _requireRecipient(recipient, _padded(address(this)), token);
            _release(local, _address(recipient), value, origin);
        }
        emit TransferReceived(origin, local, _address(recipient), value);
    }

    // Departures

    function _routeOf(uint32 destination, address token) private view returns (Route memory) {
        Home memory home = homeOf[token];
        if (home.domain == 0) return Route(localDomain, _padded(token), destination);
        if (home.domain != destination) revert WrongHome(home.domain, destination);
        return Route(home.domain, home.token, localDomain);
    }

    /// The body of a transfer, and the options with what the sender left out.
    function _prepared(
        Route memory route,
        uint32 destination,
        address token,
        uint256 value,
        bytes32 recipient,
        DispatchOptions calldata options
    ) private view returns (bytes memory body, DispatchOptions memory completed) {
        _end(route); // before the token is asked for anything
        bytes32 peer = peers[destination];
        bool leaving = route.home == localDomain;
        // Reverts at the destination as well; here nothing has left yet.
        _requireRecipient(
            recipient,
            peer,
            leaving ? _voucherAt(peer, _saltOf(route.home, route.token)) : route.token
        );
        bytes memory description = leaving ? _describe(token, value) : bytes("");
        body = TransferLib.encode(tag, route.home, route.token, value, recipient, description);
        uint256 least = BASE_GAS;
        if (leaving) least += WORD_GAS * (3 + (description.length + 31) / 32);
        if (options.gasLimit != 0 && options.gasLimit < least) {
            revert GasLimitTooLow(options.gasLimit, least);
        }
        completed = DispatchOptions(
            options.deadline,
            options.gasLimit == 0 ? uint32(least) : options.gasLimit, // below 1,000,000
            options.refundTo == address(0) ? msg.sender : options.refundTo
        );
    }

    // Limits and totals

    function _pass(RateLimit.Bucket storage bucket, uint256 units) private {
        uint256 left = bucket.available();
        if (units > left) revert LimitExceeded(units, left);
        bucket.take(units);
    }

    /// Lets `units` go of what is locked for the route, and for no other.
    function _free(Totals storage passed, address token, uint256 units) private {
        uint256 locked = passed.sent - passed.received - passed.refunded;
        if (units > locked) revert NotLocked(units, locked);
        escrowed[token] -= units;
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

    // Routes and addresses

    function _end(Route memory route) private view returns (End storage end) {
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

    function _requireRecipient(bytes32 recipient, bytes32 bridge, bytes32 token) private pure {
        if (
            recipient == 0 || uint256(recipient) >> 160 != 0 || recipient == bridge
                || recipient == token
        ) revert InvalidRecipient(recipient);
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
    function _voucherAt(bytes32 bridge, bytes32 salt) private view returns (bytes32) {
        bytes32 digest =
            keccak256(abi.encodePacked(bytes1(0xff), _address(bridge), salt, voucherCodeHash));
        return _padded(_address(digest));
    }

    function _saltOf(uint32 home, bytes32 token) private pure returns (bytes32) {
        return keccak256(abi.encode(home, token));
    }

    function _idOf(Route memory route) private pure returns (bytes32) {
        return keccak256(abi.encode(route));
    }

    function _padded(address account) private pure returns (bytes32) {
        return bytes32(uint256(uint160(account)));
    }

    function _address(bytes32 padded) private pure returns (address) {
        return address(uint160(uint256(padded)));
    }
}
