"""The classical channel: messages of words, all of them in one transcript.

Nothing here keeps a message from being changed under way. Both ends write every message, sent or
received, into a transcript; at a block's end they compare one-time tags of it, before anything made
of the block is used (`end`). A changed message makes the transcripts differ.

On the wire and in the transcript: a header word, little-endian, with the number of words that
follow in bits 0 to 31, the kind in bits 32 to 39 and a count in bits 40 to 63; then the words.
"""

from __future__ import annotations

import math
import socket
import struct
import sys
from enum import IntEnum

import numpy as np

from bridge.domain.errors import InputError, LinkError, MessageForged, PeerLost
from bridge.quantum.ends.authentication import TAG_BYTES
from bridge.quantum.kernels import conversation, wire
from bridge.quantum.kernels.streams import lay
from bridge.quantum.link.randomness import Words

CAPACITY_WORDS = 1 << 21
_COUNT_LIMIT = 1 << 24
_NO_RING: Words = np.empty(0, dtype=np.uint64)
RING_WORDS = wire.DATA + (1 << 17)
"""Of a ring; the longest message of a block of 2^20 bits has some 100,000 where half of all pulses
are seen. A longer one goes in parts."""


class Kind(IntEnum):
    """Kinds of messages, in the order in which a block has them; the last three are questions."""

    DETECTIONS = 1
    MATCHES = 2
    SAMPLE = 3
    SAMPLED = 4
    QUESTIONS = conversation.QUESTIONS
    ANSWERS = conversation.ANSWERS
    VERIFICATION = 7
    VERDICT = 8
    SEAL = 9
    CONFIRMATION = 10
    LEVELS = conversation.LEVELS
    OPENINGS = conversation.OPENINGS
    FOLDS = conversation.FOLDS


