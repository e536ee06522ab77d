"""A Monte Carlo run in chunks, each with a seed of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from typing import Protocol, Self, TypeVar

from bridge.domain.errors import InputError, JobFailed
from bridge.quantum.montecarlo.ordered import ordered
from bridge.quantum.montecarlo.seeds import derived_seed
from bridge.quantum.montecarlo.workers import Workers

CHUNK_SHOTS = 10_000


class Sampled(Protocol):
    """A result of ``shots``; two of them add up. `Failures` is one."""

    @property
    def shots(self) -> int:
        """How many shots it is of."""
        ...

    def __add__(self, other: Self) -> Self: ...


R = TypeVar("R", bound=Sampled)
R_co = TypeVar("R_co", bound=Sampled, covariant=True)


class Task(Protocol[R_co]):
    """Something that can be sampled, and sent to another process."""

    def sample(self, shots: int, seed: int) -> R_co:
        """The result of ``shots`` shots; the same for the same ``seed``, wherever it runs."""
        ...


def run(
    task: Task[R],
    shots: int,
    seed: int,
    workers: Workers,
    *,
    chunk_shots: int = CHUNK_SHOTS,
    enough: Callable[[R], bool] | None = None,
    progress: Callable[[R], None] | None = None,
    timeout_s: float = 600.0,
    called_off: threading.Event | None = None,
) -> R:
    """The sum over all chunks of ``task``, up to ``shots`` in all.

    The answer depends on the task, ``shots``, ``seed`` and ``chunk_shots``, and on nothing else:
    chunks have their seeds by number and are added up in order. Where ``enough`` says so of the sum
    so far the run stops, and what others have done beyond it does not count. ``progress`` is called
    with each sum. A chunk has ``timeout_s``. Raises as ``ordered`` does.
    """
    for name, value in (("shots", shots), ("chunk", chunk_shots)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise InputError(f"{name}: expected a whole number from 1, got {value!r}")
    sizes = [min(chunk_shots, shots - start) for start in range(0, shots, chunk_shots)]
    calls = [(task, size, derived_seed(seed, "chunk", number)) for number, size in enumerate(sizes)]
    total: R | None = None
    results = ordered(_sample, calls, workers, timeout_s=timeout_s, called_off=called_off)
    with closing(results):  # type: ignore[type-var]  # a generator, which has close()
        for number, (size, result) in enumerate(zip(sizes, results, strict=False)):
            if result.shots != size:
                raise JobFailed(
                    f"chunk {number} of {len(sizes)}",
                    workers.name,
                    f"expected a result of {size} shots, got {result.shots}",
                )
            total = result if total is None else total + result
            if progress is not None:
                progress(total)
            if enough is not None and enough(total):
                break
    assert total is not None
    return total


def _sample(task: Task[R], shots: int, seed: int) -> R:
    return task.sample(shots, seed)
