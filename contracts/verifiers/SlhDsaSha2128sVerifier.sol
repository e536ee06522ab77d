// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC7913SignatureVerifier, ISignatureVerifier} from "../interfaces/ISignatureVerifier.sol";

/// @title SLH-DSA-SHA2-128s (FIPS 205), pure, with context, verified on chain
/// @notice Algorithm 24 (slh_verify) over Algorithm 20 (slh_verify_internal), to the letter: about
/// 2,100 calls of the SHA-256 precompile. Holds no state and trusts no one.
/// @dev Parameters (FIPS 205, table 2): n = 16, h = 63, d = 7, h' = 9, a = 12, k = 14, lg_w = 4,
/// m = 30. Public key 32 bytes: PK.seed || PK.root. Signature 7,856 bytes:
/// R (16) || FORS: 14 trees of sk and 12 nodes (2,912) || 7 layers of 35 + 9 values (4,928).
///
/// The addresses are the compressed ones of section 11.2, 22 bytes:
///     layer (1) || tree (8) || type (1) || key pair (4) || chain or height (4) || hash or index (4)
/// so as an integer of 176 bits: layer << 168 | tree << 104 | type << 96 | key pair << 64 |
/// chain or height << 32 | hash or index.
///
/// Memory while verifying. Every hash but the first two reads a buffer that stays in place, and
/// only the bytes that differ are written between two hashes:
///     0x000 .. 0x040  PK.seed || 0^48       buffer of F and H, the first SHA-256 block
///     0x040 .. 0x056  compressed address
///     0x056 .. 0x066  M_1; F's only argument. The output of one F is the input of the next.
///     0x066 .. 0x076  M_2
///     0x080 .. 0x0c0  PK.seed || 0^48       buffer of T_k and T_len
///     0x0c0 .. 0x0d6  compressed address
///     0x0d6 .. 0x306  k = 14 roots, or len = 35 chain ends
/// The free memory pointer (0x40) and the zero slot (0x60) are dirtied and restored at the end.
///
/// The result of a call of the precompile is not checked: it can only fail for lack of gas, and
/// what is left then, a 63rd part of less than the 108 gas that it asks for, does not last to the
/// next instruction that matters. That the precompile exists is checked once in each verification.
contract SlhDsaSha2128sVerifier is ISignatureVerifier {
    uint256 internal constant KEY_BYTES = 32;
    uint256 internal constant SIGNATURE_BYTES = 7856;
    uint256 internal constant MAX_CTX_BYTES = 255;
    bytes4 internal constant INVALID = 0xffffffff;

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

        assembly {
            let freePointer := mload(0x40)

            // ---- H_msg (section 11.2.1): MGF1-SHA-256(R || PK.seed || SHA-256(R || PK.seed ||
            // PK.root || M')), one block, of which m = 30 bytes are used.
            // M' = 0 || len(ctx) || ctx || M (Algorithm 24, line 4).
            let p := signature.offset
            calldatacopy(0x00, p, 16)
            calldatacopy(0x10, key.offset, 32)
            mstore8(0x30, 0)
            mstore8(0x31, ctx.length)
            calldatacopy(0x32, ctx.offset, ctx.length)
            calldatacopy(add(0x32, ctx.length), message.offset, message.length)
            let digest :=
                staticcall(gas(), 2, 0x00, add(0x32, add(ctx.length, message.length)), 0x20, 0x20)
            // On a chain without the precompile the call succeeds and returns nothing.
            if iszero(eq(returndatasize(), 0x20)) { revert(0, 0) }
            mstore(0x40, 0) // the counter of MGF1
            pop(staticcall(gas(), 2, 0x00, 0x44, 0x00, 0x20))
            digest := mload(0x00)

            // ---- The digest (Algorithm 20, lines 7 to 13): md 168 bits, idx_tree 54 of the next
            // 56, idx_leaf 9 of the next 16; the last 16 of 256 are not used.
            let leaf := and(shr(16, digest), 0x1ff)
            let tree := and(shr(32, digest), 0x3fffffffffffff)

            // ---- The buffers
            let seed := and(calldataload(key.offset), shl(128, sub(shl(128, 1), 1)))
            mstore(0x00, seed)
            mstore(0x20, 0)
            mstore(0x80, seed)
            mstore(0xa0, 0)

            // ---- FORS (Algorithm 17, fors_pkFromSig). Type FORS_TREE = 3, FORS_ROOTS = 4.
            p := add(p, 16)
            let base := or(or(shl(104, tree), shl(96, 3)), shl(64, leaf))
            let out := 0xd6
            for { let i := 0 } lt(i, 14) { i := add(i, 1) } {
                // Tree index at height 0: i * 2^a + the next 12 bits of md.
                let t := or(shl(12, i), shr(244, shl(mul(12, i), digest)))
                mstore(0x36, or(base, t))
                calldatacopy(0x56, p, 16)
                // A node goes to M_1 when its index is even, to M_2 when it is odd.
                let side := add(0x56, shl(4, and(t, 1)))
                pop(staticcall(gas(), 2, 0x00, 102, side, 16))
                for { let height := shl(32, 1) } lt(height, shl(32, 13)) {
                    height := add(height, shl(32, 1))
                } {
                    p := add(p, 16)
                    calldatacopy(sub(0xbc, side), p, 16) // the sibling, on the other side
                    t := shr(1, t)
                    mstore(0x36, or(base, or(height, t)))
                    side := add(0x56, shl(4, and(t, 1)))
                    pop(staticcall(gas(), 2, 0x00, 118, side, 16))
                }
                p := add(p, 16)
                mstore(out, mload(side)) // 16 bytes of it count, the rest is overwritten
                out := add(out, 16)
            }
            mstore(0xb6, or(or(shl(104, tree), shl(96, 4)), shl(64, leaf)))
            pop(staticcall(gas(), 2, 0x80, 310, 0x56, 16))
            let node := shr(128, mload(0x56))

            // ---- Hypertree (Algorithm 13, ht_verify). In each layer the one-time public key from
            // the signature (Algorithm 8), then the root from it (Algorithm 11).
            for { let layer := 0 } lt(layer, 7) { layer := add(layer, 1) } {
                base := or(shl(168, layer), shl(104, tree))

                // The message in 32 digits of 4 bits and the checksum sum(15 - digit) in 3
                // (Algorithm 8, lines 2 to 7): 140 bits, shifted to the top of the word.
                let digits := add(
                    and(node, 0x0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f),
                    and(shr(4, node), 0x0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f)
                ) // 16 bytes, each at most 30
                digits := add(
                    and(digits, 0x00ff00ff00ff00ff00ff00ff00ff00ff),
                    and(shr(8, digits), 0x00ff00ff00ff00ff00ff00ff00ff00ff)
                ) // 8 lanes of 16 bits, each at most 60; their sum, at most 480, fits a lane
                digits := and(shr(112, mul(digits, 0x00010001000100010001000100010001)), 0xffff)
                digits := shl(116, or(shl(12, node), sub(480, digits)))

                // Type WOTS_HASH = 0. The chain's number is written below, byte 17 of the address;
                // the hash address, byte 21, before each F.
                mstore(0x36, or(base, shl(64, leaf)))
                out := 0xd6
                for { let i := 0 } lt(i, 35) { i := add(i, 1) } {
                    mstore8(0x51, i)
                    calldatacopy(0x56, p, 16)
                    p := add(p, 16)
                    // F at the hash addresses digit .. 14: 15 - digit of them, by the bits of
                    // that number; the eight go last, since their addresses are always 7 .. 14.
                    let j := shr(252, digits)
                    digits := shl(4, digits)
                    if iszero(and(j, 1)) {
                        mstore8(0x55, j)
                        pop(staticcall(gas(), 2, 0x00, 102, 0x56, 16))
                        j := add(j, 1)
                    }
                    if iszero(and(j, 2)) { // bit 0 is set from here on
                        mstore8(0x55, j)
                        pop(staticcall(gas(), 2, 0x00, 102, 0x56, 16))
                        mstore8(0x55, add(j, 1))
                        pop(staticcall(gas(), 2, 0x00, 102, 0x56, 16))
                        j := add(j, 2)
                    }
                    if iszero(and(j, 4)) {
                        mstore8(0x55, j)
                        pop(staticcall(gas(), 2, 0x00, 102, 0x56, 16))
                        mstore8(0x55, add(j, 1))
                        pop(staticcall(gas(), 2, 0x00, 102, 0x56, 16))
                        mstore8(0x55, add(j, 2))
                        pop(staticcall(gas(), 2, 0x00, 102, 0x56, 16))
                        mstore8(0x55, add(j, 3))
                        pop(staticcall(gas(), 2, 0x00, 102, 0x56, 16))
                        j := add(j, 4)
                    }
                    if lt(j, 15) {
                        mstore8(0x55, 7)
                        pop(staticcall(gas(), 2, 0x00, 102, 0x56, 16))
                        mstore8(0x55, 8)
                        pop(staticcall(gas(), 2, 0x00, 102, 0x56, 16))
                        mstore8(0x55, 9)
                        pop(staticcall(gas(), 2, 0x00, 102, 0x56, 16))
                        mstore8(0x55, 10)
                        pop(staticcall(gas(), 2, 0x00, 102, 0x56, 16))
                        mstore8(0x55, 11)
                        pop(staticcall(gas(), 2, 0x00, 102, 0x56, 16))
                        mstore8(0x55, 12)
                        pop(staticcall(gas(), 2, 0x00, 102, 0x56, 16))
                        mstore8(0x55, 13)
                        pop(staticcall(gas(), 2, 0x00, 102, 0x56, 16))
                        mstore8(0x55, 14)
                        pop(staticcall(gas(), 2, 0x00, 102, 0x56, 16))
                    }
                    mstore(out, mload(0x56))
                    out := add(out, 16)
                }
                // T_len, type WOTS_PK = 1
                mstore(0xb6, or(or(base, shl(96, 1)), shl(64, leaf)))
                let side := add(0x56, shl(4, and(leaf, 1)))
                pop(staticcall(gas(), 2, 0x80, 646, side, 16))

                // The authentication path, type TREE = 2
                base := or(base, shl(96, 2))
                for { let height := shl(32, 1) } lt(height, shl(32, 10)) {
                    height := add(height, shl(32, 1))
                } {
                    calldatacopy(sub(0xbc, side), p, 16)
                    p := add(p, 16)
                    leaf := shr(1, leaf)
                    mstore(0x36, or(base, or(height, leaf)))
                    side := add(0x56, shl(4, and(leaf, 1)))
                    pop(staticcall(gas(), 2, 0x00, 118, side, 16))
                }
                node := shr(128, mload(side))
                leaf := and(tree, 0x1ff)
                tree := shr(9, tree)
            }

            valid := eq(node, and(calldataload(key.offset), sub(shl(128, 1), 1)))
            mstore(0x40, freePointer)
            mstore(0x60, 0)
        }
    }
}
