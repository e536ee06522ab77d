// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import "./NotThere.sol";

contract DoesNotCompile is Missing {
    address signer;

    function pay(address payable to, uint8 v, bytes32 r, bytes32 s) external onlyKnown {
        bytes32 digest = keccak256(abi.encode(to));
        require(ecrecover(digest, v, r, s) == signer, "wrong signer");
        to.transfer(1 ether);
    }

    function nothing(uint256 x) external { x = ; }
}
