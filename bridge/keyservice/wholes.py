"""Blocks as they came: sealed once, in one piece, until the first key is taken of them.

A sealed whole is in its block's row, or in a slot of one file beside the database, where writing it
costs a copy and no more. A slot's row is written after it, so that a row without its bits is what
a loss of power can leave, and nothing else; the bits then do not open and the block is lost.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from pathlib import Path

from bridge.crypto.aead import OVERHEAD_BYTES, seal, unseal
from bridge.domain.errors import InputError, SealBroken
from bridge.keyservice.linkblock import BlockHistory

SLOT_BYTES = 1 << 18
"""From one slot to the next. The file is sparse: a short block takes no more room than it has."""
MOST_BYTES = SLOT_BYTES - OVERHEAD_BYTES
"""The longest block that a slot takes."""


def seal_whole(block_key: bytes, history: BlockHistory, key: bytes) -> bytes:
    """A block sealed under its own key, bound to all that is told of it."""
    return seal(block_key, key, _told(history))


def open_whole(block_key: bytes, history: BlockHistory, sealed: bytes) -> bytes:
    """The block; ``SealBroken`` when it, or its history, was changed."""
    return unseal(block_key, sealed, _told(history))


def _told(history: BlockHistory) -> bytes:
    fields = (
        history.block_id,
        history.link_id,
        history.owner,
        history.source,
        str(bool(history.simulated)),
        repr(float(history.qber)),
        str(int(history.leak_bits)),
        repr(float(history.epsilon)),
        repr(float(history.created_at)),
    )
    lengths = ",".join(str(len(one)) for one in fields)
    return f"astralink/pool/whole/{lengths}/{''.join(fields)}".encode()


class Slots:
    """The file of slots beside a database. For threads and processes.

    Write to a slot only within the transaction that gives it to a block, after the row that claims
    it: the database's lock is the only one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opening = threading.Lock()
        self._opened: int | None = None

    def write(self, slot: int, sealed: bytes) -> None:
        """Put a sealed block into a slot; ``InputError`` for one that is too long."""
        if len(sealed) > SLOT_BYTES:
            raise InputError(f"slot: expected at most {SLOT_BYTES} bytes, got {len(sealed)}")
        written = os.pwrite(self._descriptor, sealed, slot * SLOT_BYTES)
        if written != len(sealed):
            raise OSError(f"{self.path}: {written} of {len(sealed)} bytes were written")

    def read(self, slot: int, length: int) -> bytes:
        """The sealed block of a slot that holds ``length`` bytes; ``SealBroken`` without them."""
        sealed = b""
        if self.path.exists():
            sealed = os.pread(self._descriptor, length, slot * SLOT_BYTES)
        if len(sealed) != length:
            raise SealBroken(f"slot {slot}: expected {length} bytes, got {len(sealed)}")
        return sealed

    def wipe_all_but(self, used: Iterable[int]) -> int:
        """Overwrite the slots that no block has, within a transaction; how many had something."""
        if not self.path.exists():
            return 0
        kept = set(used)
        count = -(-os.fstat(self._descriptor).st_size // SLOT_BYTES)
        wiped = 0
        for slot in range(count):
            # A wiped slot starts with zeros, and a sealed block with a random nonce.
            if slot not in kept and any(os.pread(self._descriptor, 12, slot * SLOT_BYTES)):
                old = os.pread(self._descriptor, SLOT_BYTES, slot * SLOT_BYTES).rstrip(b"\0")
                os.pwrite(self._descriptor, bytes(len(old)), slot * SLOT_BYTES)
                wiped += 1
        return wiped

    def close(self) -> None:
        """Close the file."""
        with self._opening:
            if self._opened is not None:
                os.close(self._opened)
                self._opened = None

    @property
    def _descriptor(self) -> int:
        with self._opening:
            if self._opened is None:
                self._opened = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            return self._opened