class ClassicalChannel:
    """One end of a connected stream socket. ``timeout_s`` bounds each wait for the other end.

    ``rings``, the outgoing and the incoming one, all zeros at the start, carry the messages where
    both ends see the same memory (`kernels.wire`). The socket then only tells that an end is gone,
    and a wait may last a few times ``timeout_s``: sleeps are counted, and take longer than asked.
    """

    def __init__(
        self,
        connection: socket.socket,
        timeout_s: float = 30.0,
        capacity_words: int = CAPACITY_WORDS,
        rings: tuple[Words, Words] | None = None,
    ) -> None:
        if not timeout_s > 0.0:
            raise InputError(f"channel: expected a time limit above 0 s, got {timeout_s}")
        if sys.byteorder != "little":
            raise InputError("channel: expected a little-endian machine, got a big-endian one")
        # The kernels read and write the descriptor themselves, so the limits must be the socket's.
        connection.settimeout(None)
        limit = struct.pack("ll", int(timeout_s), int(math.fmod(timeout_s, 1.0) * 1e6))
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            connection.setsockopt(socket.SOL_SOCKET, option, limit)
        if connection.family in (socket.AF_INET, socket.AF_INET6):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection = connection
        outgoing, incoming = rings if rings is not None else (_NO_RING, _NO_RING)
        for ring in rings or ():
            room = len(ring) - wire.DATA
            if room < 1 or room & (room - 1):
                raise InputError(
                    f"channel: expected rings of {wire.DATA} words and a power of two, "
                    f"got {len(ring)}"
                )
        self._has_rings = rings is not None
        self.wire = wire.Wire(
            descriptor=connection.fileno(),
            outgoing=outgoing,
            incoming=incoming,
            patience=math.ceil(timeout_s * 1e6 / wire.SLEEP_US),
            spare=np.zeros(1, dtype=np.uint64),
        )
        self.transcript: Words = np.empty(capacity_words, dtype=np.uint64)
        self.used = 0

    def begin(self) -> None:
        """Start the transcript of a new block."""
        self.used = 0

    def written(self) -> memoryview:
        """The transcript as bytes."""
        return self.transcript[: self.used].data.cast("B")

    def send(self, kind: Kind, count: int, *parts: Words) -> None:
        """Send the parts, contiguous vectors of words, as one message."""
        length = sum(len(part) for part in parts)
        if not 0 <= count < _COUNT_LIMIT:
            raise InputError(f"message: expected a count below {_COUNT_LIMIT}, got {count}")
        start = self.used
        self._reserve(1 + length)
        place = start + 1
        for part in parts:
            lay(part, place, self.transcript)
            place += len(part)
        self.transcript[start] = count << conversation.COUNT_PLACE | kind << 32 | length
        self._push(start)

    def receive(self, kind: Kind, most_words: int) -> tuple[int, Words]:
        """The count and the words of the next message, a view that lasts until `begin`.

        Raises ``MessageForged`` for another kind or more words than ``most_words``, ``PeerLost``
        when nothing comes.
        """
        start = self.used
        self._reserve(1)
        if self._has_rings:
            stop = wire.receive(self.wire, self.transcript, start, 0, 0)
            if stop < 0:
                raise _error(stop, f"{kind.name}", len(self.transcript))
            self.used = stop
        else:
            self._pull(start)
        header = int(self.transcript[start])
        length = header & wire.LENGTH_MASK
        received = header >> 32 & 0xFF
        if received != kind or length > most_words:
            raise MessageForged(
                f"classical channel: expected {kind.name} (kind {kind.value}) of at most "
                f"{most_words} words, got kind {received} of {length}"
            )
        if not self._has_rings:
            self._reserve(length)
            self._pull(start + 1)
        return header >> conversation.COUNT_PLACE, self.transcript[start + 1 : self.used]

    def receive_tag(self, kind: Kind) -> Words:
        """The words of a tag. No tag covers its own message, so every bit of the header counts."""
        count, words = self.receive(kind, TAG_BYTES // 8)
        if count != 0 or len(words) != TAG_BYTES // 8:
            raise MessageForged(
                f"{kind.name}: expected {TAG_BYTES // 8} words and a count of 0, "
                f"got {len(words)} and {count}"
            )
        return words

    def adopt(self, used: int) -> None:
        """Go on from a transcript that a kernel has written to; raises what the kernel found."""
        if used < 0:
            raise _error(used, "reconciliation", len(self.transcript))
        self.used = used

    def close(self) -> None:
        """Close the socket."""
        self._connection.close()

    def _reserve(self, words: int) -> None:
        if self.used + words > len(self.transcript):
            raise MessageForged(
                f"classical channel: expected at most {len(self.transcript)} words in a block, "
                f"got {self.used + words}"
            )
        self.used += words

    def _push(self, start: int) -> None:
        if self._has_rings:
            if not wire.send(self.wire, self.transcript, start, self.used, 0):
                raise _error(wire.LOST, "", 0)
            return
        try:
            self._connection.sendall(self.transcript[start : self.used].data.cast("B"))
        except (BlockingIOError, OSError) as error:
            raise PeerLost(f"classical channel: nothing could be sent: {error}") from error

    def _pull(self, start: int) -> None:
        view = self.transcript[start : self.used].data.cast("B")
        while view:
            try:
                count = self._connection.recv_into(view, len(view), socket.MSG_WAITALL)
            except (BlockingIOError, OSError) as error:
                raise PeerLost(f"classical channel: nothing came: {error}") from error
            if count == 0:
                raise PeerLost("classical channel: the other end closed it")
            view = view[count:]


def _error(code: int, what: str, most_words: int) -> LinkError:
    """The error of what a kernel gave instead of the transcript's new length."""
    if code == wire.LOST:
        return PeerLost("classical channel: the other end is gone, or did not answer in time")
    if code == wire.MALFORMED:
        return MessageForged(f"{what}: expected questions and answers in turn, got another message")
    return MessageForged(f"{what}: expected a transcript of at most {most_words} words, got more")
