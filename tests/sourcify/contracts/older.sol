pragma solidity >=0.4.17 <0.8.0;

/// The same for compilers before 0.8: no immutables in the oldest, libraries with older placeholders.
library Sums {
    function total(uint256 a, uint256 b) public pure returns (uint256) {
        return a + b;
    }
}

contract Plain {
    uint256 public value;

    function set(uint256 newValue) public {
        value = newValue;
    }
}

contract Linked {
    uint256 public last;

    function sum(uint256 a, uint256 b) public {
        last = Sums.total(a, b);
    }
}

contract Child {
    uint256 public number = 5;
}

contract Factory {
    address public last;

    function make() public {
        last = address(new Child());
    }
}
