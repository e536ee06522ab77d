// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {VerifiedClient} from "../client/VerifiedClient.sol";
import {IVerdictRegistry} from "../interfaces/IVerdictRegistry.sol";
import {MatchKind} from "../types/Verdict.sol";

/// @title Pays verified contracts, and calls them while it does
contract VerifiedVault is VerifiedClient {
    /// @notice How often it paid.
    uint256 public payments;

    constructor(IVerdictRegistry verdicts_, MatchKind least) VerifiedClient(verdicts_, least) {}

    receive() external payable {}

    function pay(address payable to) external onlyVerified(to) {
        ++payments;
        (bool done,) = to.call{value: 1}("");
        require(done);
    }

    function note(uint64 chainId, address account) external onlyVerifiedOn(chainId, account) {
        ++payments;
    }
}
