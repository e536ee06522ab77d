"""Where keys go: a sink takes each block's key, and has it kept when it returns."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bridge.domain.errors import InputError
from bridge.quantum.ends.halves import KeyBlock

NONCE_BYTES, TAG_BYTES = 12, 16


class Sink(Protocol):
    """Takes keys. One sink belongs to one end of one link."""

    def put(self, block: KeyBlock) -> None:
        """Keep the block's key."""


class ContainerRing:
    """A file of sealed containers, one for each block, the oldest overwritten by the newest.

    A container is ``nonce(12) || length(8) || AES-256-GCM(key)`` with number and length as
    associated data. The ring stands for a pool whose keys are taken as fast as they come, so that a
    long run needs no more room than a short one.
    """

    def __init__(self, path: Path, sealing_key: bytes, slots: int, slot_bytes: int) -> None:
        if slots < 1 or slot_bytes < 64:
            raise InputError(
                f"ring: expected at least 1 slot of 64 bytes, got {slots} of {slot_bytes}"
            )
        self._cipher = AESGCM(sealing_key)
        self._slots = slots
        self._slot_bytes = slot_bytes
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)

    def put(self, block: KeyBlock) -> None:
        """Seal the key and write it to its slot. A nonce is the block's number, used once."""
        nonce = block.number.to_bytes(NONCE_BYTES, "big")
        length = len(block.key).to_bytes(8, "big")
        sealed = self._cipher.encrypt(nonce, block.key, nonce + length)
        container = nonce + length + sealed
        if len(container) > self._slot_bytes:
            raise InputError(
                f"ring: expected a container of at most {self._slot_bytes} bytes, "
                f"got {len(container)}"
            )
        place = block.number % self._slots * self._slot_bytes
        written = os.pwrite(self._descriptor, container, place)
        if written != len(container):
            raise OSError(f"ring: {written} of {len(container)} bytes were written")

    def read(self, number: int) -> bytes:
        """The key of a block in the ring; ``InputError`` when another has its slot."""
        place = number % self._slots * self._slot_bytes
        head = os.pread(self._descriptor, NONCE_BYTES + 8, place)
        nonce, length = head[:NONCE_BYTES], head[NONCE_BYTES:]
        if int.from_bytes(nonce, "big") != number or len(head) != NONCE_BYTES + 8:
            raise InputError(f"ring: expected block {number} in its slot, got another")
        count = int.from_bytes(length, "big") + TAG_BYTES
        sealed = os.pread(self._descriptor, count, place + len(head))
        return self._cipher.decrypt(nonce, sealed, nonce + length)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)
