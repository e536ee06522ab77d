"""What the key service or a KME refused."""

from __future__ import annotations

from bridge.domain.errors.base import BridgeError


class KeyServiceError(BridgeError):
    """Base of what the key service refuses."""

    exit_code = 6


class KeyServiceUnreachable(KeyServiceError):
    """Nobody answers at the key service's address."""

    retryable = True

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"key service: no answer from {url}: {reason}")


class KeyServiceRefused(KeyServiceError):
    """The key service answered with an error."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(f"key service refused with {status}: {message}")


class PoolExhausted(KeyServiceError):
    """Fewer distilled bits than were asked for."""

    retryable = True

    def __init__(self, wanted_bits: int, available_bits: int) -> None:
        self.wanted_bits = wanted_bits
        self.available_bits = available_bits
        super().__init__(f"key pool: {wanted_bits} bits wanted, {available_bits} available")


class StoreUnavailable(KeyServiceError):
    """The key service's database does not answer."""

    retryable = True

    def __init__(self, reason: str) -> None:
        super().__init__(f"key service's database: {reason}")


class PoolFull(KeyServiceError):
    """More bits than the pool takes: whoever fills it waits until some are taken."""

    retryable = True

    def __init__(self, bits: int, capacity_bits: int) -> None:
        super().__init__(f"key pool: holds {bits} bits of at most {capacity_bits}")


class BlockConflict(KeyServiceError):
    """Bits of a block that were taken before, or a block that is not what was said of it."""


class UnknownKey(KeyServiceError):
    """No key with that id."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"no key with id {key_id}")


class KeyUnusable(KeyServiceError):
    """A key that was destroyed or is compromised; ``state`` says which."""

    def __init__(self, key_id: str, state: str) -> None:
        self.state = state
        super().__init__(f"key {key_id} is {state}: expected one in use")


class PurposeRefused(KeyServiceError):
    """A caller that may not use a key for what it asks."""

    def __init__(self, caller: str, purpose: str, label: str) -> None:
        super().__init__(f"{caller!r} may not use key {label!r} for {purpose}")


class AuditBroken(KeyServiceError):
    """An audit log that was changed; ``number`` is the first entry that does not fit."""

    def __init__(self, number: int, reason: str) -> None:
        self.number = number
        super().__init__(f"audit log, entry {number}: {reason}")


class KmeUnreachable(KeyServiceError):
    """Nobody answers at a KME's address."""

    retryable = True

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"KME {url}: no answer: {reason}")


class KmeRefused(KeyServiceError):
    """A KME answered with an error; ``message`` is the one of its error model."""

    def __init__(self, url: str, status: int, message: str) -> None:
        self.status = status
        self.message = message
        super().__init__(f"KME {url} refused with {status}: {message}")


class KmeLied(KeyServiceError):
    """A KME's answer is not what the standard says, or not what was asked for."""

    def __init__(self, url: str, expected: str, got: str) -> None:
        super().__init__(f"KME {url}: expected {expected}, got {got}")


class LabelTaken(KeyServiceError):
    """Another key has that label."""

    def __init__(self, label: str) -> None:
        super().__init__(f"label {label!r} is taken by another key: expected one not used yet")


class Equivocation(KeyServiceError):
    """A second, different root for a size already signed."""

    def __init__(self, key_id: str, size: int, signed: bytes, asked: bytes) -> None:
        self.signed = signed
        super().__init__(
            f"key {key_id} signed root {signed.hex()} for size {size}; refused root {asked.hex()}"
        )


class RotationConflict(KeyServiceError):
    """A second, different signer set for the same epoch and salt of a registry."""

    def __init__(self, key_id: str, epoch: int, salt: int, signed: bytes, asked: bytes) -> None:
        self.signed = signed
        super().__init__(
            f"key {key_id} signed set {signed.hex()} to follow epoch {epoch} with salt {salt}; "
            f"refused set {asked.hex()}: another set takes another salt"
        )
