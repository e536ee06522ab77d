// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IVerdictRegistry} from "../interfaces/IVerdictRegistry.sol";
import {MatchKind} from "../types/Verdict.sol";

/// @title The part of a contract that deals with verified contracts only
/// @notice An heir puts `onlyVerified(account)` on what it does with `account`. A proxy and what
/// stands behind it are two contracts with two verdicts.
abstract contract VerifiedClient {
    /// @notice No verdict that counts is on the code that `account` has now.
    error NotVerified(address account);
    /// @notice No verdict that counts is on a contract of another chain.
    error NotVerifiedOn(uint64 chainId, address account);
    /// @notice The registry of verdicts has no code, or no match is asked for.
    error InvalidVerdicts(address verdicts, MatchKind least);

    /// @notice Who is asked.
    IVerdictRegistry public immutable verdicts;
    /// @notice How well code and source have to agree.
    MatchKind public immutable leastMatch;

    modifier onlyVerified(address account) {
        _requireVerified(account);
        _;
    }

    modifier onlyVerifiedOn(uint64 chainId, address account) {
        if (!verdicts.isVerified(chainId, account, leastMatch)) {
            revert NotVerifiedOn(chainId, account);
        }
        _;
    }

    constructor(IVerdictRegistry verdicts_, MatchKind leastMatch_) {
        if (address(verdicts_).code.length == 0 || leastMatch_ == MatchKind.NO_MATCH) {
            revert InvalidVerdicts(address(verdicts_), leastMatch_);
        }
        verdicts = verdicts_;
        leastMatch = leastMatch_;
    }

    function _requireVerified(address account) internal view {
        if (!verdicts.isVerified(uint64(block.chainid), account, leastMatch)) {
            revert NotVerified(account);
        }
    }
}
