"""What attestors, relayers and their journal refused or found wrong."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.domain.errors.base import BridgeError


class RelayError(BridgeError):
    """Base of what goes wrong between a message's stages."""

    exit_code = 8


class RootMismatch(RelayError):
    """An attestor's own tree has another root than the one it is asked to sign."""

    def __init__(self, signer: str, size: int, own: bytes, asked: bytes) -> None:
        super().__init__(
            f"signer {signer}: its tree of size {size} has root {own.hex()}, "
            f"it was asked to sign {asked.hex()}"
        )


class TreeMismatch(RelayError):
    """The tree of a chain's finalized events is not the one that its Outbox has."""

    def __init__(self, name: str, block: int, own: str, outbox: str) -> None:
        super().__init__(
            f"chain {name}, block {block}: the tree of its events has {own}, its Outbox {outbox}"
        )


class NotFinalized(RelayError):
    """An attestor is asked to sign more messages than are final where it looks."""

    retryable = True

    def __init__(self, name: str, size: int, final: int | None) -> None:
        got = "fewer" if final is None else final
        super().__init__(
            f"chain {name}: {got} messages are final here, expected {size}: ask again later"
        )


class AttestorUnreachable(RelayError):
    """Nobody answers at an attestor's address."""

    retryable = True

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"attestor {url}: no answer: {reason}")


class AttestorRefused(RelayError):
    """An attestor answered with a refusal; ``code`` names its reason."""

    def __init__(self, url: str, status: int, code: str, message: str) -> None:
        self.status = status
        self.code = code
        super().__init__(f"attestor {url} refused with {status} {code}: {message}")


class AttestorLied(RelayError):
    """What an attestor gave as its signature over a checkpoint is none."""

    def __init__(self, url: str, digest: bytes, reason: str) -> None:
        super().__init__(f"attestor {url}: expected its signature over 0x{digest.hex()}: {reason}")


class SupplyBroken(RelayError):
    """More of a token on one side than stands behind it on the other.

    ``token`` is 32 bytes, as its home has it; ``got`` is what should be at most ``bound``.
    """

    def __init__(
        self, token: bytes, home: int, remote: int, what: str, got: int, bound: int
    ) -> None:
        self.token = token
        self.home = home
        self.remote = remote
        self.got = got
        self.bound = bound
        super().__init__(
            f"token 0x{token.hex()} of domain {home} on domain {remote}: {what}: {got}, {bound}"
        )


class UnknownMessage(RelayError):
    """No message with that id in the journal."""

    def __init__(self, identifier: str) -> None:
        super().__init__(
            f"no message {identifier} in the journal: expected one that the relayer has seen"
        )


class NotAttested(RelayError):
    """No quorum stands behind the message yet; ``stage`` is where it stands."""

    retryable = True

    def __init__(self, identifier: str, stage: str) -> None:
        self.stage = stage
        super().__init__(f"message {identifier} is {stage}: expected attested, ask again later")


class QuorumMissed(RelayError):
    """Fewer signatures than a quorum; ``failures`` names each signer that gave none.

    ``threshold`` is the weight that a quorum has.
    """

    retryable = True

    def __init__(self, got: int, threshold: int, failures: Sequence[str]) -> None:
        self.failures = tuple(failures)
        missing = "; ".join(self.failures)
        super().__init__(f"{got} signatures, expected a weight of {threshold}: {missing}")


class JournalUnavailable(RelayError):
    """The journal's database did not do what it was asked; nothing of it was written."""

    retryable = True

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"journal: {what}: {reason}")
