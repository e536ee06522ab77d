"""A signer set: who may sign in one epoch, with which keys, and what a quorum of them weighs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.domain.errors import InputError
from bridge.domain.keys import Algorithm, Family, PublicKeyRecord

MINIMUM_SIGNERS = 3
MAXIMUM_SIGNERS = 256
MINIMUM_QUORUM = 2
MAXIMUM_WEIGHT = 0xFFFF


@dataclass(frozen=True, slots=True)
class SignerKey:
    """One key of a signer: the key service's id, the algorithm and the raw public key."""

    key_id: str
    algorithm: Algorithm
    public_key: bytes


@dataclass(frozen=True, slots=True)
class Signer:
    """One member of a signer set. With two keys, one of each family, both must sign."""

    keys: tuple[SignerKey, ...]
    weight: int = 1

    def __post_init__(self) -> None:
        if not 1 <= len(self.keys) <= 2:
            raise InputError(f"signer keys: expected 1 or 2, got {len(self.keys)}")
        if len({key.algorithm.family for key in self.keys}) != len(self.keys):
            family = self.keys[0].algorithm.family
            raise InputError(f"signer keys: expected one of each family, got two of {family}")
        if not 1 <= self.weight <= MAXIMUM_WEIGHT:
            raise InputError(f"signer weight: expected 1 to {MAXIMUM_WEIGHT}, got {self.weight}")

    @classmethod
    def of(cls, *records: PublicKeyRecord, weight: int = 1) -> Signer:
        """The signer that holds the key service's keys ``records``."""
        keys = tuple(SignerKey(one.key_id, one.algorithm, one.public_key) for one in records)
        return cls(keys, weight)

    @property
    def name(self) -> str:
        """The ids of its keys."""
        return "+".join(key.key_id for key in self.keys)


@dataclass(frozen=True, slots=True)
class SignerSet:
    """The signers of one epoch, in the order of the registry, and what a quorum of them weighs.

    The same rules as on chain: at least ``MINIMUM_SIGNERS``; more than half of the weight must
    sign, so that two quorums always share a signer; no signer weighs the threshold alone, so that
    a quorum has two at the least; no key stands twice. ``lattice_threshold`` and
    ``hash_threshold`` are the weights that must sign with ML-DSA and with SLH-DSA.
    """

    epoch: int
    threshold: int
    signers: tuple[Signer, ...]
    lattice_threshold: int = 0
    hash_threshold: int = 0

    def __post_init__(self) -> None:
        count = len(self.signers)
        if not MINIMUM_SIGNERS <= count <= MAXIMUM_SIGNERS:
            raise InputError(
                f"signers: expected {MINIMUM_SIGNERS} to {MAXIMUM_SIGNERS}, got {count}"
            )
        for index, signer in enumerate(self.signers):
            if signer.weight >= self.threshold:
                raise InputError(
                    f"signer {index}: expected a weight below the threshold {self.threshold}, "
                    f"got {signer.weight}"
                )
        total = sum(signer.weight for signer in self.signers)
        if not self.threshold <= total < 2 * self.threshold:
            raise InputError(
                f"threshold: expected more than half of the weight {total} and no more than all, "
                f"got {self.threshold}"
            )
        for family, threshold in self._family_thresholds():
            has = self._weight_of(family, range(count))
            if not 0 <= threshold <= has:
                raise InputError(f"{family} threshold: expected 0 to {has}, got {threshold}")
        keys = [(key.algorithm, key.public_key) for signer in self.signers for key in signer.keys]
        if len(set(keys)) != len(keys):
            raise InputError("signers: expected each key once, got one twice")

    def is_quorum(self, indices: set[int]) -> bool:
        """Whether the signers with these indices are a quorum; none of them is revoked."""
        known = [index for index in indices if index < len(self.signers)]
        total = sum(self.signers[index].weight for index in known)
        return (
            len(known) >= MINIMUM_QUORUM
            and total >= self.threshold
            and all(
                self._weight_of(family, known) >= threshold
                for family, threshold in self._family_thresholds()
            )
        )

    def _family_thresholds(self) -> tuple[tuple[Family, int], ...]:
        return ((Family.LATTICE, self.lattice_threshold), (Family.HASH, self.hash_threshold))

    def _weight_of(self, family: Family, indices: range | list[int]) -> int:
        return sum(
            self.signers[index].weight
            for index in indices
            if any(key.algorithm.family is family for key in self.signers[index].keys)
        )


def bits_of(indices: set[int]) -> int:
    """A word with the bit of each index set, as the contracts keep signers."""
    return sum(1 << index for index in indices)


def indices_of(bits: int) -> set[int]:
    """The indices whose bits are set.

    >>> indices_of(0b101)
    {0, 2}
    """
    return {index for index in range(bits.bit_length()) if bits >> index & 1}


def packed_signatures(signatures: Sequence[bytes]) -> bytes:
    """The signature of a signer: that of its one key, or of both.

    Of two, the length of the first in 4 bytes, the first, the second, in the order of the keys.
    """
    if len(signatures) == 1:
        return signatures[0]
    first, second = signatures
    return len(first).to_bytes(4, "big") + first + second
