"""The signature facade: FIPS 204 and 205, external interface, pure, with a context string.

A caller sees ``SignatureProvider``. A library is a subclass of ``CheckedSignatures``, which checks
what goes in and what comes out, so that a library's own module only calls the library.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Protocol

from bridge.crypto.keys import SecretKey, SigningKeyPair
from bridge.crypto.parameters import MAX_CTX_BYTES, SignatureParameters, signature_parameters
from bridge.crypto.provider import (
    Capabilities,
    Capability,
    Provider,
    check_length,
    check_output,
)
from bridge.domain.errors import InputError, InvalidSignature, MechanismMissing
from bridge.domain.keys import Algorithm


class SignatureProvider(Protocol):
    """What signs and verifies. ``verify`` returns nothing: a bad signature is an exception.

    >>> from bridge.crypto.providers import select
    >>> signatures = select("default").signatures
    >>> pair = signatures.key_pair(Algorithm.ML_DSA_87, bytes(32))
    >>> signature = signatures.sign(Algorithm.ML_DSA_87, pair.secret, b"message", b"ctx")
    >>> signatures.verify(Algorithm.ML_DSA_87, pair.public_key, b"message", signature, b"ctx")
    """

    @property
    def name(self) -> str:
        """The name of the library, or of the choice of libraries."""
        ...

    def version(self) -> str:
        """The version of the library."""
        ...

    def capabilities(self) -> Capabilities:
        """The algorithms that are there, each with what can be done with them."""
        ...

    def mechanisms(self) -> frozenset[Algorithm]:
        """The algorithms that are there."""
        ...

    def key_pair(self, algorithm: Algorithm, seed: bytes) -> SigningKeyPair:
        """The key pair of a seed (FIPS 204, Algorithm 6; FIPS 205, Algorithm 18).

        ``seed`` is xi (32 bytes) or SK.seed || SK.prf || PK.seed (48 bytes). Raises ``InvalidKey``
        for another length, ``MechanismMissing`` when the library cannot.
        """
        ...

    def sign(
        self,
        algorithm: Algorithm,
        secret: SecretKey,
        message: bytes,
        ctx: bytes = b"",
        deterministic: bool = False,
    ) -> bytes:
        """A signature (FIPS 204, Algorithm 2; FIPS 205, Algorithm 22), hedged unless asked.

        Raises ``InputError`` for a ``ctx`` over 255 bytes, ``InvalidKey`` for a secret of another
        length, form or algorithm, ``MechanismMissing`` when the library cannot.
        """
        ...

    def verify(
        self,
        algorithm: Algorithm,
        public_key: bytes,
        message: bytes,
        signature: bytes,
        ctx: bytes = b"",
    ) -> None:
        """Return when the signature is valid (FIPS 204, Algorithm 3; FIPS 205, Algorithm 24).

        Raises ``InvalidSignature`` when it is not, ``InvalidKey`` for a public key of another
        length, ``InputError`` for a ``ctx`` over 255 bytes.
        """
        ...


class CheckedSignatures(Provider):
    """A library with every input and output checked. Subclasses give the three last methods."""

    def key_pair(self, algorithm: Algorithm, seed: bytes) -> SigningKeyPair:
        """See ``SignatureProvider.key_pair``."""
        sizes = self._sizes(algorithm)
        self.require(algorithm, Capability.SEEDED_KEYS)
        check_length(f"{algorithm} seed", seed, sizes.seed_bytes)
        public_key, expanded = self._expand(algorithm, seed)
        check_output(self.name, f"{algorithm} public key", public_key, sizes.public_key_bytes)
        if expanded is not None:
            check_output(self.name, f"{algorithm} secret key", expanded, sizes.secret_key_bytes)
        return SigningKeyPair(public_key, SecretKey(algorithm, seed, expanded))

    def sign(
        self,
        algorithm: Algorithm,
        secret: SecretKey,
        message: bytes,
        ctx: bytes = b"",
        deterministic: bool = False,
    ) -> bytes:
        """See ``SignatureProvider.sign``."""
        sizes = self._sizes(algorithm)
        if deterministic:
            self.require(algorithm, Capability.DETERMINISTIC)
        _check_ctx(ctx)
        self._check_secret_form(
            secret.algorithm, algorithm, secret.seed is not None, secret.expanded is not None
        )
        if secret.seed is not None:
            check_length(f"{algorithm} seed", secret.seed, sizes.seed_bytes)
        if secret.expanded is not None:
            check_length(f"{algorithm} secret key", secret.expanded, sizes.secret_key_bytes)
        if secret.expanded is None and Capability.EXPANDED_KEYS in self.capabilities()[algorithm]:
            assert secret.seed is not None
            secret = self.key_pair(algorithm, secret.seed).secret
        signature = self._sign(secret, message, ctx, deterministic)
        return check_output(self.name, f"{algorithm} signature", signature, sizes.signature_bytes)

    def verify(
        self,
        algorithm: Algorithm,
        public_key: bytes,
        message: bytes,
        signature: bytes,
        ctx: bytes = b"",
    ) -> None:
        """See ``SignatureProvider.verify``."""
        sizes = self._sizes(algorithm)
        _check_ctx(ctx)
        check_length(f"{algorithm} public key", public_key, sizes.public_key_bytes)
        if len(signature) != sizes.signature_bytes:
            raise InvalidSignature(
                f"{algorithm} signature: expected {sizes.signature_bytes} bytes, "
                f"got {len(signature)}"
            )
        if not self._verify(algorithm, public_key, message, signature, ctx):
            raise InvalidSignature(
                f"{algorithm} signature does not verify under public key {public_key[:8].hex()}..."
            )

    def _sizes(self, algorithm: Algorithm) -> SignatureParameters:
        sizes = signature_parameters(algorithm)
        self.require(algorithm)
        return sizes

    @abstractmethod
    def _expand(self, algorithm: Algorithm, seed: bytes) -> tuple[bytes, bytes | None]:
        """The public key of a seed and, where the library signs with it, the expanded secret."""

    @abstractmethod
    def _sign(self, secret: SecretKey, message: bytes, ctx: bytes, deterministic: bool) -> bytes:
        """The library's signature; lengths are checked and the form of ``secret`` is one it takes.

        ``secret.expanded`` is filled in where the library takes expanded keys.
        """

    @abstractmethod
    def _verify(
        self, algorithm: Algorithm, public_key: bytes, message: bytes, signature: bytes, ctx: bytes
    ) -> bool:
        """Whether the library accepts the signature; all lengths are checked before."""


class RoutedSignatures:
    """Several providers as one: each algorithm goes to the provider chosen for it."""

    def __init__(self, name: str, routes: Mapping[Algorithm, SignatureProvider]) -> None:
        self.name = name
        self._routes = dict(routes)

    def provider(self, algorithm: Algorithm) -> SignatureProvider:
        """The provider chosen for an algorithm; ``MechanismMissing`` when there is none."""
        signature_parameters(algorithm)
        try:
            return self._routes[algorithm]
        except KeyError:
            raise MechanismMissing(self.name, algorithm, sorted(self._routes)) from None

    def version(self) -> str:
        """The name and version of each provider that stands behind."""
        named = {p.name: p.version() for p in self._routes.values()}
        return ", ".join(f"{name} {version}" for name, version in sorted(named.items()))

    def capabilities(self) -> Capabilities:
        """See ``SignatureProvider.capabilities``."""
        return {a: p.capabilities()[a] for a, p in self._routes.items()}

    def mechanisms(self) -> frozenset[Algorithm]:
        """See ``SignatureProvider.mechanisms``."""
        return frozenset(self._routes)

    def key_pair(self, algorithm: Algorithm, seed: bytes) -> SigningKeyPair:
        """See ``SignatureProvider.key_pair``."""
        return self.provider(algorithm).key_pair(algorithm, seed)

    def sign(
        self,
        algorithm: Algorithm,
        secret: SecretKey,
        message: bytes,
        ctx: bytes = b"",
        deterministic: bool = False,
    ) -> bytes:
        """See ``SignatureProvider.sign``."""
        return self.provider(algorithm).sign(algorithm, secret, message, ctx, deterministic)

    def verify(
        self,
        algorithm: Algorithm,
        public_key: bytes,
        message: bytes,
        signature: bytes,
        ctx: bytes = b"",
    ) -> None:
        """See ``SignatureProvider.verify``."""
        self.provider(algorithm).verify(algorithm, public_key, message, signature, ctx)


def _check_ctx(ctx: bytes) -> None:
    if len(ctx) > MAX_CTX_BYTES:
        raise InputError(f"ctx: expected at most {MAX_CTX_BYTES} bytes, got {len(ctx)}")
