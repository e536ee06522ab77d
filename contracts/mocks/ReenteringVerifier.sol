// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC7913SignatureVerifier} from "../interfaces/ISignatureVerifier.sol";

/// @title A verifier that calls what the signature tells it to, and finds it valid where that worked
/// @notice The signature is `abi.encode(address target, bytes data)`. Not declared as the interface of a
/// verifier, whose functions are views: the selectors are the same.
contract ReenteringVerifier {
    function verify(bytes calldata, bytes32, bytes calldata) external pure returns (bytes4) {
        return IERC7913SignatureVerifier.verify.selector;
    }

    function verifyWithContext(
        bytes calldata,
        bytes calldata,
        bytes calldata,
        bytes calldata signature
    ) external returns (bool done) {
        (address target, bytes memory data) = abi.decode(signature, (address, bytes));
        (done,) = target.call(data);
    }

    function isKeyWellFormed(bytes calldata) external pure returns (bool) {
        return true;
    }

    function algorithm() external pure returns (string memory) {
        return "ML-DSA-87";
    }
}
