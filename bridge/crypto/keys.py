"""Secret keys as they travel: the seed, and beside it the expanded form once it is known."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.domain.errors import InvalidKey
from bridge.domain.keys import Algorithm


@dataclass(frozen=True, slots=True, eq=False)
class SecretKey:
    """A secret key of one algorithm; at least one of the two forms is there.

    ``seed`` is what is stored and moved. ``expanded`` is the standard's secret key (``sk`` of FIPS
    204 and 205, ``dk`` of FIPS 203); a provider that needs it fills it in when it makes the pair,
    so that it is computed once and not at each signature. Neither is ever printed. Two secret
    keys are never compared: equality is identity.
    """

    algorithm: Algorithm
    seed: bytes | None = field(default=None, repr=False)
    expanded: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.seed is None and self.expanded is None:
            raise InvalidKey(f"{self.algorithm} secret key: expected a seed or an expanded key")


@dataclass(frozen=True, slots=True, eq=False)
class SigningKeyPair:
    """The public key of FIPS 204 or 205 as bytes, and the secret that signs for it."""

    public_key: bytes
    secret: SecretKey


@dataclass(frozen=True, slots=True, eq=False)
class KemKeyPair:
    """The encapsulation key ``ek`` of FIPS 203 as bytes, and the secret that decapsulates."""

    ek: bytes
    secret: SecretKey


@dataclass(frozen=True, slots=True, eq=False)
class Encapsulation:
    """What encapsulation gives: the ciphertext to send and the shared secret to keep."""

    ciphertext: bytes
    shared_secret: bytes = field(repr=False)
