"""What goes wrong with verdicts, in the one tree of ``bridge.domain.errors``."""

from __future__ import annotations

from bridge.domain.errors.keyservice import KeyServiceError
from bridge.domain.errors.relay import RelayError


class VerdictConflict(KeyServiceError):
    """A second, different verdict or revocation for the same registry, contract and sequence."""

    def __init__(self, key_id: str, sequence: int, signed: bytes, asked: bytes) -> None:
        self.signed = signed
        super().__init__(
            f"key {key_id} signed statement {signed.hex()} for sequence {sequence}; "
            f"refused statement {asked.hex()}: another one takes another sequence"
        )


class VerdictMismatch(RelayError):
    """An attestor's own verification gives something else than it is asked to sign."""

    def __init__(self, signer: str, field: str, own: object, asked: object) -> None:
        self.field = field
        super().__init__(
            f"signer {signer}: {field}: it finds {_shown(own)}, it was asked to sign "
            f"{_shown(asked)}"
        )


class VerdictRefused(RelayError):
    """A statement that the registry would not take, or that the attestor does not sign."""

    def __init__(self, field: str, expected: object, got: object) -> None:
        self.field = field
        super().__init__(f"verdict: {field}: expected {_shown(expected)}, got {_shown(got)}")


class BlockNotFinal(RelayError):
    """A verdict at a block that is not final where an attestor looks."""

    retryable = True

    def __init__(self, name: str, block: int, final: int | None) -> None:
        got = "an earlier one" if final is None else f"block {final}"
        super().__init__(f"chain {name}: {got} is final here, expected block {block}: ask later")


class NotVerified(RelayError):
    """No verdict that counts is on the contract, or the verdict says something else."""

    def __init__(self, chain: str, address: str, reason: str) -> None:
        self.reason = reason
        super().__init__(f"{address} on chain {chain} is not verified: {reason}")


def _shown(value: object) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)
