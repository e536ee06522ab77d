// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC7913SignatureVerifier, ISignatureVerifier} from "../interfaces/ISignatureVerifier.sol";

/// @title A verifier that finds every signature valid
/// @notice What an attacker would have the bridge ask instead of the real one.
contract YesVerifier is ISignatureVerifier {
    function verify(bytes calldata, bytes32, bytes calldata) external pure returns (bytes4) {
        return IERC7913SignatureVerifier.verify.selector;
    }

    function verifyWithContext(bytes calldata, bytes calldata, bytes calldata, bytes calldata)
        external
        pure
        returns (bool)
    {
        return true;
    }

    function isKeyWellFormed(bytes calldata) external pure returns (bool) {
        return true;
    }

    function algorithm() external pure returns (string memory) {
        return "ML-DSA-87";
    }
}
