// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "../../node_modules/@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "../../node_modules/@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Governance} from "../interfaces/IGoverned.sol";
import {IInbox} from "../interfaces/IInbox.sol";
import {IOutbox} from "../interfaces/IOutbox.sol";
import {IReceipts} from "../interfaces/IReceipts.sol";
import {ITokenBridge} from "../interfaces/ITokenBridge.sol";
import {TokenMetadata} from "../libraries/TokenMetadata.sol";
import {TransferLib} from "../libraries/TransferLib.sol";
import {TokenVoucher} from "./TokenVoucher.sol";
import {TransferBridge} from "./TransferBridge.sol";

/// @title The bridge of ERC-20 tokens
contract TokenBridge is ITokenBridge, TransferBridge {
    using SafeERC20 for IERC20;

    /// @notice What the body of a transfer begins with.
    bytes32 public constant TRANSFER_TAG = keccak256("astralink/transfer/v1/erc20");

    constructor(
        IOutbox outbox_,
        IInbox inbox_,
        IReceipts receipts_,
        Governance memory governance
    )
        TransferBridge(
            outbox_,
            inbox_,
            receipts_,
            governance,
            TRANSFER_TAG,
            type(TokenVoucher).creationCode
        )
    {}

    function _units(uint256 value) internal pure override returns (uint256) {
        if (value == 0) revert ZeroValue();
        return value;
    }

    function _describe(address token, uint256) internal view override returns (bytes memory) {
        return TransferLib.describe(
            TokenMetadata.decimals(token),
            TokenMetadata.name(token),
            TokenMetadata.symbol(token),
            ""
        );
    }

    function _lock(address token, address from, uint256 value, uint32) internal override {
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(from, address(this), value);
        _requireMoved(value, before, IERC20(token).balanceOf(address(this)));
    }

    /// What the recipient has in the end is not looked at: a token that takes a fee since it was
    /// locked takes it from him.
    function _release(address token, address to, uint256 value, uint32) internal override {
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransfer(to, value);
        _requireMoved(value, IERC20(token).balanceOf(address(this)), before);
    }

    function _giveBack(address token, address to, uint256 value, uint32 remote) internal override {
        _release(token, to, value, remote);
    }

    function _mint(address voucher, address to, uint256 value, bytes calldata description)
        internal
        override
    {
        (uint8 decimals, string calldata name, string calldata symbol, string calldata uri) =
            TransferLib.described(description);
        if (bytes(uri).length != 0) revert MalformedBody(description.length);
        if (!TokenVoucher(voucher).described()) {
            TokenVoucher(voucher).describe(name, symbol, decimals);
        }
        TokenVoucher(voucher).mint(to, value);
    }

    function _mintAgain(address voucher, address to, uint256 value) internal override {
        TokenVoucher(voucher).mint(to, value);
    }

    function _burn(address voucher, address from, uint256 value) internal override {
        TokenVoucher(voucher).burn(from, value);
    }

    function _requireMoved(uint256 value, uint256 less, uint256 more) private pure {
        uint256 moved = more > less ? more - less : 0;
        if (moved != value) revert AmountMismatch(value, moved);
    }
}
