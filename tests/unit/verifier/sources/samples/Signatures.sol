// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

contract PaysBySignature {
    address signer;

    function pay(address payable to, uint256 amount, uint8 v, bytes32 r, bytes32 s) external {
        require(ecrecover(keccak256(abi.encode(to, amount)), v, r, s) == signer, "wrong signer");
        to.transfer(amount);
    }
}

// Only that some key signed is checked, and nothing comes of it.
contract CountsSignatures {
    uint256 count;

    function tell(bytes32 digest, uint8 v, bytes32 r, bytes32 s) external returns (address who) {
        who = ecrecover(digest, v, r, s);
        require(who != address(0), "none");
        count++;
    }
}

contract HelpedBySeveral {
    address owner;

    function recovered(bytes32 digest, bytes calldata signature) private pure returns (address) {
        return ECDSA.recover(digest, signature);
    }

    function mustBeOwner(address who) private view {
        if (who != owner) revert("not the owner");
    }

    function take(bytes32 digest, bytes calldata signature, address next) external {
        mustBeOwner(recovered(digest, signature));
        owner = next;
    }
}

contract ChecksNothing {
    mapping(address => uint256) balances;

    function look(bytes32 digest, bytes calldata signature) external pure returns (address) {
        return ECDSA.recover(digest, signature);
    }

    function move(address to, uint256 amount) external {
        balances[msg.sender] -= amount;
        balances[to] += amount;
    }
}

contract AssemblyPays {
    address signer;

    function pay(address payable to, bytes32 digest, uint8 v, bytes32 r, bytes32 s) external {
        address expected = signer;
        assembly {
            let m := mload(0x40)
            mstore(m, digest)
            mstore(add(m, 0x20), v)
            mstore(add(m, 0x40), r)
            mstore(add(m, 0x60), s)
            pop(staticcall(gas(), 1, m, 0x80, 0, 0x20))
            if iszero(eq(mload(0), expected)) { revert(0, 0) }
        }
        to.transfer(1 ether);
    }
}

contract Token is ERC20, ERC20Permit {
    constructor() ERC20("t", "t") ERC20Permit("t") {}
}

contract Multi {
    mapping(address => bool) owners;
    uint256 threshold;

    function execute(address to, bytes calldata data, bytes[] calldata signatures) external {
        bytes32 digest = keccak256(abi.encode(to, data));
        uint256 valid;
        for (uint256 i = 0; i < signatures.length; i++) {
            if (owners[ECDSA.recover(digest, signatures[i])]) valid++;
        }
        require(valid >= threshold, "threshold");
        (bool ok, ) = to.call(data);
        require(ok);
    }
}

contract Wallet {
    address owner;

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        return ECDSA.recover(digest, signature) == owner ? bytes4(0x1626ba7e) : bytes4(0xffffffff);
    }
}

contract AccountOf4337 {
    address owner;

    struct Operation { bytes signature; }

    function validateUserOp(Operation calldata op, bytes32 digest, uint256) external view returns (uint256) {
        return ECDSA.recover(digest, op.signature) == owner ? 0 : 1;
    }
}

contract Claims {
    address signer;
    mapping(address => uint256) balances;

    function claim(bytes32 root, bytes calldata signature, bytes32[] calldata proof, uint256 amount) external {
        require(ECDSA.recover(root, signature) == signer, "root");
        require(MerkleProof.verify(proof, root, keccak256(abi.encode(msg.sender, amount))), "leaf");
        balances[msg.sender] += amount;
    }
}

contract Forwards is EIP712("f", "1") {
    function executeFor(address from, address to, bytes calldata data, bytes calldata signature) external {
        bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(from, to, keccak256(data))));
        require(ECDSA.recover(digest, signature) == from, "from");
        (bool ok, ) = to.call(abi.encodePacked(data, from));
        require(ok);
    }
}

contract Asks {
    address owner;

    function set(address next, bytes32 digest, bytes calldata signature) external {
        require(SignatureChecker.isValidSignatureNow(owner, digest, signature), "no");
        owner = next;
    }
}
