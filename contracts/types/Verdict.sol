// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice How well code and source agree. The numbers are signed and never change.
enum MatchKind {
    NO_MATCH,
    MATCH,
    EXACT_MATCH
}

/// @notice What a signer signs about one contract, said to one VerdictRegistry in one epoch.
/// @param registryChainId The chain of the VerdictRegistry.
/// @param registry The VerdictRegistry.
/// @param epoch The epoch of its signers.
/// @param sequence Counts what is said to this registry of this contract; a later one replaces.
/// @param issuedAt Seconds since 1970.
/// @param expiresAt The last second in which the verdict counts.
/// @param chainId The chain of the contract.
/// @param account The contract.
/// @param codeHash keccak256 of its runtime code.
/// @param blockNumber The block in which it had that code.
/// @param blockHash The hash of that block.
/// @param matchKind How well code and source agree.
/// @param scanDigest SHA-256 of the scan's report; zero where nothing was scanned.
/// @param tool The version of what verified, left-aligned and filled with zeros.
struct Verdict {
    uint64 registryChainId;
    address registry;
    uint32 epoch;
    uint64 sequence;
    uint64 issuedAt;
    uint64 expiresAt;
    uint64 chainId;
    address account;
    bytes32 codeHash;
    uint64 blockNumber;
    bytes32 blockHash;
    MatchKind matchKind;
    bytes32 scanDigest;
    bytes32 tool;
}

/// @notice What a signer signs to take back all that was said of one contract until `issuedAt`.
/// @param sequence Counts on where the verdicts of this contract stand.
/// @param codeHash Code that loses its verdicts wherever it is; zero leaves others alone.
/// @param reason Any text, left-aligned and filled with zeros.
struct Revocation {
    uint64 registryChainId;
    address registry;
    uint32 epoch;
    uint64 sequence;
    uint64 issuedAt;
    uint64 chainId;
    address account;
    bytes32 codeHash;
    bytes32 reason;
}

/// @title The digests of verdicts and revocations
library VerdictLib {
    bytes32 internal constant VERDICT_TYPE_HASH = keccak256(
        "AstraLinkVerdict(uint64 registryChainId,address registry,uint32 epoch,uint64 sequence,uint64 issuedAt,uint64 expiresAt,uint64 chainId,address account,bytes32 codeHash,uint64 blockNumber,bytes32 blockHash,uint8 matchKind,bytes32 scanDigest,bytes32 tool)"
    );
    bytes32 internal constant REVOCATION_TYPE_HASH = keccak256(
        "AstraLinkVerdictRevocation(uint64 registryChainId,address registry,uint32 epoch,uint64 sequence,uint64 issuedAt,uint64 chainId,address account,bytes32 codeHash,bytes32 reason)"
    );

    /// @notice keccak256 over the type hash and the fourteen fields, a word each; signed under
    /// `Contexts.VERDICT`.
    function digest(Verdict calldata v) internal pure returns (bytes32) {
        // The fields are words of static types, so that the struct is their concatenation.
        return keccak256(abi.encode(VERDICT_TYPE_HASH, v));
    }

    /// @notice keccak256 over the type hash and the nine fields, a word each; signed under
    /// `Contexts.VERDICT_REVOCATION`.
    function digest(Revocation calldata r) internal pure returns (bytes32) {
        return keccak256(abi.encode(REVOCATION_TYPE_HASH, r));
    }
}
