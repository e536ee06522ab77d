"""What keys, signatures and their libraries did not do."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.domain.errors.base import BridgeError


class CryptoError(BridgeError):
    """Base of what the cryptographic layer refuses."""

    exit_code = 4


class ProviderMissing(CryptoError):
    """A provider's library is not installed."""


class MechanismMissing(CryptoError):
    """The provider's library is there but lacks the algorithm."""

    def __init__(self, provider: str, algorithm: str, available: Sequence[str]) -> None:
        have = ", ".join(available) or "none of ours"
        super().__init__(f"provider {provider} has no {algorithm}: it has {have}")


class InvalidKey(CryptoError):
    """A seed or key of the wrong length or form."""


class InvalidSignature(CryptoError):
    """A signature that does not verify."""


class SealBroken(CryptoError):
    """A sealed record that does not open under this key and associated data."""
