"""Algorithms by their standards' names, and keys that carry where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Family(StrEnum):
    """What a signature's security rests on. Breaking one family leaves the other."""

    LATTICE = "lattice"
    HASH = "hash"


class Algorithm(StrEnum):
    """The parameter sets that the bridge uses, by the names FIPS 203, 204 and 205 give them."""

    ML_DSA_87 = "ML-DSA-87"
    SLH_DSA_SHA2_128S = "SLH-DSA-SHA2-128s"
    ML_KEM_1024 = "ML-KEM-1024"

    @property
    def family(self) -> Family:
        """What its security rests on."""
        return Family.HASH if self is Algorithm.SLH_DSA_SHA2_128S else Family.LATTICE


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a key's secret came from.

    ``simulated`` is true while the link is a simulation; such material never stands alone, it is
    mixed with randomness of the operating system. ``qber`` is the estimated error rate of the
    block, ``leak_bits`` what reconciliation disclosed of it, ``epsilon`` the failure probability
    of its distillation, ``created_at`` an ISO 8601 time in UTC.
    """

    source: str
    simulated: bool
    block_id: str
    qber: float
    leak_bits: int
    epsilon: float
    created_at: str


@dataclass(frozen=True, slots=True)
class PublicKeyRecord:
    """The public half of a signing key, with its provenance. The private half is never here."""

    key_id: str
    label: str
    algorithm: Algorithm
    public_key: bytes
    provenance: Provenance
