"""Parts of a block at rest: what is left of each, and cutting bytes out of it.

A block is kept in parts, so that taking a key seals a few kilobytes anew and not the whole block;
bytes that were taken are zero in what is sealed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bridge.crypto.aead import seal, unseal
from bridge.domain.errors import BlockConflict

CHUNK_BYTES = 4096
"""128 keys of 256 bits."""

Ranges = list[list[int]]
"""Pairs of first byte and the one after the last, ascending, none empty, none touching."""


@dataclass(frozen=True, slots=True)
class Segment:
    """``length`` bytes of a block from ``offset`` on."""

    block_id: str
    offset: int
    length: int


@dataclass(slots=True)
class Chunk:
    """A part of a block, opened. ``block`` is the row's number, ``number`` its place in it."""

    block: int
    block_id: str
    number: int
    free: Ranges
    plain: bytearray = field(repr=False)

    @property
    def free_bytes(self) -> int:
        """How many bytes nobody took."""
        return sum(end - start for start, end in self.free)

    def take(self, limit: int) -> Iterator[tuple[Segment, bytes]]:
        """Up to ``limit`` bytes from the front, as contiguous pieces."""
        while limit > 0 and self.free:
            start, end = self.free[0]
            length = min(limit, end - start)
            yield self._segment(start, length), self.cut(start, length)
            limit -= length

    def cut(self, start: int, length: int) -> bytes:
        """These bytes of the part, which is without them then.

        ``BlockConflict`` unless all of them are free.
        """
        end = start + length
        for index, (low, high) in enumerate(self.free):
            if low <= start and end <= high:
                rest = [[low, start], [end, high]]
                self.free[index : index + 1] = [part for part in rest if part[0] < part[1]]
                taken = bytes(self.plain[start:end])
                self.plain[start:end] = bytes(length)
                return taken
        base = self.number * CHUNK_BYTES
        raise BlockConflict(
            f"block {self.block_id}: expected bytes {base + start} to {base + end} to be free, "
            "some were taken"
        )

    def _segment(self, start: int, length: int) -> Segment:
        return Segment(self.block_id, self.number * CHUNK_BYTES + start, length)


def parts(key: bytes) -> list[bytes]:
    """The key in parts of ``CHUNK_BYTES``; the last may be shorter."""
    return [key[start : start + CHUNK_BYTES] for start in range(0, len(key), CHUNK_BYTES)]


def seal_part(block_key: bytes, block_id: str, number: int, plain: bytes) -> bytes:
    """A part sealed under its block's own key, bound to its place."""
    return seal(block_key, plain, _place(block_id, number))


def open_part(block_key: bytes, block_id: str, number: int, sealed: bytes) -> bytearray:
    """The bytes of a part; ``SealBroken`` when it was changed or moved."""
    return bytearray(unseal(block_key, sealed, _place(block_id, number)))


def by_chunk(segment: Segment) -> tuple[int, int]:
    """The number of the part that holds a segment, and where it starts in it.

    ``BlockConflict`` for one that is empty or lies in two parts.
    """
    number, start = divmod(segment.offset, CHUNK_BYTES)
    if segment.offset < 0 or segment.length < 1 or start + segment.length > CHUNK_BYTES:
        raise BlockConflict(
            f"block {segment.block_id}: expected a segment within one part of {CHUNK_BYTES} bytes, "
            f"got {segment.length} bytes from {segment.offset}"
        )
    return number, start


def total(segments: Sequence[Segment]) -> int:
    """How many bytes segments are together."""
    return sum(segment.length for segment in segments)


def _place(block_id: str, number: int) -> bytes:
    return f"astralink/pool/{block_id}/{number}".encode()
