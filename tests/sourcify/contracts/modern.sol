// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.0;

/// Contracts with everything that a deployment may change in them.
library Sums {
    function total(uint256[] memory values) external pure returns (uint256 sum) {
        for (uint256 i = 0; i < values.length; i++) sum += values[i];
    }
}

library Products {
    function product(uint256[] memory values) external pure returns (uint256 result) {
        result = 1;
        for (uint256 i = 0; i < values.length; i++) result *= values[i];
    }
}

contract Plain {
    uint256 public value;

    function set(uint256 newValue) external {
        value = newValue;
    }
}

contract Arguments {
    struct Limit {
        uint64 least;
        uint64 most;
    }

    string public name;
    address public owner;
    Limit public limit;
    uint256[] public steps;

    constructor(string memory name_, address owner_, Limit memory limit_, uint256[] memory steps_) payable {
        name = name_;
        owner = owner_;
        limit = limit_;
        steps = steps_;
    }
}

contract Fixed {
    address public immutable owner;
    uint256 public immutable cap;
    bytes4 internal immutable tag;
    uint256 public spent;

    constructor(address owner_, uint256 cap_) {
        owner = owner_;
        cap = cap_;
        tag = bytes4(keccak256(abi.encode(owner_, cap_)));
    }

    function spend(uint256 amount) external {
        require(msg.sender == owner, "not the owner");
        require(spent + amount <= cap, "over the cap");
        spent += amount;
    }

    function left() external view returns (uint256) {
        return cap - spent;
    }

    function mark() external view returns (bytes4) {
        return tag;
    }
}

contract Aware {
    address internal immutable self = address(this);
    uint256 internal immutable chain = block.chainid;
    uint256 internal immutable born = block.timestamp;
    address internal immutable maker = msg.sender;

    function about() external view returns (address, uint256, uint256, address) {
        return (self, chain, born, maker);
    }
}

interface INamed {
    function value() external view returns (uint256);
}

contract Reader {
    uint256 public immutable seen;
    uint256 public immutable wealth;

    constructor(address source) {
        seen = INamed(source).value();
        wealth = source.balance + 1;
    }
}

contract Linked {
    function both(uint256[] memory values) external pure returns (uint256, uint256) {
        return (Sums.total(values), Products.product(values));
    }

    function again(uint256[] memory values) external pure returns (uint256) {
        return Sums.total(values) + 1;
    }
}

contract Child {
    uint256 public immutable number;
    address public immutable parent;

    constructor(uint256 number_) {
        number = number_;
        parent = msg.sender;
    }
}

contract Factory {
    Child[] public children;
    uint256 public next = 7;

    function make() external returns (Child child) {
        child = new Child(next++);
        children.push(child);
    }

    function makeAt(bytes32 salt) external returns (Child child) {
        child = new Child{salt: salt}(next++);
        children.push(child);
    }
}

abstract contract Part {
    function missing() external virtual;
}
