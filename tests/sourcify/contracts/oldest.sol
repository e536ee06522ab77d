pragma solidity ^0.4.5;

contract Plain {
    uint256 public value;

    function set(uint256 newValue) {
        value = newValue;
    }
}

contract Owned {
    address public owner;
    uint256 public limit;

    function Owned(address owner_, uint256 limit_) {
        owner = owner_;
        limit = limit_;
    }
}
