// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMessageRecipient} from "../interfaces/IMessageRecipient.sol";

/// @title A recipient that calls whatever its message tells it to
/// @notice The body is `abi.encode(Call[])`. Each call is made in turn, whatever became of the one
/// before, and what came back is kept. It never reverts by itself.
contract Reentrant is IMessageRecipient {
    struct Call {
        address target;
        bytes data;
    }

    /// @notice What came of one call while the message was being delivered.
    event Tried(address indexed target, bool done, bytes output);

    /// @notice How many messages it handled.
    uint256 public handled;

    receive() external payable {}

    function handle(uint32, bytes32, bytes calldata body) external {
        Call[] memory calls = abi.decode(body, (Call[]));
        for (uint256 i; i < calls.length; ++i) {
            (bool done, bytes memory output) = calls[i].target.call(calls[i].data);
            emit Tried(calls[i].target, done, output);
        }
        ++handled;
    }
}
