"""A small coverage-guided mutator: keeps each input that runs a line after a line as none before.

What ran is seen by ``sys.settrace``, which needs no build and no further library. An input that
raises what it may not is the end of the run, and is written to a file.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

INTERESTING = bytes(
    [0x00, 0x01, 0x14, 0x15, 0x16, 0x1C, 0x20, 0x35, 0x37, 0x39, 0x3D, 0x3E, 0x51, 0x52, 0x53, 0x54,
     0x55, 0x56, 0x57, 0x5B, 0x5E, 0x5F, 0x60, 0x61, 0x7F, 0x80, 0x81, 0x90, 0x91, 0xA1, 0xA2, 0xBF,
     0xF0, 0xF1, 0xF3, 0xF4, 0xFA, 0xFD, 0xFE, 0xFF]
)  # fmt: skip
MAX_SIZE = 4096


class Coverage:
    """Pairs of lines that ran one after the other, in the files below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self.seen: set[int] = set()
        self._now: set[int] = set()
        self._known: dict[Any, int] = {}

    def run(self, target: Callable[[bytes], None], data: bytes) -> int:
        """How many pairs ``target(data)`` ran that none ran before."""
        self._now = set()
        sys.settrace(self._call)
        try:
            target(data)
        finally:
            sys.settrace(None)
        new = len(self._now - self.seen)
        self.seen |= self._now
        return new

    def _call(self, frame: FrameType, event: str, argument: object) -> Any:
        code = frame.f_code
        number = self._known.get(code)
        if number is None:
            inside = code.co_filename.startswith(self._folder)
            number = self._known[code] = len(self._known) + 1 if inside else 0
        if not number:
            return None
        base = number << 40
        last = 0
        note = self._now.add

        def line(frame: FrameType, event: str, argument: object) -> Any:
            nonlocal last
            if event == "line":
                here = frame.f_lineno
                note(base | last << 20 | here)
                last = here
            return line

        return line


class Mutator:
    """Makes inputs of inputs; the same seed makes the same ones."""

    def __init__(self, seed: int, corpus: list[bytes]) -> None:
        self.random = random.Random(seed)
        self.corpus = list(corpus)

    def one(self) -> bytes:
        """An input that is another one changed in a few places."""
        data = bytearray(self.random.choice(self.corpus))
        for _ in range(1 + int(self.random.expovariate(0.5))):
            self._change(data)
        return bytes(data[:MAX_SIZE])

    def _change(self, data: bytearray) -> None:
        random_ = self.random
        at = random_.randrange(len(data) + 1)
        size = min(1 + int(random_.expovariate(0.15)), 64)
        kind = random_.randrange(8)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << random_.randrange(8)
        elif kind == 1 and at < len(data):
            data[at] = random_.choice(INTERESTING)
        elif kind == 2:
            data[at:at] = bytes(random_.choice(INTERESTING) for _ in range(size))
        elif kind == 3:
            del data[at : at + size]
        elif kind == 4:
            data[at:at] = data[at : at + size]
        elif kind == 5:
            other = random_.choice(self.corpus)
            start = random_.randrange(len(other) + 1)
            data[at : at + size] = other[start : start + size]
        elif kind == 6:
            # A jump to a place that is one.
            places = [one for one, byte in enumerate(data) if byte == 0x5B] or [0]
            data[at : at + 4] = b"\x61" + random_.choice(places).to_bytes(2, "big") + b"\x56"
        else:
            data[at : at + size] = random_.randbytes(size)


def rounds(
    target: Callable[[bytes], None], folder: Path, corpus: list[bytes], seed: int, seconds: float
) -> Iterator[tuple[int, int, int]]:
    """Run for that long: inputs so far, inputs kept, pairs of lines seen, about once a second."""
    coverage = Coverage(folder)
    mutator = Mutator(seed, corpus)
    for data in corpus:
        coverage.run(target, data)
    begun = told = time.monotonic()
    count = 0
    while (now := time.monotonic()) < begun + seconds:
        data = mutator.one()
        try:
            if coverage.run(target, data):
                mutator.corpus.append(data)
        except Exception as error:
            error.add_note(f"input {count} of seed {seed}: {data.hex()}")
            raise
        count += 1
        if now - told > 1:
            told = now
            yield count, len(mutator.corpus), len(coverage.seen)
    yield count, len(mutator.corpus), len(coverage.seen)
