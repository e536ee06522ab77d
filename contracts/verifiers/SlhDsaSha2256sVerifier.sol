// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC7913SignatureVerifier, ISignatureVerifier} from "../interfaces/ISignatureVerifier.sol";
import {Sha512Kernel} from "./generated/Sha512Kernel.sol";
import {SlhDsaSha2256sForsKernel} from "./generated/SlhDsaSha2256sForsKernel.sol";
import {SlhDsaSha2256sHypertreeKernel} from "./generated/SlhDsaSha2256sHypertreeKernel.sol";

/// @title SLH-DSA-SHA2-256s (FIPS 205, security category 5), pure, with context, verified on chain
/// @notice Algorithm 24 (slh_verify) over Algorithm 20 (slh_verify_internal), to the letter: about
/// 4,100 calls of the SHA-256 precompile and 370 runs of SHA-512's compression function in code,
/// 154 of them of two messages at once. Holds no state and trusts no one.
/// @dev Parameters (FIPS 205, table 2): n = 32, h = 64, d = 8, h' = 8, a = 14, k = 22, lg_w = 4,
/// m = 47. Public key 64 bytes: PK.seed || PK.root. Signature 29,792 bytes:
/// R (32) || FORS: 22 trees of sk and 14 nodes (10,560) || 8 layers of 67 + 8 values (19,200).
/// F is SHA-256; H, T_k, T_len and H_msg are SHA-512 (section 11.2.2).
///
/// Four parts. This contract reads the arguments, checks the lengths and hashes the message. Three
/// contracts without state, created with this one and assembled by scripts/kernels, do the rest:
///     sha512           SHA-512 of what it is called with (sha512.py)
///     forsKernel       the roots of the FORS trees (slh_dsa_256s_fors.py)
///     hypertreeKernel  the root that the signature leads to (slh_dsa_256s_hypertree.py)
/// They are three since a contract has at most 24,576 bytes of code.
///
/// Gas, without base cost and calldata: 9.3 million on average, by the number of F calls 233 more
/// or less for each. One run of the compression takes 20,030, or 25,400 for two messages.
///
/// Memory while verifying, all of it free memory; first the two inputs of H_msg from +0x300, then
///     +0x000 .. 0x020   PK.seed             input of forsKernel, 10,656 bytes, from +0x000 ..
///     +0x020 .. 0x060   digest
///     +0x060 .. 0x29a0  FORS signature
/// and, in its place, the input of hypertreeKernel: the same 0x60 bytes,
///     +0x060 .. 0x320   k = 22 roots
///     +0x320 .. 0x4e20  layers of the hypertree
contract SlhDsaSha2256sVerifier is ISignatureVerifier {
    uint256 internal constant KEY_BYTES = 64;
    uint256 internal constant SIGNATURE_BYTES = 29792;
    uint256 internal constant FORS_BYTES = 10560;
    uint256 internal constant ROOTS_BYTES = 704;
    uint256 internal constant LAYERS_BYTES = 19200;
    uint256 internal constant MAX_CTX_BYTES = 255;
    bytes4 internal constant INVALID = 0xffffffff;

    /// @notice The contract with the code of Sha512Kernel.
    address public immutable sha512;
    /// @notice The contract with the code of SlhDsaSha2256sForsKernel.
    address public immutable forsKernel;
    /// @notice The contract with the code of SlhDsaSha2256sHypertreeKernel.
    address public immutable hypertreeKernel;

    /// @notice A kernel could not be created: too little gas.
    error KernelNotCreated();

    constructor() {
        sha512 = _create(Sha512Kernel.CREATION_CODE);
        forsKernel = _create(SlhDsaSha2256sForsKernel.CREATION_CODE);
        hypertreeKernel = _create(SlhDsaSha2256sHypertreeKernel.CREATION_CODE);
    }

    function _create(bytes memory code) private returns (address created) {
        assembly {
            created := create(0, add(code, 0x20), mload(code))
        }
        if (created == address(0)) revert KernelNotCreated();
    }

    /// @inheritdoc IERC7913SignatureVerifier
    function verify(bytes calldata key, bytes32, bytes calldata signature)
        external
        view
        returns (bytes4)
    {
        // The message is the second argument's 32 bytes, where they stand in the call's data.
        bytes calldata message = msg.data[0x24:0x44];
        bool valid = _verify(key, message, msg.data[0:0], signature);
        return valid ? IERC7913SignatureVerifier.verify.selector : INVALID;
    }

    /// @inheritdoc ISignatureVerifier
    function verifyWithContext(
        bytes calldata key,
        bytes calldata message,
        bytes calldata ctx,
        bytes calldata signature
    ) external view returns (bool) {
        return _verify(key, message, ctx, signature);
    }

    /// @inheritdoc ISignatureVerifier
    function isKeyWellFormed(bytes calldata key) external pure returns (bool) {
        return key.length == KEY_BYTES && (bytes32(key) != 0 || bytes32(key[32:]) != 0);
    }

    /// @inheritdoc ISignatureVerifier
    function algorithm() external pure returns (string memory) {
        return "SLH-DSA-SHA2-256s";
    }

    function _verify(
        bytes calldata key,
        bytes calldata message,
        bytes calldata ctx,
        bytes calldata signature
    ) private view returns (bool valid) {
        if (
            key.length != KEY_BYTES || signature.length != SIGNATURE_BYTES
                || ctx.length > MAX_CTX_BYTES
        ) return false;

        address hash = sha512;
        address fors = forsKernel;
        address hypertree = hypertreeKernel;
        assembly ("memory-safe") {
            function ask(target, input, size, output, outputSize) {
                // A kernel fails for lack of gas only, and answers with what its header says.
                if iszero(staticcall(gas(), target, input, size, output, outputSize)) {
                    revert(0, 0)
                }
            }

            // On a chain without the precompile a call of it succeeds and returns nothing.
            pop(staticcall(gas(), 2, 0, 0, 0, 0))
            if iszero(eq(returndatasize(), 0x20)) { revert(0, 0) }

            let m := mload(0x40)

            // H_msg (section 11.2.2): MGF1-SHA-512(R || PK.seed || SHA-512(R || PK.seed ||
            // PK.root || M')), one block, of which m = 47 bytes are used.
            // M' = 0 || len(ctx) || ctx || M (Algorithm 24, line 4).
            let begin := add(m, 0x300)
            calldatacopy(begin, signature.offset, 32)
            calldatacopy(add(begin, 0x20), key.offset, 64)
            mstore8(add(begin, 0x60), 0)
            mstore8(add(begin, 0x61), ctx.length)
            let end := add(begin, 0x62)
            calldatacopy(end, ctx.offset, ctx.length)
            end := add(end, ctx.length)
            calldatacopy(end, message.offset, message.length)
            end := add(end, message.length)
            ask(hash, begin, sub(end, begin), add(begin, 0x40), 0x40)
            mstore(add(begin, 0x80), 0) // the counter of MGF1
            ask(hash, begin, 0x84, add(m, 0x20), 0x40)

            // FORS and hypertree. The roots take the place of the FORS signature's beginning.
            calldatacopy(m, key.offset, 32)
            let p := add(signature.offset, 32)
            calldatacopy(add(m, 0x60), p, FORS_BYTES)
            ask(fors, m, add(0x60, FORS_BYTES), add(m, 0x60), ROOTS_BYTES)
            p := add(p, FORS_BYTES)
            calldatacopy(add(m, 0x320), p, LAYERS_BYTES)
            ask(hypertree, m, add(0x320, LAYERS_BYTES), m, 0x20)
            valid := eq(mload(m), calldataload(add(key.offset, 0x20)))
        }
    }
}
