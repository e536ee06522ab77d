// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MatchKind, Revocation, Verdict} from "../types/Verdict.sol";
import {IQuorumCount} from "./IQuorumCount.sol";

/// @notice The last verdict on one contract.
/// @param codeHash keccak256 of the code that was verified; zero where there was never a verdict.
/// @param sequence The number of the last verdict or revocation of a quorum.
/// @param issuedAt Seconds since 1970.
/// @param expiresAt The last second in which the verdict counts.
/// @param epoch The epoch of those who signed it.
/// @param matchKind How well code and source agree.
/// @param revoked Whether it was revoked by itself; its code may have been too.
/// @param blockNumber The block in which the contract had the code.
/// @param revokedAt Whatever was issued until then counts no more; zero for never.
/// @param blockHash The hash of that block.
/// @param scanDigest SHA-256 of the scan's report; zero where nothing was scanned.
/// @param tool The version of what verified.
struct VerdictRecord {
    bytes32 codeHash;
    uint64 sequence;
    uint64 issuedAt;
    uint64 expiresAt;
    uint32 epoch;
    MatchKind matchKind;
    bool revoked;
    uint64 blockNumber;
    uint64 revokedAt;
    bytes32 blockHash;
    bytes32 scanDigest;
    bytes32 tool;
}

/// @title What a quorum found about deployed contracts
/// @notice A verdict is of code, not of a contract's state: of a proxy it says nothing about what it
/// calls. Ask for both.
interface IVerdictRegistry is IQuorumCount {
    /// @notice A quorum stands behind the verdict with `digest`.
    event VerdictAccepted(
        uint64 indexed chainId,
        address indexed account,
        bytes32 indexed codeHash,
        uint64 sequence,
        uint32 epoch,
        MatchKind matchKind,
        uint64 expiresAt,
        bytes32 digest
    );
    /// @notice Verdicts on the contract that were issued until `revokedAt` count no more.
    /// @param by The guardian, or zero for a quorum.
    /// @param reason What the quorum signed; zero from the guardian.
    event VerdictRevoked(
        uint64 indexed chainId,
        address indexed account,
        uint64 revokedAt,
        address by,
        bytes32 reason
    );
    /// @notice Verdicts on the code that were issued until `revokedAt` count no more, wherever it is.
    event CodeRevoked(bytes32 indexed codeHash, uint64 revokedAt);

    /// @notice No match is no level that can be asked for.
    error InvalidLeastMatch();
    /// @notice The maximum validity is out of its bounds, in seconds.
    error InvalidPeriod(uint64 period, uint64 minimum, uint64 maximum);
    /// @notice The statement is meant for another chain.
    error WrongChainId(uint256 expected, uint256 got);
    /// @notice The statement is meant for another VerdictRegistry.
    error WrongRegistry(address expected, address got);
    /// @notice The statement is of another epoch than the current one.
    error WrongEpoch(uint32 expected, uint32 got);
    /// @notice The chain id or the address is zero.
    error InvalidContract(uint64 chainId, address account);
    /// @notice The hash of no code.
    error NoCode(bytes32 codeHash);
    /// @notice A statement of this contract with `stands` or more was accepted before.
    error StaleSequence(uint64 stands, uint64 got);
    /// @notice The statement is of the future, in seconds since 1970.
    error NotYetIssued(uint64 issuedAt, uint256 timestamp);
    /// @notice The verdict would count for no time, or for longer than `maximum` seconds.
    error InvalidValidity(uint64 issuedAt, uint64 expiresAt, uint64 maximum);
    /// @notice The verdict counts no more.
    error VerdictExpired(uint64 expiresAt, uint256 timestamp);
    /// @notice The contract or its code was revoked when the verdict was issued already.
    error RevokedSince(uint64 issuedAt, uint64 revokedAt);
    /// @notice The contract, which is of this chain, has other code than was verified.
    error CodeChanged(address account, bytes32 verified, bytes32 has);

    /// @notice Counts signatures over a verdict. Anybody may bring them, in any number of
    /// transactions; each signer counts once.
    /// @param verdict What was signed, under the context "astralink/verdict/v1".
    /// @param signers Indices in the SignerRegistry, one for each signature.
    /// @return accepted Whether the quorum stands now, and the verdict with it.
    function submit(
        Verdict calldata verdict,
        uint256[] calldata signers,
        bytes[] calldata signatures
    ) external returns (bool accepted);

    /// @notice The same for a revocation, signed under "astralink/verdict-revocation/v1". Works while
    /// all is paused.
    function revoke(
        Revocation calldata revocation,
        uint256[] calldata signers,
        bytes[] calldata signatures
    ) external returns (bool accepted);

    /// @notice Revokes all verdicts on a contract that were issued until now, those among them that
    /// were not brought yet. For the guardian.
    function revokeNow(uint64 chainId, address account) external;

    /// @notice Revokes all verdicts on this code that were issued until now, wherever it is. For the
    /// guardian.
    function revokeCode(bytes32 codeHash) external;

    /// @notice No verdict counts for longer, in seconds.
    function maximumValidity() external view returns (uint64);

    /// @notice What `isVerified` and `isCodeVerified` ask for where a caller does not say.
    function leastMatch() external view returns (MatchKind);

    /// @notice Whether a contract of this chain has, now, the code that a verdict is on, which was not
    /// revoked, did not expire and is good enough. False while all is paused.
    function isVerified(address account) external view returns (bool);

    /// @notice The same for a contract of any chain. The code of one that is not of this chain is not
    /// looked at: it may have changed since `blockNumber`.
    function isVerified(uint64 chainId, address account) external view returns (bool);

    /// @notice The same with the level that the caller asks for; `NO_MATCH` asks for `MATCH`.
    function isVerified(uint64 chainId, address account, MatchKind least)
        external
        view
        returns (bool);

    /// @notice Whether the last verdict that was accepted on this code, wherever it was, still counts.
    function isCodeVerified(bytes32 codeHash) external view returns (bool);

    /// @notice The same with the level that the caller asks for.
    function isCodeVerified(bytes32 codeHash, MatchKind least) external view returns (bool);

    /// @notice The last verdict on a contract, whether it counts or not.
    function verdictOf(uint64 chainId, address account)
        external
        view
        returns (VerdictRecord memory);

    /// @notice Until when verdicts on the code were revoked, in seconds since 1970; zero for never.
    function codeRevokedAt(bytes32 codeHash) external view returns (uint64);
}
