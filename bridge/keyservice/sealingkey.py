"""The key that seals everything at rest: from a file, a variable, or a key management service."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bridge.crypto.kdf import derive
from bridge.domain.errors import ConfigError
from bridge.keyservice.secretfile import (
    SECRET_BYTES,
    read_or_create_secret,
    read_secret,
    write_once,
)


class SealingKeySource(Protocol):
    """Where the sealing key comes from; ``place`` names it in an error."""

    @property
    def place(self) -> str:
        """What a person would look at."""
        ...

    def existing(self) -> bytes | None:
        """The key of 32 bytes; None where none was made yet. ``ConfigError`` for a wrong one."""
        ...

    def make(self) -> bytes:
        """The key of a database that is new; ``ConfigError`` where the source cannot make one."""
        ...


class KeyWrapper(Protocol):
    """The hook of a key management service or HSM: what it wraps, it alone unwraps."""

    def wrap(self, key: bytes) -> bytes:
        """``key`` under the service's own key."""
        ...

    def unwrap(self, wrapped: bytes) -> bytes:
        """The key of what ``wrap`` gave."""
        ...


@dataclass(frozen=True, slots=True)
class KeyFile:
    """64 hex digits in a file that only its owner reads, made at the first start."""

    path: Path

    @property
    def place(self) -> str:
        """The file."""
        return str(self.path)

    def existing(self) -> bytes | None:
        """See `SealingKeySource.existing`."""
        return read_secret(self.path) if self.path.exists() else None

    def make(self) -> bytes:
        """See `SealingKeySource.make`."""
        return read_or_create_secret(self.path)


@dataclass(frozen=True, slots=True)
class KeyVariable:
    """64 hex digits in a variable of the environment, which whoever starts the service sets."""

    name: str

    @property
    def place(self) -> str:
        """The variable."""
        return f"environment variable {self.name}"

    def existing(self) -> bytes | None:
        """See `SealingKeySource.existing`."""
        text = os.environ.get(self.name)
        if text is None:
            return None
        try:
            key = bytes.fromhex(text)
        except ValueError:
            key = b""
        if len(key) != SECRET_BYTES:
            raise ConfigError(
                self.place,
                [f"expected {2 * SECRET_BYTES} hex digits, got {len(text)} characters"],
            )
        return key

    def make(self) -> bytes:
        """See `SealingKeySource.make`: a variable cannot be made for the next start."""
        key = self.existing()
        if key is None:
            raise ConfigError(self.place, [f"expected {2 * SECRET_BYTES} hex digits, got none"])
        return key


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A key that a key management service wrapped, in a file that is of no use without it."""

    path: Path
    wrapper: KeyWrapper

    @property
    def place(self) -> str:
        """The file."""
        return f"{self.path} (wrapped)"

    def existing(self) -> bytes | None:
        """See `SealingKeySource.existing`."""
        if not self.path.exists():
            return None
        key = self.wrapper.unwrap(bytes.fromhex(self.path.read_text(encoding="ascii").strip()))
        if len(key) != SECRET_BYTES:
            raise ConfigError(self.place, [f"expected {SECRET_BYTES} bytes, got {len(key)}"])
        return key

    def make(self) -> bytes:
        """See `SealingKeySource.make`."""
        write_once(self.path, self.wrapper.wrap(secrets.token_bytes(SECRET_BYTES)))
        key = self.existing()
        assert key is not None
        return key


def subkey(sealing_key: bytes, purpose: str) -> bytes:
    """The key of 32 bytes for one purpose and nothing else, as one block or the audit log's MAC.

    A block's records have a key of their own, so that no key seals more than the 2^32 records of
    SP 800-38D, section 8.3, however fast the link is.
    """
    return derive(f"astralink/keyservice/{purpose}", sealing_key)
