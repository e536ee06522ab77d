"""What carries the ends' messages: a stream socket, or two rings in memory that both ends see.

A message is one header word, whose bits 0 to 31 say how many words follow. Between two processes of
one machine a socket costs two system calls a message and mostly a sleep; a ring costs a few cache
misses. The words are the same, and so is the transcript.

A ring is words ``HEAD``, how many were ever written, ``TAIL``, how many were ever read, each in a
cache line of its own and written by one end only, and a power of two of words from ``DATA`` on.
"""

from __future__ import annotations

import socket
import sys
from typing import NamedTuple

import numpy as np
from numba import types

from bridge.quantum.kernels.atomic import load_acquire, pause, store_release
from bridge.quantum.kernels.compiled import kernel
from bridge.quantum.kernels.trees import Words

HEAD, TAIL, DATA = 0, 8, 16
LENGTH_MASK = 0xFFFF_FFFF

LOST, MALFORMED, TOO_LONG = -1, -2, -3
"""Given instead of the transcript's new length: the peer is gone or too slow; a message is not what
was expected; the transcript is full or the rounds are more than errors explain."""

SPINS, YIELDS = 4000, 1000
"""Looks at a ring before the processor is offered to others, and offers before a sleep."""
SLEEP_US = 50

# MSG_NOSIGNAL on Linux: a closed peer gives an error, no signal. Elsewhere the interpreter has
# the signal ignored already, and 0 is right.
_SEND_FLAGS = 0x4000 if sys.platform == "linux" else 0
_DO_NOT_WAIT = int(socket.MSG_DONTWAIT)
_PEEK = int(socket.MSG_PEEK) | _DO_NOT_WAIT

_socket_send = types.ExternalFunction(
    "send", types.int64(types.int32, types.int64, types.uint64, types.int32)
)
_socket_receive = types.ExternalFunction(
    "recv", types.int64(types.int32, types.int64, types.uint64, types.int32)
)
_yield = types.ExternalFunction("sched_yield", types.int32())
_sleep = types.ExternalFunction("usleep", types.int32(types.uint32))


class Wire(NamedTuple):
    """One end's way to the other.

    ``descriptor`` is a connected stream socket that blocks and has its own time limits;
    ``outgoing`` and ``incoming`` are rings, or empty: then messages go over the socket.
    ``patience`` is how many sleeps an end waits at a ring; ``spare``, uint64 (1), takes what a look
    at the socket gives.
    """

    descriptor: int
    outgoing: Words
    incoming: Words
    patience: int
    spare: Words


@kernel
def send(wire: Wire, words: Words, start: int, stop: int, spins: int) -> bool:
    """Send ``words[start:stop]``; False when the other end is gone or takes nothing.

    A full ring is looked at ``spins`` times before the processor is offered to others.
    """
    if wire.outgoing.size:
        return _put(wire, words, start, stop, spins)
    address = words.ctypes.data + 8 * start
    left = 8 * (stop - start)
    while left > 0:
        done = _socket_send(wire.descriptor, address, left, _SEND_FLAGS)
        if done <= 0:
            return False
        address += done
        left -= done
    return True


@kernel
def receive(wire: Wire, words: Words, start: int, tries: int, spins: int) -> int:
    """Receive one message to ``start``; where it ends, or what went wrong.

    The ends speak in turn, so that nothing but this message can be waiting, and one call mostly
    brings all of it. Before it sleeps, a socket is tried ``tries`` times and a ring ``spins``
    times: waking a thread costs more than the other end needs for most answers.
    """
    most = words.size - start
    if most < 1:
        return TOO_LONG
    if wire.incoming.size:
        return _get(wire, words, start, spins)
    address = words.ctypes.data + 8 * start
    got = np.int64(0)
    wanted = np.int64(8)
    while got < wanted:
        done = np.int64(-1)
        for _ in range(tries):
            done = _socket_receive(wire.descriptor, address + got, 8 * most - got, _DO_NOT_WAIT)
            if done >= 0:
                break
        if done < 0:
            done = _socket_receive(wire.descriptor, address + got, 8 * most - got, 0)
        if done <= 0:
            return LOST
        got += done
        if got >= 8:
            wanted = 8 + 8 * (np.int64(words[start]) & LENGTH_MASK)
            if wanted > 8 * most:
                return TOO_LONG
    return start + (got >> 3) if got == wanted else MALFORMED


@kernel
def _changes(wire: Wire, ring: Words, place: int, seen: np.uint64, spins: int) -> bool:
    """Wait until a word of a ring is not ``seen`` any more; False when the other end is gone."""
    for _ in range(spins):
        if load_acquire(ring, place) != seen:
            return True
        pause()
    for _ in range(YIELDS if spins else 0):
        if load_acquire(ring, place) != seen:
            return True
        _yield()
    for _ in range(wire.patience):
        if load_acquire(ring, place) != seen:
            return True
        # Nothing comes over the socket here but its end.
        if _socket_receive(wire.descriptor, wire.spare.ctypes.data, 1, _PEEK) == 0:
            return bool(load_acquire(ring, place) != seen)
        _sleep(SLEEP_US)
    return False


@kernel
def _put(wire: Wire, words: Words, start: int, stop: int, spins: int) -> bool:
    ring = wire.outgoing
    room = ring.size - DATA
    head = np.int64(ring[HEAD])
    while start < stop:
        tail = load_acquire(ring, TAIL)
        free = room - (head - np.int64(tail))
        if not 0 <= free <= room:
            return False
        if free == 0:
            if not _changes(wire, ring, TAIL, tail, spins):
                return False
            continue
        first = DATA + (head & (room - 1))
        count = min(int(free), int(stop - start), int(ring.size - first))
        ring[first : first + count] = words[start : start + count]
        head += count
        start += count
        store_release(ring, HEAD, np.uint64(head))
    return True


@kernel
def _get(wire: Wire, words: Words, start: int, spins: int) -> int:
    ring = wire.incoming
    room = ring.size - DATA
    tail = np.int64(ring[TAIL])
    stop = np.int64(-1)
    place = start
    while place != stop:
        head = load_acquire(ring, HEAD)
        there = np.int64(head) - tail
        if not 0 <= there <= room:
            return MALFORMED
        if there == 0:
            if not _changes(wire, ring, HEAD, head, spins):
                return LOST
            continue
        if stop < 0:
            stop = start + 1 + (np.int64(ring[DATA + (tail & (room - 1))]) & LENGTH_MASK)
            if stop > words.size:
                return TOO_LONG
        first = DATA + (tail & (room - 1))
        count = min(int(there), int(stop - place), int(ring.size - first))
        words[place : place + count] = ring[first : first + count]
        tail += count
        place += count
        store_release(ring, TAIL, np.uint64(tail))
    return stop
