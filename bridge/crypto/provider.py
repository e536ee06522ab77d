"""What every provider says of itself: its name, its library's version, what it can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar

from bridge.domain.errors import CryptoError, InvalidKey, MechanismMissing
from bridge.domain.keys import Algorithm


class Capability(StrEnum):
    """What a library can do with one algorithm, beyond verifying or encapsulating."""

    SEEDED_KEYS = "keys from seeds"
    EXPANDED_KEYS = "expanded secret keys"
    DETERMINISTIC = "deterministic signatures"


Capabilities = Mapping[Algorithm, frozenset[Capability]]


class Provider(ABC):
    """One library behind a facade. ``name`` is the distribution's or project's own name."""

    name: ClassVar[str]

    @abstractmethod
    def version(self) -> str:
        """The version of the library."""

    @abstractmethod
    def capabilities(self) -> Capabilities:
        """The algorithms that the library has, each with what it can do with them."""

    def mechanisms(self) -> frozenset[Algorithm]:
        """The algorithms that the library has."""
        return frozenset(self.capabilities())

    def require(self, algorithm: Algorithm, capability: Capability | None = None) -> None:
        """Pass when the library has the algorithm and the capability; else ``MechanismMissing``."""
        have = self.capabilities()
        if algorithm not in have:
            raise MechanismMissing(self.name, algorithm, sorted(have))
        if capability is not None and capability not in have[algorithm]:
            raise MechanismMissing(
                self.name, f"{algorithm} with {capability}", sorted(have[algorithm])
            )

    def _check_secret_form(
        self, secret_algorithm: Algorithm, algorithm: Algorithm, has_seed: bool, has_expanded: bool
    ) -> None:
        if secret_algorithm != algorithm:
            raise InvalidKey(f"secret key: expected one of {algorithm}, got {secret_algorithm}")
        able = self.capabilities()[algorithm]
        if (has_seed and Capability.SEEDED_KEYS in able) or (
            has_expanded and Capability.EXPANDED_KEYS in able
        ):
            return
        taken = "seeds" if Capability.SEEDED_KEYS in able else "expanded secret keys"
        given = "a seed" if has_seed else "an expanded secret key"
        raise InvalidKey(f"provider {self.name} takes {algorithm} {taken}, got {given}")


def check_length(what: str, value: bytes, expected: int) -> None:
    """Pass when a key or seed has the length of its standard; else ``InvalidKey``."""
    if len(value) != expected:
        raise InvalidKey(f"{what}: expected {expected} bytes, got {len(value)}")


def check_output(provider: str, what: str, value: bytes, expected: int) -> bytes:
    """The library's output as it is; ``CryptoError`` when it has the wrong length."""
    if len(value) != expected:
        raise CryptoError(
            f"provider {provider} returned a {what} of {len(value)} bytes, expected {expected}"
        )
    return value
