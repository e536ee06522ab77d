"""The thread that journal and trees are worked in, so that neither holds up the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import DBAPIError

from bridge.domain.errors import JournalUnavailable

P = ParamSpec("P")
T = TypeVar("T")


class Worker:
    """One thread. What is given to it is done in its order."""

    def __init__(self, name: str) -> None:
        self._threads = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def do(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What ``work`` returns or raises, done in the thread.

        ``JournalUnavailable`` where a database fails: it is away, full, or another replica was
        there first.
        """
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, lambda: work(*args, **kwargs))
        except DBAPIError as error:
            reason = str(error.orig).strip().splitlines()[0] if str(error.orig) else repr(error)
            raise JournalUnavailable(getattr(work, "__name__", "work"), reason) from error

    def close(self) -> None:
        """End the thread when it has done what it was given."""
        self._threads.shutdown()
