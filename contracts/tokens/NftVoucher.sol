// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC721} from "../../node_modules/@openzeppelin/contracts/token/ERC721/ERC721.sol";

/// @title Vouchers for ERC-721 tokens of another chain
/// @notice Only the bridge that created it mints and burns. `bridge.homeOf(voucher)` says what it
/// stands for. Each token has the URI that it had at home when it left.
contract NftVoucher is ERC721("", "") {
    /// @notice `caller` is not the bridge.
    error NotBridge(address caller);
    /// @notice Name and symbol are known.
    error AlreadyDescribed();
    /// @notice The token with this id belongs to `owner`.
    error NotHolder(uint256 id, address owner, address given);

    /// @notice Who created the voucher.
    address public immutable bridge;
    /// @notice Whether a first transfer came.
    bool public described;
    /// @notice How many tokens are here.
    uint248 public totalSupply;
    string private name_;
    string private symbol_;
    /// Kept when a token is burned: it comes back as it was if its transfer expires.
    mapping(uint256 id => string) private uris;

    modifier onlyBridge() {
        if (msg.sender != bridge) revert NotBridge(msg.sender);
        _;
    }

    constructor() {
        bridge = msg.sender;
    }

    /// @notice Sets what the collection is called, once. For the bridge.
    function describe(string calldata name__, string calldata symbol__) external onlyBridge {
        if (described) revert AlreadyDescribed();
        described = true;
        (name_, symbol_) = (name__, symbol__);
    }

    /// @notice For the bridge. A contract must say that it takes the token.
    function mint(address to, uint256 id, string calldata uri) external onlyBridge {
        ++totalSupply;
        uris[id] = uri;
        _safeMint(to, id);
    }

    /// @notice For the bridge: a token that was burned, as it was, for who had it.
    function mintAgain(address to, uint256 id) external onlyBridge {
        ++totalSupply;
        _mint(to, id);
    }

    /// @notice For the bridge, which burns of nobody but its caller.
    function burn(address from, uint256 id) external onlyBridge {
        address owner = _requireOwned(id);
        if (owner != from) revert NotHolder(id, owner, from);
        --totalSupply;
        _burn(id);
    }

    /// @notice The collection's name on its home, at most 63 bytes.
    function name() public view override returns (string memory) {
        return name_;
    }

    /// @notice The collection's symbol on its home, at most 31 bytes.
    function symbol() public view override returns (string memory) {
        return symbol_;
    }

    /// @notice The token's URI on its home when it left; empty where it had none, or more than 512
    /// bytes.
    function tokenURI(uint256 id) public view override returns (string memory) {
        _requireOwned(id);
        return uris[id];
    }
}
