"""Calibration on a schedule, and the newest profile for whoever needs noise figures."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from math import inf, isfinite

import structlog

from bridge.domain.errors import CalibrationFailed, CalibrationStale, InputError
from bridge.quantum.circuits.calibration.measured import Calibration
from bridge.quantum.circuits.clock import Clock, SystemClock
from bridge.quantum.circuits.profile import HardwareProfile
from bridge.quantum.codes.noise import CircuitNoise
from bridge.quantum.montecarlo.seeds import derived_seed

log = structlog.get_logger()

RETRY_S = (10.0, 60.0, 300.0)
"""Waits after the first, second and further failures in a row."""

Experiment = Callable[[HardwareProfile, int, threading.Event], Calibration]
"""Measures, given the newest profile, a seed and an event that says when nobody waits any more."""
Listener = Callable[[HardwareProfile, CircuitNoise], None]
"""Is told each new profile and its noise, as a decoder is that weighs its errors by them."""


@dataclass(frozen=True, slots=True)
class Item:
    """An experiment that runs every ``every_s`` and is called off after ``timeout_s``.

    What it measured is too old after ``stale_s``.
    """

    experiment: Experiment
    every_s: float
    stale_s: float
    timeout_s: float = 600.0

    def __post_init__(self) -> None:
        for name in ("every_s", "stale_s", "timeout_s"):
            value = getattr(self, name)
            if not (isfinite(value) and value > 0.0):
                raise InputError(f"schedule: {name}: expected above 0 s, got {value}")
        if self.stale_s < self.every_s:
            raise InputError(
                f"schedule: expected stale_s of at least every_s, {self.every_s:g} s, "
                f"got {self.stale_s:g}"
            )


@dataclass(slots=True)
class _State:
    due: float
    taken_at: float | None = None
    runs: int = 0
    failures: int = 0
    last_error: str = ""


@dataclass(slots=True)
class CalibrationSchedule:
    """Runs each item when it is due, one at a time, and keeps the newest figures.

    ``profile`` is what the processor was said to do; ``newest`` has what was measured in its place.
    An experiment that fails leaves the figures before it and is tried again by ``RETRY_S``. Seeds
    come from ``seed``, the item's name and the number of the run.
    """

    profile: HardwareProfile
    items: Mapping[str, Item]
    clock: Clock = field(default_factory=SystemClock)
    seed: int = 0
    listeners: list[Listener] = field(default_factory=list)
    _calibration: Calibration = field(default_factory=Calibration)
    _states: dict[str, _State] = field(default_factory=dict)
    _newest: HardwareProfile | None = None

    def __post_init__(self) -> None:
        if not self.items:
            raise InputError("schedule: expected at least 1 experiment, got 0")
        now = self.clock.now()
        self._states = {name: _State(now) for name in self.items}

    @property
    def calibration(self) -> Calibration:
        """All that was measured so far, the newest of each figure."""
        return self._calibration

    @property
    def newest(self) -> HardwareProfile:
        """The profile with all that was measured; ``CalibrationStale`` when some is too old."""
        now = self.clock.now()
        for name, item in self.items.items():
            state = self._states[name]
            age = None if state.taken_at is None else now - state.taken_at
            if age is None or age > item.stale_s:
                raise CalibrationStale(name, age, item.stale_s, state.last_error)
        assert self._newest is not None
        return self._newest

    async def run(self) -> None:
        """Run for ever; ends when it is cancelled."""
        while True:
            await self.clock.sleep(max(0.0, self._next_due() - self.clock.now()))
            await self.run_due()

    async def run_due(self) -> int:
        """Run what is due now and return how many experiments that were."""
        count = 0
        for name, item in self.items.items():
            if self._states[name].due <= self.clock.now():
                await self._run(name, item)
                count += 1
        return count

    def _next_due(self) -> float:
        return min((state.due for state in self._states.values()), default=inf)

    async def _run(self, name: str, item: Item) -> None:
        state = self._states[name]
        seed = derived_seed(self.seed, name, state.runs)
        state.runs += 1
        known = self._newest or self.profile
        off = threading.Event()
        started = self.clock.now()
        try:
            measured = await _within(
                asyncio.to_thread(item.experiment, known, seed, off), item.timeout_s, name
            )
            calibration = self._calibration | measured
            newest = calibration.apply(self.profile)
        except Exception as error:  # an experiment may raise anything; the schedule goes on
            delay = RETRY_S[min(state.failures, len(RETRY_S) - 1)]
            state.failures += 1
            state.last_error = f"{type(error).__name__}: {error}"
            state.due = self.clock.now() + min(delay, item.every_s)
            log.warning("calibration_failed", experiment=name, error=state.last_error)
            return
        finally:
            off.set()
        state.failures, state.last_error = 0, ""
        state.taken_at = self.clock.now()
        # From the start, so that the time an experiment takes does not add to the period.
        state.due = max(started + item.every_s, state.taken_at)
        self._calibration, self._newest = calibration, newest
        noise = newest.circuit_noise()
        log.info("calibrated", experiment=name, run=state.runs, seconds=state.taken_at - started)
        for listener in self.listeners:
            listener(newest, noise)


async def _within(work: Awaitable[Calibration], timeout_s: float, name: str) -> Calibration:
    try:
        async with asyncio.timeout(timeout_s):
            return await work
    except TimeoutError:
        raise CalibrationFailed(
            f"calibration of {name}: no result within {timeout_s:g} s"
        ) from None
