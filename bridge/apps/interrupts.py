"""Ctrl-C, SIGTERM and a closed terminal end a command in one and the same way."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stoppable() -> Iterator[None]:
    """Any of ``SIGNALS`` raises ``KeyboardInterrupt`` inside.

    Whatever the caller's shell said of it: a job in the background begins with SIGINT ignored.
    """
    before = {signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler)}
    for number in SIGNALS[1:]:
        before[number] = signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
