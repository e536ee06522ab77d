"""Results of many calls in their order, a bounded number of them under way."""

from __future__ import annotations

import pickle
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from concurrent.futures import wait as wait_for
from time import monotonic
from typing import Any, TypeVar

from bridge.domain.errors import BridgeError, InputError, JobFailed, WorkersLost
from bridge.quantum.montecarlo.workers import Workers, call

R = TypeVar("R")
LOOK_S = 0.1
"""How often somebody who waits looks whether it was called off."""


class CalledOff(Exception):
    """The run was called off while it went on."""


def ordered(
    fn: Callable[..., R],
    calls: Sequence[tuple[Any, ...]],
    workers: Workers,
    *,
    timeout_s: float = 600.0,
    called_off: threading.Event | None = None,
) -> Iterator[R]:
    """``fn(*call)`` of each call, in order, whichever is done first.

    A call that raises a ``BridgeError`` raises it here, another exception a ``JobFailed`` that
    names the call. ``WorkersLost`` when a worker was killed, or the next result is not there
    within ``timeout_s``. ``CalledOff`` soon after ``called_off`` is set. Whatever is under way
    then is cancelled.
    """
    if not 0.0 < timeout_s < float("inf"):
        raise InputError(f"timeout: expected above 0 s, got {timeout_s}")
    _sendable(fn, calls[:1])
    lost: tuple[type[BaseException], ...] = (*workers.lost, CancelledError)
    waiting: deque[Future[R]] = deque()
    submitted = 0
    done = 0
    try:
        while done < len(calls):
            if called_off is not None and called_off.is_set():
                raise CalledOff
            try:
                while submitted < len(calls) and len(waiting) < workers.width:
                    waiting.append(workers.executor.submit(call, fn, *calls[submitted]))
                    submitted += 1
                _until(waiting[0], timeout_s, called_off)
                result = waiting[0].result(timeout=0)
            except (CalledOff, BridgeError):
                raise
            except TimeoutError:
                raise WorkersLost(
                    done, len(calls), f"no result from {workers.name} within {timeout_s:g} s"
                ) from None
            except lost as error:
                raise WorkersLost(
                    done, len(calls), f"{workers.name}: {type(error).__name__}: {error}"
                ) from error
            except Exception as error:
                raise JobFailed(
                    f"chunk {done} of {len(calls)}",
                    workers.name,
                    f"{type(error).__name__}: {error}",
                ) from error
            waiting.popleft()
            done += 1
            yield result
    finally:
        for future in waiting:
            future.cancel()


def _sendable(fn: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> None:
    try:
        pickle.dumps((fn, *calls))
    except Exception as error:
        raise InputError(
            f"work: expected what can be sent to another process, got {type(error).__name__}: "
            f"{error}"
        ) from None


def _until(future: Future[Any], timeout_s: float, called_off: threading.Event | None) -> None:
    """Waits for ``future``; a call that raised ``TimeoutError`` itself is not taken for a wait."""
    deadline = monotonic() + timeout_s
    while True:
        left = deadline - monotonic()
        step = left if called_off is None else min(LOOK_S, left)
        if wait_for([future], timeout=max(0.0, step)).done:
            error = future.exception(timeout=0) if not future.cancelled() else None
            if isinstance(error, TimeoutError):
                raise RuntimeError(f"TimeoutError: {error}") from error
            return
        if called_off is not None and called_off.is_set():
            raise CalledOff
        if left <= 0.0:
            raise TimeoutError
