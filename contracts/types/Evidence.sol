// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MerkleTree} from "../libraries/MerkleTree.sol";
import {Checkpoint, CheckpointLib} from "./Checkpoint.sol";

/// @notice Two checkpoints of one key about one Outbox of which one is wrong.
/// @param epoch The epoch of the registry in which the signer stands.
/// @param signer Its index there.
/// @param key Which of its keys signed both.
/// @param index A leaf on which trees of two sizes differ; zero where the sizes are equal.
/// @param leafA The leaf `index` under the root of `a`, with its siblings in `proofA`.
/// @param leafB The leaf `index` under the root of `b`, with its siblings in `proofB`.
struct Evidence {
    uint32 epoch;
    uint256 signer;
    uint256 key;
    Checkpoint a;
    Checkpoint b;
    bytes signatureA;
    bytes signatureB;
    uint256 index;
    bytes32 leafA;
    bytes32 leafB;
    bytes proofA;
    bytes proofB;
}

/// @title Whether two checkpoints contradict each other
library EvidenceLib {
    using CheckpointLib for Checkpoint;

    /// @notice Whether no append-only tree has both: the same Outbox with two roots for one size,
    /// or with two leaves at one index. Destination, Inbox and epoch may differ.
    function isConflict(Evidence calldata e) internal pure returns (bool) {
        if (
            e.a.originDomain != e.b.originDomain || e.a.originChainId != e.b.originChainId
                || e.a.outbox != e.b.outbox
        ) return false;
        if (e.a.size == e.b.size) return e.a.root != e.b.root;
        return e.leafA != e.leafB && _stands(e.a, e.index, e.leafA, e.proofA)
            && _stands(e.b, e.index, e.leafB, e.proofB);
    }

    function _stands(Checkpoint calldata c, uint256 index, bytes32 leaf, bytes calldata proof)
        private
        pure
        returns (bool)
    {
        return index < c.size && proof.length == 32 * MerkleTree.depth(c.size)
            && MerkleTree.rootFromProof(leaf, index, proof) == c.root;
    }
}
