"""A signer set: who may sign in one epoch and how many must."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.domain.errors import InputError
from bridge.domain.keys import Algorithm

MINIMUM_THRESHOLD = 2


@dataclass(frozen=True, slots=True)
class Signer:
    """One member of a signer set: its algorithm and raw public key."""

    key_id: str
    algorithm: Algorithm
    public_key: bytes


@dataclass(frozen=True, slots=True)
class SignerSet:
    """The signers of one epoch, in the order of the registry, and the threshold.

    The same rules as on chain: at least ``MINIMUM_THRESHOLD`` and more than half must sign, so
    that two quorums always share a signer; no key stands twice.
    """

    epoch: int
    threshold: int
    signers: tuple[Signer, ...]

    def __post_init__(self) -> None:
        count = len(self.signers)
        if self.threshold < MINIMUM_THRESHOLD:
            raise InputError(
                f"threshold: expected at least {MINIMUM_THRESHOLD}, got {self.threshold}"
            )
        if not self.threshold <= count < 2 * self.threshold:
            raise InputError(
                f"threshold: expected more than half of {count} signers and no more than all, "
                f"got {self.threshold}"
            )
        if len({(s.algorithm, s.public_key) for s in self.signers}) != count:
            raise InputError("signers: expected each key once, got one twice")
