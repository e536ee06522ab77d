// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "../../node_modules/@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {SampleNft} from "./SampleNft.sol";
import {SampleToken} from "./SampleToken.sol";

/// @title A token that keeps a share of what is moved
contract FeeToken is SampleToken("Fee", "FEE", 18) {
    /// @notice Of 10,000 units that are moved, so many are burned.
    uint256 public fee;
    /// @notice Whether the fee comes on top, from the sender's balance.
    bool public onTop;

    function setFee(uint256 fee_, bool onTop_) external {
        (fee, onTop) = (fee_, onTop_);
    }

    function _update(address from, address to, uint256 value) internal override {
        uint256 kept = from == address(0) || to == address(0) ? 0 : value * fee / 10_000;
        if (kept != 0) super._update(from, address(0), kept);
        super._update(from, to, onTop ? value : value - kept);
    }
}

/// @title A token that says no by returning false
contract FalseToken is SampleToken("False", "NO", 18) {
    function transfer(address, uint256) public pure override returns (bool) {
        return false;
    }

    function transferFrom(address, address, uint256) public pure override returns (bool) {
        return false;
    }
}

/// @title A token that says yes and moves nothing
contract IdleToken is SampleToken("Idle", "IDLE", 18) {
    function transferFrom(address, address, uint256) public pure override returns (bool) {
        return true;
    }
}

/// @title A token whose transfers return nothing
contract NoReturnToken {
    string public constant name = "No return";
    string public constant symbol = "NIL";
    uint8 public constant decimals = 6;
    mapping(address account => uint256) public balanceOf;
    mapping(address account => mapping(address spender => uint256)) public allowance;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function approve(address spender, uint256 amount) external {
        allowance[msg.sender][spender] = amount;
    }

    function transfer(address to, uint256 amount) external {
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
    }

    function transferFrom(address from, address to, uint256 amount) external {
        allowance[from][msg.sender] -= amount;
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}

/// @title A token that calls somebody in the middle of each transfer
contract HookedToken is SampleToken("Hooked", "HOOK", 18) {
    address private target;
    bytes private call;
    /// @notice What the last call came to.
    bool public taken;
    bytes public answer;

    function setHook(address target_, bytes calldata call_) external {
        (target, call) = (target_, call_);
    }

    function _update(address from, address to, uint256 value) internal override {
        if (target != address(0)) (taken, answer) = target.call(call);
        super._update(from, to, value);
    }
}

/// @title A token with `bytes32` for its name and symbol
contract Bytes32Token {
    bytes32 public constant name = "Old token";
    bytes32 public constant symbol = "OLD";
    mapping(address account => uint256) public balanceOf;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
        return true;
    }
}

/// @title A token that answers whatever it was told to, when it is asked who it is
contract StrangeToken is ERC20("", "") {
    bytes private words;
    bool private endless;

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function setAnswer(bytes calldata words_, bool endless_) external {
        (words, endless) = (words_, endless_);
    }

    function name() public view override returns (string memory) {
        _answer();
    }

    function symbol() public view override returns (string memory) {
        _answer();
    }

    function decimals() public view override returns (uint8) {
        _answer();
    }

    function _answer() private view {
        bytes memory data = words;
        bool spin = endless;
        assembly ("memory-safe") {
            for {} spin {} {}
            return(add(data, 0x20), mload(data))
        }
    }
}

/// @title An ERC-721 token that says nothing on a transfer and moves nothing
contract IdleNft is SampleNft("Idle", "IDLE") {
    function transferFrom(address, address, uint256) public pure override {}
}

/// @title A contract that takes ERC-721 tokens, or does not, and may do something on their arrival
contract NftHolder {
    bytes4 private answer;
    address private target;
    bytes private call;
    bool public taken;
    bytes public result;

    function setHook(bytes4 answer_, address target_, bytes calldata call_) external {
        (answer, target, call) = (answer_, target_, call_);
    }

    function act(address to, bytes calldata data) external payable returns (bytes memory) {
        (bool done, bytes memory reason) = to.call{value: msg.value}(data);
        if (!done) {
            assembly ("memory-safe") {
                revert(add(reason, 0x20), mload(reason))
            }
        }
        return reason;
    }

    function onERC721Received(address, address, uint256, bytes calldata) external returns (bytes4) {
        if (target != address(0)) (taken, result) = target.call(call);
        return answer;
    }
}
