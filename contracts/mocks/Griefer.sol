// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMessageRecipient} from "../interfaces/IMessageRecipient.sol";

/// @title A recipient that costs its deliverer as much as it can
/// @notice The body is `abi.encode(Trick, size)`, the size in bytes.
contract Griefer is IMessageRecipient {
    enum Trick {
        TakeIt,
        BurnAllGas,
        ReturnBomb,
        RevertBomb,
        SpinForEver
    }

    function handle(uint32, bytes32, bytes calldata body) external pure {
        (Trick trick, uint256 size) = abi.decode(body, (Trick, uint256));
        if (trick == Trick.BurnAllGas) {
            assembly {
                invalid()
            }
        } else if (trick == Trick.ReturnBomb) {
            assembly {
                return(0, size)
            }
        } else if (trick == Trick.RevertBomb) {
            assembly {
                revert(0, size)
            }
        } else if (trick == Trick.SpinForEver) {
            for (;;) {}
        }
    }
}
