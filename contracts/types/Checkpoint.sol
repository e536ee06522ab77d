// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What a signer signs: the tree of an Outbox, said to one Inbox in one epoch.
struct Checkpoint {
    uint32 originDomain;
    uint64 originChainId;
    address outbox;
    bytes32 root;
    uint32 size;
    uint32 destinationDomain;
    uint64 destinationChainId;
    address inbox;
    uint32 epoch;
}

/// @title The digest of a checkpoint
library CheckpointLib {
    bytes32 internal constant TYPE_HASH = keccak256(
        "AstraLinkCheckpoint(uint32 originDomain,uint64 originChainId,address outbox,bytes32 root,uint32 size,uint32 destinationDomain,uint64 destinationChainId,address inbox,uint32 epoch)"
    );

    /// @notice keccak256 over the type hash and the nine fields, a word each. These 32 bytes are
    /// the message that is signed, under `Contexts.CHECKPOINT`.
    function digest(Checkpoint calldata c) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                TYPE_HASH,
                c.originDomain,
                c.originChainId,
                c.outbox,
                c.root,
                c.size,
                c.destinationDomain,
                c.destinationChainId,
                c.inbox,
                c.epoch
            )
        );
    }
}
