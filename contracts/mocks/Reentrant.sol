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

    Call private armed;

    /// @notice Pays what it is paid on with the call that it was armed with, once.
    receive() external payable {
        Call memory call_ = armed;
        if (call_.target == address(0)) return;
        delete armed;
        (bool done, bytes memory output) = call_.target.call{value: msg.value}(call_.data);
        emit Tried(call_.target, done, output);
    }

    /// @notice What to do when it is paid.
    function arm(Call calldata call_) external {
        armed = call_;
    }

    function handle(uint32, bytes32, bytes calldata body) external {
        Call[] memory calls = abi.decode(body, (Call[]));
        for (uint256 i; i < calls.length; ++i) {
            (bool done, bytes memory output) = calls[i].target.call(calls[i].data);
            emit Tried(calls[i].target, done, output);
        }
        ++handled;
    }
}
