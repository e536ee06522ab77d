// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC721} from "../../node_modules/@openzeppelin/contracts/token/ERC721/ERC721.sol";

/// @title An ordinary ERC-721 token that anybody mints, for tests
contract SampleNft is ERC721 {
    mapping(uint256 id => string) private uris;

    constructor(string memory name_, string memory symbol_) ERC721(name_, symbol_) {}

    function mint(address to, uint256 id, string calldata uri) external {
        uris[id] = uri;
        _mint(to, id);
    }

    function tokenURI(uint256 id) public view override returns (string memory) {
        _requireOwned(id);
        return uris[id];
    }
}
