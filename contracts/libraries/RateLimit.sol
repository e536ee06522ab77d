// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Limit} from "../interfaces/ITransferBridge.sol";

/// @title A token bucket: full at first, emptied by what passes, filled by time
library RateLimit {
    /// `updatedAt` in seconds since 1970, zero for a bucket that was never opened.
    struct Bucket {
        uint128 capacity;
        uint128 refillPerSecond;
        uint128 level;
        uint64 updatedAt;
    }

    function open(Bucket storage bucket, Limit memory limit) internal {
        bucket.level = limit.capacity;
        _write(bucket, limit);
    }

    /// @notice Sets another limit. What time has filled so far counts by the old one.
    function change(Bucket storage bucket, Limit memory limit) internal {
        uint256 level = available(bucket);
        bucket.level = level < limit.capacity ? uint128(level) : limit.capacity;
        _write(bucket, limit);
    }

    /// @notice Takes `amount`, which is at most what `available` says.
    function take(Bucket storage bucket, uint256 amount) internal {
        bucket.level = uint128(available(bucket) - amount);
        bucket.updatedAt = uint64(block.timestamp);
    }

    function available(Bucket storage bucket) internal view returns (uint256 level) {
        // 128 bits and a product of 64 and 128 bits: no overflow.
        uint256 elapsed = block.timestamp - bucket.updatedAt;
        level = bucket.level + elapsed * bucket.refillPerSecond;
        if (level > bucket.capacity) level = bucket.capacity;
    }

    function limitOf(Bucket storage bucket) internal view returns (Limit memory) {
        return Limit(bucket.capacity, bucket.refillPerSecond);
    }

    function _write(Bucket storage bucket, Limit memory limit) private {
        bucket.capacity = limit.capacity;
        bucket.refillPerSecond = limit.refillPerSecond;
        bucket.updatedAt = uint64(block.timestamp);
    }
}
