// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Governance} from "../interfaces/IGoverned.sol";
import {IInbox} from "../interfaces/IInbox.sol";
import {DispatchOptions, IOutbox} from "../interfaces/IOutbox.sol";
import {IReceipts} from "../interfaces/IReceipts.sol";
import {ITransferBridge, Route, Totals, Transfer} from "../interfaces/ITransferBridge.sol";
import {RateLimit} from "../libraries/RateLimit.sol";
import {TransferLib} from "../libraries/TransferLib.sol";
import {TransferRoutes} from "./TransferRoutes.sol";

/// @title What the bridges of all token standards share: transfers, arrivals, refunds
/// @dev An heir moves tokens, makes vouchers and says how much a value counts. Whatever it calls may
/// call back: everything is written before, and no entry is open meanwhile.
abstract contract TransferBridge is TransferRoutes {
    using RateLimit for RateLimit.Bucket;

    /// What a delivery may use before a word of its description is stored. Measured 90,000 at most,
    /// with plain tokens and nothing warm; the rest is for what a token does besides.
    uint256 internal constant BASE_GAS = 200_000;
    /// A word of new storage. Each text has one more, for its length.
    uint256 internal constant WORD_GAS = 23_000;

    bytes32 private immutable tag;

    /// @inheritdoc ITransferBridge
    mapping(address token => uint256) public escrowed;
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
    ) TransferRoutes(outbox_, inbox_, receipts_, governance, voucherCode_) {
        tag = tag_;
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

    /// Lets `units` go of what is locked for the route, and for no other.
    function _free(Totals storage passed, address token, uint256 units) private {
        uint256 locked = passed.sent - passed.received - passed.refunded;
        if (units > locked) revert NotLocked(units, locked);
        escrowed[token] -= units;
    }

    function _requireRecipient(bytes32 recipient, bytes32 bridge, bytes32 token) private pure {
        if (
            recipient == 0 || uint256(recipient) >> 160 != 0 || recipient == bridge
                || recipient == token
        ) revert InvalidRecipient(recipient);
    }
}
