"""How a process loads its modules."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def undisturbed() -> Iterator[None]:
    """Keep the garbage collector away from what is loaded within, then and later.

    Modules are some 100,000 objects that stay until the end. To look through them while they are
    made is a tenth to a third of a process's start, and a pause at each full collection after it.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
