"""Secrets in files that only their owner may read, made at the first start."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from bridge.domain.errors import ConfigError

SECRET_BYTES = 32


def read_or_create_secret(path: Path) -> bytes:
    """The 32 bytes that ``path`` holds as hex; made from the system's randomness if not there.

    Two processes that start at once get the same secret. Raises ``ConfigError`` as `read_secret`.
    """
    if not path.exists():
        write_once(path, secrets.token_bytes(SECRET_BYTES))
    return read_secret(path)


def read_secret(path: Path) -> bytes:
    """The 32 bytes that ``path`` holds as hex.

    Raises ``ConfigError`` when the file is not there, may be read by others than its owner, or
    holds anything else.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), [f"expected a readable secret file: {error}"]) from error
    if mode & 0o077:
        raise ConfigError(
            str(path), [f"expected mode 0600, got {mode:04o}: run chmod 600 on the file"]
        )
    expected = f"expected {2 * SECRET_BYTES} hex digits, got {len(text)} characters"
    try:
        secret = bytes.fromhex(text)
    except ValueError:
        raise ConfigError(str(path), [expected]) from None
    if len(secret) != SECRET_BYTES:
        raise ConfigError(str(path), [expected])
    return secret


def private_folder(path: Path) -> None:
    """Makes ``path`` and its parents, readable by the owner only where it makes them."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def write_once(path: Path, secret: bytes) -> None:
    """Writes ``secret`` as hex to a file of mode 0600, unless it is there already.

    The whole file is written under another name and linked, so that none is read half-written.
    """
    write_private_text(path, secret.hex() + "\n")


def write_private_text(path: Path, text: str) -> None:
    """Writes a text to a file as `write_once` does."""
    private_folder(path.parent)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return  # another process was first: its secret stands
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        draft.unlink()
