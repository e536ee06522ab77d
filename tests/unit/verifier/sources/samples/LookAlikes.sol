// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

// ecrecover(digest, v, r, s); staticcall(gas(), 1, 0, 0x80, 0, 0x20)
interface IEcrecover {
    function recover(bytes32 digest, bytes calldata signature) external view returns (address);
}

contract NamedLikeIt {
    uint256 public ecrecoverCount;
    string constant TEXT = "ecrecover(digest, v, r, s)";

    function isEcdsa(uint256 ecrecoverValue) external payable {
        require(ecrecoverValue > 0, "ecrecover");
        ecrecoverCount += ecrecoverValue;
        payable(msg.sender).transfer(1);
    }
}

contract MockVerifier {
    function verifyProof(bytes calldata, uint256[] calldata) external pure returns (bool) {
        return true;
    }
}

// The identity precompile, and SHA-256.
contract Copies {
    function copy(bytes memory data) external returns (bytes32 out) {
        assembly {
            pop(staticcall(gas(), 4, add(data, 32), mload(data), 0, 0x20))
            pop(staticcall(gas(), 2, add(data, 32), mload(data), 0, 0x20))
            out := mload(0)
        }
        payable(msg.sender).transfer(1);
    }
}

interface IPostQuantum {
    function verify(bytes calldata key, bytes32 hash, bytes calldata signature) external view returns (bytes4);
}

contract PostQuantumVault {
    IPostQuantum verifier;
    bytes key;

    function pay(address payable to, bytes calldata signature) external {
        require(verifier.verify(key, keccak256(abi.encode(to)), signature) == bytes4(0x024ad318));
        to.transfer(1);
    }
}

contract Sends {
    function send(address payable to) external {
        (bool ok, ) = to.call{value: 1}("");
        require(ok);
    }
}
