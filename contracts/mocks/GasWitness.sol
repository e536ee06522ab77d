// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMessageRecipient} from "../interfaces/IMessageRecipient.sol";

/// @title A recipient that says how much gas it was given
/// @notice It swallows the failure of its work, as careless applications do: with too little gas it
/// would take the message and do nothing.
contract GasWitness is IMessageRecipient {
    /// @notice What it was given, and whether its work came to an end.
    event Given(uint256 gas, bool worked);

    /// What is left of the gas for its own last steps.
    uint256 private constant RESERVE = 5_000;

    function handle(uint32, bytes32, bytes calldata body) external {
        uint256 given = gasleft();
        try this.work{gas: given - RESERVE}(abi.decode(body[:32], (uint256))) {
            emit Given(given, true);
        } catch {
            emit Given(given, false);
        }
    }

    /// @notice Burns `gas` gas, for which it must be there.
    function work(uint256 gas) external view {
        uint256 end = gasleft() - gas;
        while (gasleft() > end) {}
    }
}
