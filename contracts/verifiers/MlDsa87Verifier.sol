// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC7913SignatureVerifier, ISignatureVerifier} from "../interfaces/ISignatureVerifier.sol";
import {MlDsa87ExpanderPin} from "./generated/MlDsa87ExpanderPin.sol";
import {MlDsa87KernelPin} from "./generated/MlDsa87KernelPin.sol";

/// @title ML-DSA-87 (FIPS 204), pure, with context, verified on chain
/// @notice Algorithm 3 over Algorithm 8, to the letter, with standard SHAKE. A key may be held in
/// three ways, of which each signer chooses one:
///     registered   as contract code; the key is its id, keccak256 of the public key (32 bytes)
///     committed    as a hash; the key is the id, the expansion follows the signature (70,227 bytes)
///     raw          not at all; the key is the public key (2,592 bytes), expanded in the call
/// @dev An expansion is never taken on trust: it is computed here, by the expander, from the public
/// key in the transaction that registers it. It is 65,536 bytes, the matrix and -t1 2^13 in the NTT
/// domain times 256^-1 (scripts/kernels/matrix87.py), and 64 bytes of tr.
///
/// Registration as code takes two calls, each below 2^24 gas, by anybody and in any transactions:
/// `register(key, 1)` for rows 4 to 7, then `register(key, 0)` for rows 0 to 3, tr and the head
/// that names the other three contracts. A key is usable when its head stands, never before.
///
/// The arithmetic is in two contracts without state, assembled by scripts/kernels/verify87.py and
/// expand87.py. Anybody may deploy them, once for a chain; this contract takes no others than those
/// with the code that it was built for.
contract MlDsa87Verifier is ISignatureVerifier {
    uint256 internal constant KEY_BYTES = 2592;
    uint256 internal constant ID_BYTES = 32;
    uint256 internal constant SIGNATURE_BYTES = 4627;
    uint256 internal constant MAX_CTX_BYTES = 255;
    uint256 internal constant PART_BYTES = 16_384;
    uint256 internal constant EXPANDED_BYTES = 65_600; // four parts and tr
    bytes4 internal constant INVALID = 0xffffffff;
    /// Creation code that returns the code behind it: PUSH2 length, DUP1, PUSH1 10, PUSH0,
    /// CODECOPY, PUSH0, RETURN; and the STOP with which that code begins. 11 bytes.
    uint256 internal constant PREFIX = 0x61_0000_80_60_0a_5f_39_5f_f3_00;

    /// @notice The contract with the code of MlDsa87Kernel.
    address public immutable kernel;
    /// @notice The contract with the code of MlDsa87Expander.
    address public immutable expander;

    struct Upper {
        address first;
        address second;
    }

    /// @notice The head of a registered key, by keccak256 of the public key.
    mapping(bytes32 keyId => address) public heads;
    /// @notice The contracts of rows 4 to 7 of a key that is registered or half registered.
    mapping(bytes32 keyId => Upper) public uppers;
    /// @notice keccak256 of the expansion of a committed key.
    mapping(bytes32 keyId => bytes32) public commitments;

    /// @notice Half of the rows of a key stand; the key is usable once both do.
    event HalfRegistered(bytes32 indexed keyId, uint256 half);
    /// @notice The key is usable by its id.
    event Registered(bytes32 indexed keyId, address head);
    /// @notice The key is usable by its id, with its expansion behind each signature.
    event Committed(bytes32 indexed keyId, bytes32 commitment);

    /// @notice The code at `given` is not that of the kernel this verifier was built for.
    error NotTheKernel(address given);
    /// @notice A key's contract could not be created: too little gas.
    error NotCreated();
    /// @notice The key has `length` bytes, `expected` were expected.
    error WrongKeyLength(uint256 expected, uint256 length);
    /// @notice There are halves 0 and 1 only.
    error NoSuchHalf(uint256 half);
    /// @notice Rows 4 to 7 (half 1) come first.
    error UpperHalfMissing(bytes32 keyId);
    /// @notice This half, or this commitment, stands already.
    error AlreadyRegistered(bytes32 keyId);
    /// @notice A kernel ran out of gas.
    error KernelFailed();

    constructor(address kernel_, address expander_) {
        if (kernel_.codehash != MlDsa87KernelPin.CODE_HASH) revert NotTheKernel(kernel_);
        if (expander_.codehash != MlDsa87ExpanderPin.CODE_HASH) revert NotTheKernel(expander_);
        kernel = kernel_;
        expander = expander_;
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
    /// @dev An id must be of a key that is registered or committed; a public key must not be zero.
    function isKeyWellFormed(bytes calldata key) external view returns (bool) {
        if (key.length == ID_BYTES) {
            bytes32 keyId = bytes32(key);
            return heads[keyId] != address(0) || commitments[keyId] != 0;
        }
        return key.length == KEY_BYTES && bytes32(key) != 0;
    }

    /// @inheritdoc ISignatureVerifier
    function algorithm() external pure returns (string memory) {
        return "ML-DSA-87";
    }

    /// @notice Computes half of the rows of `key` and keeps them as contract code. Half 1 first.
    /// @return keyId keccak256 of `key`.
    function register(bytes calldata key, uint256 half) external returns (bytes32 keyId) {
        if (key.length != KEY_BYTES) revert WrongKeyLength(KEY_BYTES, key.length);
        keyId = keccak256(key);
        if (half == 1) {
            if (uppers[keyId].first != address(0)) revert AlreadyRegistered(keyId);
            (uint256 place,) = _expand(key, 1);
            address second = _createPart(place + PART_BYTES, 0);
            uppers[keyId] = Upper(_createPart(place, 0), second);
            emit HalfRegistered(keyId, 1);
        } else if (half == 0) {
            Upper memory upper = uppers[keyId];
            if (upper.first == address(0)) revert UpperHalfMissing(keyId);
            if (heads[keyId] != address(0)) revert AlreadyRegistered(keyId);
            (uint256 place, uint256 tr) = _expand(key, 0);
            address second = _createPart(place + PART_BYTES, 0);
            // The head's tail, over what has become the second part's contract.
            assembly {
                let tail := add(place, PART_BYTES)
                mcopy(tail, tr, 64)
                mstore(add(tail, 0x40), second)
                mstore(add(tail, 0x60), mload(upper))
                mstore(add(tail, 0x80), mload(add(upper, 0x20)))
            }
            address head = _createPart(place, 64 + 96);
            heads[keyId] = head;
            emit HalfRegistered(keyId, 0);
            emit Registered(keyId, head);
        } else {
            revert NoSuchHalf(half);
        }
    }

    /// @notice Computes the expansion of `key` and keeps its hash: a slot in place of contracts,
    /// for whom it is cheaper to bring the expansion along with each signature.
    /// @return keyId keccak256 of `key`.
    function commit(bytes calldata key) external returns (bytes32 keyId) {
        if (key.length != KEY_BYTES) revert WrongKeyLength(KEY_BYTES, key.length);
        keyId = keccak256(key);
        if (commitments[keyId] != 0) revert AlreadyRegistered(keyId);
        uint256 place;
        assembly {
            place := mload(0x40)
        }
        _expandAll(key, place);
        bytes32 commitment;
        assembly {
            commitment := keccak256(place, EXPANDED_BYTES)
        }
        commitments[keyId] = commitment;
        emit Committed(keyId, commitment);
    }

    /// @notice The expansion of `key`, 65,600 bytes: what goes behind a signature of a committed key.
    function expand(bytes calldata key) external view returns (bytes memory expansion) {
        if (key.length != KEY_BYTES) revert WrongKeyLength(KEY_BYTES, key.length);
        expansion = new bytes(EXPANDED_BYTES);
        uint256 place;
        assembly {
            place := add(expansion, 0x20)
        }
        _expandAll(key, place);
    }

    function _verify(
        bytes calldata key,
        bytes calldata message,
        bytes calldata ctx,
        bytes calldata signature
    ) private view returns (bool valid) {
        if (signature.length < SIGNATURE_BYTES || ctx.length > MAX_CTX_BYTES) return false;

        address head;
        bool raw = key.length == KEY_BYTES;
        bool committed = signature.length == SIGNATURE_BYTES + EXPANDED_BYTES;
        if (!committed && signature.length != SIGNATURE_BYTES) return false;
        if (committed) {
            if (key.length != ID_BYTES) return false;
            bytes32 commitment = commitments[bytes32(key)];
            if (commitment == 0 || commitment != keccak256(signature[SIGNATURE_BYTES:])) return false;
        } else if (!raw) {
            if (key.length != ID_BYTES) return false;
            head = heads[bytes32(key)];
            if (head == address(0)) return false;
        }

        // The kernel's calldata, in free memory: head, signature, M', and without a head the key.
        uint256 place;
        uint256 end;
        assembly {
            place := mload(0x40)
            mstore(place, head)
            end := add(place, 0x20)
            calldatacopy(end, signature.offset, SIGNATURE_BYTES)
            end := add(end, SIGNATURE_BYTES)
            mstore8(end, 0)
            mstore8(add(end, 1), ctx.length)
            end := add(end, 2)
            calldatacopy(end, ctx.offset, ctx.length)
            end := add(end, ctx.length)
            calldatacopy(end, message.offset, message.length)
            end := add(end, message.length)
        }
        if (raw) {
            // Behind it is free memory still.
            _expandAll(key, end);
            end += EXPANDED_BYTES;
        } else if (committed) {
            assembly {
                calldatacopy(end, add(signature.offset, SIGNATURE_BYTES), EXPANDED_BYTES)
                end := add(end, EXPANDED_BYTES)
            }
        }
        address to = kernel;
        bool done;
        assembly {
            done := staticcall(gas(), to, place, sub(end, place), 0x00, 0x20)
            done := and(done, eq(returndatasize(), 0x20))
            valid := eq(mload(0x00), 1)
        }
        if (!done) revert KernelFailed();
    }

    /// Half of the rows at `place`, 32,768 bytes; for half 0 tr at `tr`. In free memory, with 32 bytes
    /// before and 64 + 96 behind.
    function _expand(bytes calldata key, uint256 half)
        private
        view
        returns (uint256 place, uint256 tr)
    {
        assembly {
            place := add(mload(0x40), 0x20)
        }
        tr = place + 3 * PART_BYTES;
        _callExpander(key, half, place, 2 * PART_BYTES);
        if (half == 0) _callExpander(key, 2, tr, 64);
    }

    /// The whole expansion at `place`.
    function _expandAll(bytes calldata key, uint256 place) private view {
        _callExpander(key, 0, place, 2 * PART_BYTES);
        _callExpander(key, 1, place + 2 * PART_BYTES, 2 * PART_BYTES);
        _callExpander(key, 2, place + 4 * PART_BYTES, 64);
    }

    /// The expander's answer of `length` bytes at `place`; its input is put there first.
    function _callExpander(bytes calldata key, uint256 part, uint256 place, uint256 length)
        private
        view
    {
        address to = expander;
        bool done;
        assembly {
            mstore(place, part)
            calldatacopy(add(place, 0x20), key.offset, KEY_BYTES)
            done := staticcall(gas(), to, place, add(0x20, KEY_BYTES), place, length)
            done := and(done, eq(returndatasize(), length))
        }
        if (!done) revert KernelFailed();
    }

    /// A contract with STOP and the part at `place`, and `tail` bytes behind it. The word before `place`
    /// is used and put back.
    function _createPart(uint256 place, uint256 tail) private returns (address created) {
        uint256 length = 1 + PART_BYTES + tail;
        assembly {
            let before := mload(sub(place, 0x20))
            mstore(sub(place, 0x20), or(PREFIX, shl(64, length)))
            created := create(0, sub(place, 11), add(10, length))
            mstore(sub(place, 0x20), before)
        }
        if (created == address(0)) revert NotCreated();
    }
}
