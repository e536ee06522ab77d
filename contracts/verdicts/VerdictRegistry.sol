// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {QuorumCount} from "../QuorumCount.sol";
import {Governed} from "../governance/Governed.sol";
import {Governance} from "../interfaces/IGoverned.sol";
import {ISignerRegistry} from "../interfaces/ISignerRegistry.sol";
import {IVerdictRegistry, VerdictRecord} from "../interfaces/IVerdictRegistry.sol";
import {Contexts} from "../types/Contexts.sol";
import {MatchKind, Revocation, Verdict, VerdictLib} from "../types/Verdict.sol";

/// @title The VerdictRegistry: verdicts that a quorum attested, and what became of them
/// @dev What revokes has no way back: a verdict that is issued later stands again.
contract VerdictRegistry is IVerdictRegistry, QuorumCount, Governed {
    using VerdictLib for Verdict;
    using VerdictLib for Revocation;

    /// Code, and the contract whose verdict was the last on it.
    struct Code {
        uint64 revokedAt;
        address account;
        uint64 chainId;
    }

    /// @notice No registry has a shorter or longer maximum validity, in seconds.
    uint64 public constant MINIMUM_VALIDITY = 1 hours;
    uint64 public constant MAXIMUM_VALIDITY = 366 days;
    /// The hash of an account that has no code but exists.
    bytes32 private constant EMPTY_CODE = keccak256("");

    /// @inheritdoc IVerdictRegistry
    uint64 public immutable maximumValidity;
    /// @inheritdoc IVerdictRegistry
    MatchKind public immutable leastMatch;

    mapping(uint64 chainId => mapping(address account => VerdictRecord)) private records;
    mapping(bytes32 codeHash => Code) private codes;

    constructor(
        ISignerRegistry registry_,
        Governance memory governance,
        uint64 maximumValidity_,
        MatchKind leastMatch_
    ) QuorumCount(registry_) Governed(governance) {
        if (maximumValidity_ < MINIMUM_VALIDITY || maximumValidity_ > MAXIMUM_VALIDITY) {
            revert InvalidPeriod(maximumValidity_, MINIMUM_VALIDITY, MAXIMUM_VALIDITY);
        }
        if (leastMatch_ == MatchKind.NO_MATCH) revert InvalidLeastMatch();
        maximumValidity = maximumValidity_;
        leastMatch = leastMatch_;
    }

    /// @inheritdoc IVerdictRegistry
    function submit(
        Verdict calldata verdict,
        uint256[] calldata signers,
        bytes[] calldata signatures
    ) external whenOpen(0) returns (bool accepted) {
        _requireSignatures(signers.length, signatures.length);
        _requireOurs(verdict.registryChainId, verdict.registry, verdict.epoch);
        _requireNext(verdict.chainId, verdict.account, verdict.sequence, verdict.issuedAt);
        _requireCounts(verdict);
        bytes32 digest = verdict.digest();
        accepted = _count(verdict.epoch, digest, Contexts.VERDICT, signers, signatures);
        if (accepted) _store(verdict, digest);
    }

    /// @inheritdoc IVerdictRegistry
    function revoke(
        Revocation calldata revocation,
        uint256[] calldata signers,
        bytes[] calldata signatures
    ) external returns (bool accepted) {
        _requireSignatures(signers.length, signatures.length);
        _requireOurs(revocation.registryChainId, revocation.registry, revocation.epoch);
        (uint64 chainId, address account) = (revocation.chainId, revocation.account);
        _requireNext(chainId, account, revocation.sequence, revocation.issuedAt);
        accepted = _count(
            revocation.epoch,
            revocation.digest(),
            Contexts.VERDICT_REVOCATION,
            signers,
            signatures
        );
        if (!accepted) return false;
        records[chainId][account].sequence = revocation.sequence;
        _revoke(chainId, account, revocation.issuedAt, address(0), revocation.reason);
        if (revocation.codeHash != 0) _revokeCode(revocation.codeHash, revocation.issuedAt);
    }

    /// @inheritdoc IVerdictRegistry
    function revokeNow(uint64 chainId, address account) external onlyGuardian {
        _revoke(chainId, account, uint64(block.timestamp), msg.sender, 0);
    }

    /// @inheritdoc IVerdictRegistry
    function revokeCode(bytes32 codeHash) external onlyGuardian {
        _revokeCode(codeHash, uint64(block.timestamp));
    }

    /// @inheritdoc IVerdictRegistry
    function isVerified(address account) external view returns (bool) {
        return isVerified(uint64(block.chainid), account, leastMatch);
    }

    /// @inheritdoc IVerdictRegistry
    function isVerified(uint64 chainId, address account) external view returns (bool) {
        return isVerified(chainId, account, leastMatch);
    }

    /// @inheritdoc IVerdictRegistry
    function isVerified(uint64 chainId, address account, MatchKind least)
        public
        view
        returns (bool)
    {
        VerdictRecord storage record = records[chainId][account];
        // While an account is created, its code is empty, which no verdict is on.
        if (chainId == block.chainid && account.codehash != record.codeHash) return false;
        return _stands(record, least);
    }

    /// @inheritdoc IVerdictRegistry
    function isCodeVerified(bytes32 codeHash) external view returns (bool) {
        return isCodeVerified(codeHash, leastMatch);
    }

    /// @inheritdoc IVerdictRegistry
    function isCodeVerified(bytes32 codeHash, MatchKind least) public view returns (bool) {
        Code storage code = codes[codeHash];
        VerdictRecord storage record = records[code.chainId][code.account];
        // The contract may have been verified with other code since.
        return record.codeHash == codeHash && _stands(record, least);
    }

    /// @inheritdoc IVerdictRegistry
    function verdictOf(uint64 chainId, address account)
        external
        view
        returns (VerdictRecord memory)
    {
        return records[chainId][account];
    }

    /// @inheritdoc IVerdictRegistry
    function codeRevokedAt(bytes32 codeHash) external view returns (uint64) {
        return codes[codeHash].revokedAt;
    }

    function _requireOurs(uint64 chainId, address verdictRegistry, uint32 epoch) private view {
        // Read from the chain at each call, so that a fork with another id refuses old signatures.
        if (chainId != block.chainid) revert WrongChainId(block.chainid, chainId);
        if (verdictRegistry != address(this)) revert WrongRegistry(address(this), verdictRegistry);
        // Not any epoch that may still attest, as for what is in flight: nothing is.
        uint32 current = registry.currentEpoch();
        if (epoch != current) revert WrongEpoch(current, epoch);
    }

    function _requireNext(uint64 chainId, address account, uint64 sequence, uint64 issuedAt)
        private
        view
    {
        if (chainId == 0 || account == address(0)) revert InvalidContract(chainId, account);
        uint64 stands = records[chainId][account].sequence;
        if (sequence <= stands) revert StaleSequence(stands, sequence);
        // What is of the future would outlive the guardian's revocation.
        if (issuedAt > block.timestamp) revert NotYetIssued(issuedAt, block.timestamp);
    }

    /// Reverts unless the verdict would count now.
    function _requireCounts(Verdict calldata verdict) private view {
        (uint64 issuedAt, uint64 expiresAt) = (verdict.issuedAt, verdict.expiresAt);
        if (expiresAt <= issuedAt || expiresAt - issuedAt > maximumValidity) {
            revert InvalidValidity(issuedAt, expiresAt, maximumValidity);
        }
        if (block.timestamp > expiresAt) revert VerdictExpired(expiresAt, block.timestamp);
        bytes32 codeHash = verdict.codeHash;
        if (codeHash == 0 || codeHash == EMPTY_CODE) revert NoCode(codeHash);
        uint64 revokedAt = records[verdict.chainId][verdict.account].revokedAt;
        uint64 codeRevoked = codes[codeHash].revokedAt;
        if (codeRevoked > revokedAt) revokedAt = codeRevoked;
        if (issuedAt <= revokedAt) revert RevokedSince(issuedAt, revokedAt);
        if (verdict.chainId == block.chainid && verdict.account.codehash != codeHash) {
            revert CodeChanged(verdict.account, codeHash, verdict.account.codehash);
        }
    }

    function _store(Verdict calldata verdict, bytes32 digest) private {
        VerdictRecord storage record = records[verdict.chainId][verdict.account];
        record.codeHash = verdict.codeHash;
        record.sequence = verdict.sequence;
        record.issuedAt = verdict.issuedAt;
        record.expiresAt = verdict.expiresAt;
        record.epoch = verdict.epoch;
        record.matchKind = verdict.matchKind;
        record.revoked = false;
        record.blockNumber = verdict.blockNumber;
        record.blockHash = verdict.blockHash;
        record.scanDigest = verdict.scanDigest;
        record.tool = verdict.tool;
        Code storage code = codes[verdict.codeHash];
        (code.account, code.chainId) = (verdict.account, verdict.chainId);
        emit VerdictAccepted(
            verdict.chainId,
            verdict.account,
            verdict.codeHash,
            verdict.sequence,
            verdict.epoch,
            verdict.matchKind,
            verdict.expiresAt,
            digest
        );
    }

    /// What was issued later stays: the guardian may have been faster than a quorum, and a new
    /// verdict faster than either.
    function _revoke(uint64 chainId, address account, uint64 until, address by, bytes32 reason)
        private
    {
        VerdictRecord storage record = records[chainId][account];
        if (until > record.revokedAt) record.revokedAt = until;
        if (record.issuedAt <= until) record.revoked = true;
        emit VerdictRevoked(chainId, account, until, by, reason);
    }

    function _revokeCode(bytes32 codeHash, uint64 until) private {
        Code storage code = codes[codeHash];
        if (until > code.revokedAt) code.revokedAt = until;
        emit CodeRevoked(codeHash, until);
    }

    /// Whether a verdict counts, whatever code the contract has.
    function _stands(VerdictRecord storage record, MatchKind least) private view returns (bool) {
        if (paused[0] || record.revoked || block.timestamp > record.expiresAt) return false;
        MatchKind kind = record.matchKind;
        if (kind == MatchKind.NO_MATCH || kind < least) return false;
        return record.issuedAt > codes[record.codeHash].revokedAt;
    }
}
