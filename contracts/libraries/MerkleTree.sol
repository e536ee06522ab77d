// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title An append-only Merkle tree that is as deep as its size asks
/// @notice The tree of `size` leaves has depth ceil(log2(size)): 0 for one leaf, whose root is the
/// leaf itself. Missing leaves are zero, an inner node is keccak256(left || right). A leaf is the
/// keccak256 of at least 77 bytes and an inner node that of 64, so none passes for the other; the
/// size is signed with the root, so the depth of a proof is never the caller's choice.
/// @dev `frontier[h]` is the last complete subtree of height `h` on the left of the next leaf.
library MerkleTree {
    /// A tree of 32 levels: one leaf for each nonce of 32 bits.
    uint256 internal constant MAX_SIZE = type(uint32).max;

    struct Tree {
        uint256 size;
        bytes32[32] frontier;
    }

    error TreeFull();

    /// @notice Appends `leaf`. One frontier node is written whatever the size.
    function append(Tree storage tree, bytes32 leaf) internal returns (uint256 index) {
        index = tree.size;
        if (index == MAX_SIZE) revert TreeFull();
        unchecked {
            tree.size = index + 1;
            uint256 height;
            for (uint256 rest = index; rest & 1 == 1; rest >>= 1) {
                leaf = node(tree.frontier[height], leaf);
                ++height;
            }
            tree.frontier[height] = leaf;
        }
    }

    /// @notice The root of the tree as it stands; zero for an empty tree, which is never signed.
    function root(Tree storage tree) internal view returns (bytes32 current) {
        uint256 size = tree.size;
        if (size == 0) return 0;
        uint256 levels = depth(size);
        bytes32 zero;
        unchecked {
            // A size that is a power of two fills its tree: the root is the highest frontier node.
            if (size == 1 << levels) return tree.frontier[levels];
            for (uint256 height; height < levels; ++height) {
                current = (size >> height) & 1 == 1
                    ? node(tree.frontier[height], current)
                    : node(current, zero);
                zero = node(zero, zero);
            }
        }
    }

    /// @notice The depth of a tree of `size` leaves, ceil(log2(size)). `size` is at least 1.
    function depth(uint256 size) internal pure returns (uint256 levels) {
        unchecked {
            for (uint256 rest = size - 1; rest != 0; rest >>= 1) {
                ++levels;
            }
        }
    }

    /// @notice The root that `leaf` at `index` has with `siblings`, 32 bytes each, the lowest
    /// first. The caller has checked that their number is the tree's depth and `index` below its
    /// size.
    function rootFromProof(bytes32 leaf, uint256 index, bytes calldata siblings)
        internal
        pure
        returns (bytes32 current)
    {
        current = leaf;
        unchecked {
            for (uint256 offset; offset < siblings.length; offset += 32) {
                bytes32 sibling = bytes32(siblings[offset:offset + 32]);
                current = index & 1 == 0 ? node(current, sibling) : node(sibling, current);
                index >>= 1;
            }
        }
    }

    /// @notice How many siblings prove the leaves `first` to `last` of a tree of depth `levels`.
    /// `first` is at most `last`, and both are leaves of the tree.
    function rangeProofLength(uint256 first, uint256 last, uint256 levels)
        internal
        pure
        returns (uint256 length)
    {
        unchecked {
            for (; levels != 0; --levels) {
                length += (first & 1) + (~last & 1);
                first >>= 1;
                last >>= 1;
            }
        }
    }

    /// @notice The root that `leaves` have, the first of which is leaf `first`, in a tree of depth
    /// `levels`. At each level, from the lowest: the sibling on the left where the range begins
    /// with a right child, then that on the right where it ends with a left child. The caller has
    /// checked that there is a leaf, that all are in the tree, and that `siblings` has
    /// `rangeProofLength` words.
    /// @dev Works in place: `leaves` is overwritten. Two neighbours are 64 bytes of memory that are
    /// hashed where they lie; their parent goes to or before the left one, which is read no more.
    function rootFromRange(
        bytes32[] memory leaves,
        uint256 first,
        uint256 levels,
        bytes32[] calldata siblings
    ) internal pure returns (bytes32 current) {
        assembly ("memory-safe") {
            let base := add(leaves, 0x20)
            let count := mload(leaves)
            let proof := siblings.offset
            for {} levels { levels := sub(levels, 1) } {
                let to := base
                let from := base
                let end := add(base, shl(5, count))
                if and(first, 1) {
                    mstore(0x00, calldataload(proof))
                    mstore(0x20, mload(base))
                    mstore(to, keccak256(0x00, 0x40))
                    proof := add(proof, 0x20)
                    to := add(to, 0x20)
                    from := add(from, 0x20)
                }
                for { let pairs := sub(end, 0x20) } lt(from, pairs) { from := add(from, 0x40) } {
                    mstore(to, keccak256(from, 0x40))
                    to := add(to, 0x20)
                }
                if lt(from, end) {
                    mstore(0x00, mload(from))
                    mstore(0x20, calldataload(proof))
                    mstore(to, keccak256(0x00, 0x40))
                    proof := add(proof, 0x20)
                    to := add(to, 0x20)
                }
                count := shr(5, sub(to, base))
                first := shr(1, first)
            }
            current := mload(base)
        }
    }

    /// @notice keccak256(left || right).
    function node(bytes32 left, bytes32 right) internal pure returns (bytes32 value) {
        assembly ("memory-safe") {
            mstore(0x00, left)
            mstore(0x20, right)
            value := keccak256(0x00, 0x40)
        }
    }
}
