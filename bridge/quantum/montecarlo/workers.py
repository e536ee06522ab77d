"""Who does the chunks: this process, others on this machine, or a cluster of Dask or Ray.

All are a ``concurrent.futures.Executor`` to those who use them, so the code is the same.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.context import SpawnContext
from typing import Any

from bridge.domain.errors import ExtraMissing, InputError, WorkersLost

CLUSTER = "cluster"
"""The extra with the libraries of clusters."""


@dataclass(frozen=True, slots=True)
class Workers:
    """``width`` chunks are under way at once; ``lost`` are the errors that mean that one died."""

    name: str
    executor: Executor
    width: int
    lost: tuple[type[BaseException], ...] = ()


def call(fn: Callable[..., Any], *args: Any) -> Any:
    """``fn(*args)`` in a worker; an error that could not be sent back is sent as a word on it.

    An exception that does not unpickle looks to the executor like a process that died.
    """
    try:
        return fn(*args)
    except Exception as error:
        try:
            pickle.loads(pickle.dumps(error))  # noqa: S301  # what was pickled the line before
        except Exception:
            raise RuntimeError(f"{type(error).__name__}: {error}") from None
        raise


class _Here(Executor):
    """Does the work when it is handed in."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:
            done.set_exception(error)
        return done


def here() -> Workers:
    """The process that asks, and no other."""
    return Workers("this process", _Here(), 1)


class _Recording(SpawnContext):
    """A context that remembers its processes, so that they can be ended."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[multiprocessing.process.BaseProcess] = []

    def Process(self, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]  # noqa: N802
        made = super().Process(*args, **kwargs)
        self.made.append(made)
        return made


class Pool:
    """``count`` processes, started afresh when there is work, since threads do not survive a fork.

    ``executor`` takes the work. A worker whose parent was killed ends too.
    """

    def __init__(self, count: int) -> None:
        if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= 1024:
            raise InputError(f"workers: expected 1 to 1024 processes, got {count!r}")
        self._context = _Recording()
        self.executor = ProcessPoolExecutor(count, mp_context=self._context, initializer=_begin)

    @property
    def pids(self) -> list[int]:
        """The process ids of those that were started."""
        return [one.pid for one in self._context.made if one.pid is not None]

    def close(self) -> None:
        """Wait for what is under way, and end."""
        self.executor.shutdown(wait=True, cancel_futures=True)

    def end(self) -> None:
        """End at once, whatever is under way."""
        for one in self._context.made:
            with contextlib.suppress(ValueError):  # it has ended and was closed
                one.kill()
        self.executor.shutdown(wait=True, cancel_futures=True)


@contextmanager
def processes(count: int) -> Iterator[Workers]:
    """``count`` processes on this machine.

    When the block ends by an error or a signal they are ended at once.
    """
    pool = Pool(count)
    try:
        yield Workers(f"{count} processes", pool.executor, 2 * count, (BrokenExecutor,))
    except BaseException:
        pool.end()
        raise
    pool.close()


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


@contextmanager
def dask(client: Any, timeout_s: float = 10.0) -> Iterator[Workers]:
    """The workers of a ``distributed.Client``, or of the scheduler at an address.

    Raises ``WorkersLost`` when the scheduler is not there within ``timeout_s`` or has no worker.
    """
    try:
        from distributed import Client, KilledWorker
        from distributed.client import FutureCancelledError
    except ImportError:
        raise ExtraMissing("distributed", CLUSTER) from None
    own = not isinstance(client, Client)
    try:
        connected = Client(client, timeout=timeout_s) if own else client
    except (OSError, ValueError) as error:
        raise WorkersLost(0, 0, f"no Dask scheduler at {client}: {error}") from None
    try:
        threads = sum(connected.nthreads().values())
        if threads == 0:
            raise WorkersLost(0, 0, "the Dask cluster has no worker")
        lost = (KilledWorker, FutureCancelledError)
        with connected.get_executor(pure=False, retries=0) as executor:
            yield Workers(f"Dask with {threads} threads", executor, 2 * threads, lost)
    finally:
        if own:
            connected.close()


class _Ray(Executor):
    def __init__(self, library: Any) -> None:
        self._library = library
        self._call = library.remote(_called).options(max_retries=0)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        made: Future[Any] = self._call.remote(fn, args, kwargs).future()
        return made


def _called(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return fn(*args, **kwargs)


@contextmanager
def ray() -> Iterator[Workers]:
    """The workers of the Ray cluster that this process has joined (``ray.init``)."""
    try:
        import ray as library
    except ImportError:
        raise ExtraMissing("ray", CLUSTER) from None
    if not library.is_initialized():
        raise InputError("Ray: expected a cluster that was joined: call ray.init() first")
    processors = int(library.cluster_resources().get("CPU", 0))
    if processors == 0:
        raise WorkersLost(0, 0, "the Ray cluster has no processor")
    lost = (library.exceptions.WorkerCrashedError, library.exceptions.NodeDiedError)
    yield Workers(f"Ray with {processors} processors", _Ray(library), 2 * processors, lost)
