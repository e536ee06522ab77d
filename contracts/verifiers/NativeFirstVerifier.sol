// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {NativeShape} from "../interfaces/INativeVerifier.sol";
import {IERC7913SignatureVerifier, ISignatureVerifier} from "../interfaces/ISignatureVerifier.sol";

/// @title A chain's own verification first, where it has one that can be believed
/// @notice Without a native address it is the verifier behind it and nothing else. With one, the
/// native is believed only after it told a known good from a known bad signature, while this
/// contract was created. It knows the empty context only: whatever has a context goes to the
/// verifier behind, and so does a key that is not given as `keyBytes` raw bytes.
/// @dev A native "valid" is taken; anything else, a refusal as well as a failure, is asked again
/// behind, so that a native which disappears or refuses too much costs gas and no message.
contract NativeFirstVerifier is ISignatureVerifier {
    /// @notice The verifier that answers where the native one does not.
    ISignatureVerifier public immutable behind;
    /// @notice The native verifier; zero for none.
    address public immutable native;
    /// @notice How the native one is asked.
    NativeShape public immutable shape;
    /// @notice The length of a key that the native one takes.
    uint256 public immutable keyBytes;

    /// @notice A known good signature, over `message` with the empty context.
    struct Probe {
        bytes key;
        bytes message;
        bytes signature;
    }

    /// @notice The native verifier refused the probe's good signature.
    error RefusesTheGood(address native);
    /// @notice The native verifier accepted the probe's signature with a flipped bit.
    error AcceptsTheBad(address native);
    /// @notice The verifier behind has no code.
    error VerifierHasNoCode(address verifier);

    constructor(ISignatureVerifier behind_, address native_, NativeShape shape_, Probe memory probe)
    {
        if (address(behind_).code.length == 0) revert VerifierHasNoCode(address(behind_));
        behind = behind_;
        native = native_;
        shape = shape_;
        keyBytes = probe.key.length;
        if (native_ != address(0)) {
            bytes memory signature = probe.signature;
            if (!_ask(native_, shape_, probe.key, probe.message, signature)) {
                revert RefusesTheGood(native_);
            }
            for (uint256 i; i < 3; ++i) {
                // The first, a middle and the last byte.
                uint256 position = i * (signature.length - 1) / 2;
                signature[position] ^= 0x01;
                if (_ask(native_, shape_, probe.key, probe.message, signature)) {
                    revert AcceptsTheBad(native_);
                }
                signature[position] ^= 0x01;
            }
        }
    }

    /// @inheritdoc IERC7913SignatureVerifier
    function verify(bytes calldata key, bytes32 hash, bytes calldata signature)
        external
        view
        returns (bytes4)
    {
        if (_nativeSays(key, abi.encodePacked(hash), signature)) {
            return IERC7913SignatureVerifier.verify.selector;
        }
        return behind.verify(key, hash, signature);
    }

    /// @inheritdoc ISignatureVerifier
    function verifyWithContext(
        bytes calldata key,
        bytes calldata message,
        bytes calldata ctx,
        bytes calldata signature
    ) external view returns (bool) {
        if (ctx.length == 0 && _nativeSays(key, message, signature)) return true;
        return behind.verifyWithContext(key, message, ctx, signature);
    }

    /// @inheritdoc ISignatureVerifier
    function isKeyWellFormed(bytes calldata key) external view returns (bool) {
        return behind.isKeyWellFormed(key);
    }

    /// @inheritdoc ISignatureVerifier
    function algorithm() external view returns (string memory) {
        return behind.algorithm();
    }

    function _nativeSays(bytes calldata key, bytes memory message, bytes calldata signature)
        private
        view
        returns (bool)
    {
        if (native == address(0) || key.length != keyBytes) return false;
        // EIP-8051 has messages of 32 bytes only.
        if (shape == NativeShape.MessageSignatureExpandedKey && message.length != 32) return false;
        return _ask(native, shape, key, message, signature);
    }

    function _ask(
        address to,
        NativeShape how,
        bytes memory key,
        bytes memory message,
        bytes memory signature
    ) private view returns (bool) {
        bytes memory input = how == NativeShape.KeySignatureMessage
            ? abi.encodePacked(key, signature, message)
            : abi.encodePacked(message, signature, key);
        (bool done, bytes memory answer) = to.staticcall(input);
        return done && answer.length == 32 && bytes32(answer) == bytes32(uint256(1));
    }
}
