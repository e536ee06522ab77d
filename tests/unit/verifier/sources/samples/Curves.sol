// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import {RSA} from "@openzeppelin/contracts/utils/cryptography/RSA.sol";

interface IProofs {
    function verifyProof(uint256[2] calldata, uint256[2][2] calldata, uint256[2] calldata, uint256[1] calldata)
        external view returns (bool);
}

contract Groth16Verifier {
    uint256 constant alphax = 1;
    uint256 constant alphay = 2;
    uint256 constant deltax1 = 3;
    uint256 constant IC0x = 4;
    uint256 constant IC0y = 5;

    function verifyProof(uint256[24] calldata input) external view returns (bool ok) {
        uint256[24] memory pairs = input;
        pairs[0] = alphax + deltax1 + IC0x;
        assembly {
            let done := staticcall(gas(), 8, pairs, 0x300, pairs, 0x20)
            ok := and(done, mload(pairs))
        }
    }
}

contract Mixer {
    IProofs verifier;
    mapping(uint256 => bool) nullifiers;

    function withdraw(uint256[8] calldata p, uint256 nullifier, address payable to) external {
        require(verifier.verifyProof([p[0], p[1]], [[p[2], p[3]], [p[4], p[5]]], [p[6], p[7]], [nullifier]));
        nullifiers[nullifier] = true;
        to.transfer(1 ether);
    }
}

contract PasskeyWallet {
    bytes32 qx;
    bytes32 qy;

    function run(address to, bytes calldata data, bytes32 r, bytes32 s) external {
        require(P256.verify(keccak256(data), r, s, qx, qy), "passkey");
        (bool ok, ) = to.call(data);
        require(ok);
    }
}

contract RsaVault {
    bytes modulus;
    address owner;

    function rotate(bytes32 digest, bytes calldata signature, address next) external {
        require(RSA.pkcs1Sha256(digest, signature, hex"010001", modulus), "rsa");
        owner = next;
    }
}

contract BlobRoll {
    bytes32 state;

    function submit(bytes calldata input, bytes32 next) external {
        (bool ok, ) = address(0x0a).staticcall(input);
        require(ok, "opening");
        state = next;
    }
}

contract BlsBridge {
    mapping(bytes32 => bool) delivered;
    address payable to;

    function verifyBlsAggregate(bytes memory pairs) internal view returns (bool) {
        (bool ok, bytes memory out) = address(0x0f).staticcall(pairs);
        return ok && abi.decode(out, (uint256)) == 1;
    }

    function deliver(bytes calldata pairs) external {
        require(verifyBlsAggregate(pairs));
        to.transfer(1);
    }
}

contract SchnorrWallet {
    uint256 constant Q = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
    bytes32 px;

    function verifySchnorr(bytes32 m, bytes32 e, bytes32 s) internal view returns (bool) {
        bytes32 sp = bytes32(Q - mulmod(uint256(s), uint256(px), Q));
        bytes32 ep = bytes32(Q - mulmod(uint256(e), uint256(px), Q));
        address r = ecrecover(sp, 27, px, ep);
        return e == keccak256(abi.encode(r, px, m));
    }

    function pay(bytes32 e, bytes32 s, address payable to) external {
        require(verifySchnorr(keccak256(abi.encode(to)), e, s));
        to.transfer(1);
    }
}

contract ShortDigests {
    mapping(bytes16 => address) names;

    function register(string calldata name) external {
        names[bytes16(keccak256(bytes(name)))] = msg.sender;
    }

    function selector(string calldata name) external pure returns (bytes4) {
        return bytes4(keccak256(bytes(name)));
    }
}
