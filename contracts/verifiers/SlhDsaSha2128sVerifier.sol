// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC7913SignatureVerifier, ISignatureVerifier} from "../interfaces/ISignatureVerifier.sol";
import {SlhDsaSha2128sKernel} from "./generated/SlhDsaSha2128sKernel.sol";

/// @title SLH-DSA-SHA2-128s (FIPS 205), pure, with context, verified on chain
/// @notice Algorithm 24 (slh_verify) over Algorithm 20 (slh_verify_internal), to the letter: about
/// 2,050 calls of the SHA-256 precompile. Holds no state and trusts no one.
/// @dev Parameters (FIPS 205, table 2): n = 16, h = 63, d = 7, h' = 9, a = 12, k = 14, lg_w = 4,
/// m = 30. Public key 32 bytes: PK.seed || PK.root. Signature 7,856 bytes:
/// R (16) || FORS: 14 trees of sk and 12 nodes (2,912) || 7 layers of 35 + 9 values (4,928).
///
/// Two parts. This contract reads the arguments, checks the lengths and hashes the message. The
/// kernel, a contract without state that is created with this one, goes from the digest to the
/// root: it is assembled by scripts/kernels/slh_dsa_128s.py, since a chain of hashes is entered by a
/// computed jump, which the compiler does not have. The call of the kernel and the copy of the
/// signature take about 4,500 gas of the whole.
///
/// Memory while verifying, all of it free memory:
///     +0x000 .. 0x020  key                            input of the kernel, 7,904 bytes
///     +0x020 .. 0x040  digest, 30 bytes of it count
///     +0x040 .. 0x1ee0 signature without R
/// and before that, from the same place, the two inputs of H_msg.
contract SlhDsaSha2128sVerifier is ISignatureVerifier {
    uint256 internal constant KEY_BYTES = 32;
    uint256 internal constant SIGNATURE_BYTES = 7856;
    uint256 internal constant MAX_CTX_BYTES = 255;
    bytes4 internal constant INVALID = 0xffffffff;

    /// @notice The contract with the code of SlhDsaSha2128sKernel.
    address public immutable kernel;

    /// @notice The kernel could not be created: too little gas.
    error KernelNotCreated();

    constructor() {
        bytes memory code = SlhDsaSha2128sKernel.CREATION_CODE;
        address created;
        assembly {
            created := create(0, add(code, 0x20), mload(code))
        }
        if (created == address(0)) revert KernelNotCreated();
        kernel = created;
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
        return key.length == KEY_BYTES && bytes32(key) != 0;
    }

    /// @inheritdoc ISignatureVerifier
    function algorithm() external pure returns (string memory) {
        return "SLH-DSA-SHA2-128s";
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

        address target = kernel;
        assembly ("memory-safe") {
            let m := mload(0x40)

            // H_msg (section 11.2.1): MGF1-SHA-256(R || PK.seed || SHA-256(R || PK.seed ||
            // PK.root || M')), one block, of which m = 30 bytes are used.
            // M' = 0 || len(ctx) || ctx || M (Algorithm 24, line 4).
            calldatacopy(m, signature.offset, 16)
            calldatacopy(add(m, 0x10), key.offset, 32)
            mstore8(add(m, 0x30), 0)
            mstore8(add(m, 0x31), ctx.length)
            let end := add(m, 0x32)
            calldatacopy(end, ctx.offset, ctx.length)
            end := add(end, ctx.length)
            calldatacopy(end, message.offset, message.length)
            end := add(end, message.length)
            // The results of the precompile are not checked: it can only fail for lack of gas, and
            // then what is left does not last to the end. On a chain without the precompile the
            // call succeeds and returns nothing.
            pop(staticcall(gas(), 2, m, sub(end, m), add(m, 0x20), 0x20))
            if iszero(eq(returndatasize(), 0x20)) { revert(0, 0) }
            mstore(add(m, 0x40), 0) // the counter of MGF1
            pop(staticcall(gas(), 2, m, 0x44, add(m, 0x20), 0x20))

            // The kernel returns the root that the signature leads to, in the first 16 bytes.
            calldatacopy(m, key.offset, 32)
            calldatacopy(add(m, 0x40), add(signature.offset, 16), sub(SIGNATURE_BYTES, 16))
            if iszero(staticcall(gas(), target, m, add(0x30, SIGNATURE_BYTES), m, 0x20)) {
                revert(0, 0) // out of gas
            }
            valid := eq(
                shr(128, mload(m)), and(calldataload(key.offset), sub(shl(128, 1), 1))
            )
        }
    }
}
