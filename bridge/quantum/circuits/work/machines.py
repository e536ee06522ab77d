"""Backends that the work queue gives jobs to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor
from typing import Any, Protocol

from bridge.domain.errors import BackendLost, ExtraMissing, InputError
from bridge.quantum.circuits.batches import CountsOf, run_seeded
from bridge.quantum.circuits.profile import HardwareProfile
from bridge.quantum.circuits.work.jobs import Job
from bridge.quantum.montecarlo.workers import Pool, call

try:
    from qiskit.providers import BackendV2
except ImportError:
    raise ExtraMissing("qiskit", "circuits") from None


class Machine(Protocol):
    """A backend: runs ``slots`` jobs at once, those whose profile is its own."""

    @property
    def name(self) -> str:
        """What it is called in results and errors."""
        ...

    @property
    def slots(self) -> int:
        """How many jobs it runs at once."""
        ...

    @property
    def profile(self) -> HardwareProfile:
        """What it can do."""
        ...

    async def run(self, job: Job) -> Sequence[CountsOf]:
        """The counts of each circuit; raises ``BackendLost`` when the backend is gone."""
        ...

    async def check(self) -> None:
        """Nothing, when the backend answers; raises ``BackendLost``."""
        ...

    async def close(self) -> None:
        """End what it has running."""
        ...


class SimulatedMachine:
    """A simulated processor in processes of its own, one for each slot.

    A process that is killed is a ``BackendLost`` for its job and is started again for the next. A
    job that is cancelled has its process ended.
    """

    def __init__(self, name: str, profile: HardwareProfile, slots: int = 1) -> None:
        if slots < 1:
            raise InputError(f"slots: expected at least 1, got {slots}")
        self.name = name
        self.profile = profile
        self.slots = slots
        self._free: list[Pool] = []
        self._all: set[Pool] = set()

    @property
    def pids(self) -> list[int]:
        """The process ids that there are now."""
        return [pid for pool in self._all for pid in pool.pids]

    async def run(self, job: Job) -> Sequence[CountsOf]:
        """The counts of each circuit of ``job``."""
        counts: list[CountsOf] = await self._call(
            run_seeded, job.profile, list(job.circuits), job.shots, list(job.seeds)
        )
        return counts

    async def check(self) -> None:
        """Nothing, when a process answers."""
        await self._call(int)

    async def close(self) -> None:
        """End the processes."""
        for pool in self._all:
            pool.end()
        self._all, self._free = set(), []

    async def _call(self, fn: Any, *args: Any) -> Any:
        pool = self._free.pop() if self._free else Pool(1)
        self._all.add(pool)
        sound = False
        try:
            result = await asyncio.wrap_future(pool.executor.submit(call, fn, *args))
            sound = True
            return result
        except BrokenExecutor as error:
            raise BackendLost(self.name, f"its process ended: {error}") from error
        except asyncio.CancelledError:
            raise
        except Exception:
            sound = True  # the job raised, and the process did not
            raise
        finally:
            if sound and pool in self._all:
                self._free.append(pool)
            else:
                self._all.discard(pool)
                pool.end()


class QiskitMachine:
    """A backend of Qiskit's, asked in a thread; what it raises counts as its loss.

    ``seed_simulator`` goes to it where its options have one; hardware has none, and its counts are
    its own.
    """

    def __init__(self, name: str, backend: BackendV2, profile: HardwareProfile) -> None:
        self.name = name
        self.profile = profile
        self.slots = 1
        self._backend = backend

    async def run(self, job: Job) -> Sequence[CountsOf]:
        """The counts of each circuit of ``job``."""
        return await asyncio.to_thread(self._run, job)

    async def check(self) -> None:
        """Nothing; a backend of Qiskit's has no question that is free."""

    async def close(self) -> None:
        """Nothing runs here."""

    def _run(self, job: Job) -> Sequence[CountsOf]:
        seeded = hasattr(self._backend.options, "seed_simulator")
        counts = []
        try:
            for circuit, seed in zip(job.circuits, job.seeds, strict=True):
                options = {"seed_simulator": seed} if seeded else {}
                result = self._backend.run(circuit, shots=job.shots, **options).result()
                counts.append(dict(result.get_counts()))
        except InputError:
            raise
        except Exception as error:
            raise BackendLost(self.name, f"{type(error).__name__}: {error}") from error
        return counts
