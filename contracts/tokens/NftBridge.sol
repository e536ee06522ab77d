// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC721} from "../../node_modules/@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {Governance} from "../interfaces/IGoverned.sol";
import {IInbox} from "../interfaces/IInbox.sol";
import {INftBridge} from "../interfaces/INftBridge.sol";
import {IOutbox} from "../interfaces/IOutbox.sol";
import {IReceipts} from "../interfaces/IReceipts.sol";
import {TokenMetadata} from "../libraries/TokenMetadata.sol";
import {TransferLib} from "../libraries/TransferLib.sol";
import {NftVoucher} from "./NftVoucher.sol";
import {TransferBridge} from "./TransferBridge.sol";

/// @title The bridge of ERC-721 tokens
/// @notice What arrives goes to a contract only if it says that it takes such tokens
/// (`onERC721Received`); else the message stays deliverable, and a transfer with a deadline comes
/// back. What comes back goes to who had it before, without asking.
contract NftBridge is INftBridge, TransferBridge {
    /// @notice What the body of a transfer begins with.
    bytes32 public constant TRANSFER_TAG = keccak256("astralink/transfer/v1/erc721");

    /// @inheritdoc INftBridge
    mapping(address token => mapping(uint256 id => uint32 remote)) public lockedFor;

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
            type(NftVoucher).creationCode
        )
    {}

    function _units(uint256) internal pure override returns (uint256) {
        return 1;
    }

    function _describe(address token, uint256 id) internal view override returns (bytes memory) {
        return TransferLib.describe(
            0, TokenMetadata.name(token), TokenMetadata.symbol(token), TokenMetadata.uri(token, id)
        );
    }

    function _lock(address token, address from, uint256 id, uint32 remote) internal override {
        if (lockedFor[token][id] != 0) revert NotLockedFor(token, id, lockedFor[token][id], 0);
        lockedFor[token][id] = remote;
        IERC721(token).transferFrom(from, address(this), id);
        address owner_ = IERC721(token).ownerOf(id);
        if (owner_ != address(this)) revert NotMoved(token, id, owner_);
    }

    function _release(address token, address to, uint256 id, uint32 remote) internal override {
        _unlock(token, id, remote);
        IERC721(token).safeTransferFrom(address(this), to, id);
        _requireGone(token, id);
    }

    function _giveBack(address token, address to, uint256 id, uint32 remote) internal override {
        _unlock(token, id, remote);
        IERC721(token).transferFrom(address(this), to, id);
        _requireGone(token, id);
    }

    function _mint(address voucher, address to, uint256 id, bytes calldata description)
        internal
        override
    {
        (uint8 decimals, string calldata name, string calldata symbol, string calldata uri) =
            TransferLib.described(description);
        if (decimals != 0) revert MalformedBody(description.length);
        if (!NftVoucher(voucher).described()) NftVoucher(voucher).describe(name, symbol);
        NftVoucher(voucher).mint(to, id, uri);
    }

    function _mintAgain(address voucher, address to, uint256 id) internal override {
        NftVoucher(voucher).mintAgain(to, id);
    }

    function _burn(address voucher, address from, uint256 id) internal override {
        NftVoucher(voucher).burn(from, id);
    }

    function _unlock(address token, uint256 id, uint32 remote) private {
        if (lockedFor[token][id] != remote) {
            revert NotLockedFor(token, id, lockedFor[token][id], remote);
        }
        delete lockedFor[token][id];
    }

    /// The recipient may have handed it on already, so anybody may own it but this contract.
    function _requireGone(address token, uint256 id) private view {
        if (IERC721(token).ownerOf(id) == address(this)) {
            revert NotMoved(token, id, address(this));
        }
    }
}
