"""Calibration on a schedule, by a clock that the test sets."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from math import nan

import pytest

pytest.importorskip("qiskit_aer")

from bridge.domain.errors import CalibrationFailed, CalibrationStale, InputError
from bridge.quantum.circuits.calibration.coherence import measure_coherence
from bridge.quantum.circuits.calibration.measured import (
    Calibration,
    QubitFigures,
    runner_on_profile,
)
from bridge.quantum.circuits.calibration.schedule import RETRY_S, CalibrationSchedule, Item
from bridge.quantum.circuits.expectation import Estimate
from bridge.quantum.circuits.presets import preset
from bridge.quantum.circuits.profile import HardwareProfile
from bridge.quantum.montecarlo.workers import here

LEAST = preset("minimum")


class SetClock:
    """A clock that goes on when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)


class Counting:
    """An experiment that measures its run's number as T1, or raises what it is told to."""

    def __init__(self, awaited: int = 1) -> None:
        self.awaited = awaited
        self.seeds: list[int] = []
        self.errors: list[Exception | None] = []
        self.loop = asyncio.get_running_loop()
        self.reached = asyncio.Event()

    def __call__(self, profile: HardwareProfile, seed: int, off: threading.Event) -> Calibration:
        self.seeds.append(seed)
        if len(self.seeds) == self.awaited:
            self.loop.call_soon_threadsafe(self.reached.set)
        if self.errors and (error := self.errors.pop(0)) is not None:
            raise error
        t1 = 90.0 - len(self.seeds)
        return Calibration({0: QubitFigures(t1_us=Estimate(t1, 1.0))})


def schedule(
    clock: SetClock, experiment: Counting, every_s: float = 600.0, stale_s: float = 1800.0
) -> CalibrationSchedule:
    return CalibrationSchedule(LEAST, {"T1": Item(experiment, every_s, stale_s)}, clock)


async def test_an_experiment_runs_when_it_is_due_and_not_before() -> None:
    clock, experiment = SetClock(), Counting()
    made = schedule(clock, experiment)
    assert await made.run_due() == 1
    assert await made.run_due() == 0
    clock.time += 599.0
    assert await made.run_due() == 0
    clock.time += 1.0
    assert await made.run_due() == 1
    assert len(set(experiment.seeds)) == 2
    assert made.newest.qubits[0].t1_us == 88.0


async def test_the_loop_sleeps_until_something_is_due() -> None:
    clock, experiment, other = SetClock(), Counting(6), Counting(3)
    made = CalibrationSchedule(
        LEAST,
        {"often": Item(experiment, 100.0, 1000.0), "seldom": Item(other, 250.0, 1000.0)},
        clock,
    )
    task = asyncio.create_task(made.run())
    for one in (experiment, other):
        await asyncio.wait_for(one.reached.wait(), 60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    # At 0, 100, 200, 250, 300, 400 and 500 s: the second one at 0, 250 and 500.
    assert clock.slept[:6] == [0.0, 100.0, 100.0, 50.0, 50.0, 100.0]


async def test_listeners_hear_each_new_profile_and_its_noise() -> None:
    clock, experiment = SetClock(), Counting()
    made = schedule(clock, experiment)
    heard = []
    made.listeners.append(lambda profile, noise: heard.append((profile, noise)))
    await made.run_due()
    ((profile, noise),) = heard
    assert profile.qubits[0].t1_us == 89.0
    assert noise == profile.circuit_noise()
    assert noise.idle > LEAST.circuit_noise().idle


async def test_figures_that_are_missing_or_too_old_are_not_used() -> None:
    clock, experiment = SetClock(), Counting()
    made = schedule(clock, experiment)
    with pytest.raises(CalibrationStale, match="calibration of T1: never measured"):
        _ = made.newest
    await made.run_due()
    clock.time += 1800.0
    assert made.newest
    clock.time += 1.0
    with pytest.raises(CalibrationStale, match="measured 1801 s ago, expected at most 1800 s"):
        _ = made.newest


async def test_a_failure_keeps_the_figures_before_it_and_is_tried_again_soon() -> None:
    clock, experiment = SetClock(), Counting()
    made = schedule(clock, experiment)
    await made.run_due()
    experiment.errors = [CalibrationFailed("no decay fits"), ZeroDivisionError("surprise"), None]
    clock.time += 600.0
    await made.run_due()
    assert made.newest.qubits[0].t1_us == 89.0
    clock.time += RETRY_S[0] - 0.5
    assert await made.run_due() == 0
    clock.time += 0.5
    assert await made.run_due() == 1
    clock.time += 1800.0
    with pytest.raises(CalibrationStale, match="the last run failed: ZeroDivisionError: surprise"):
        _ = made.newest
    assert await made.run_due() == 1
    assert made.newest.qubits[0].t1_us == 86.0


async def test_a_measurement_that_does_not_fit_the_profile_is_a_failure() -> None:
    clock = SetClock()

    def stray(profile: HardwareProfile, seed: int, off: threading.Event) -> Calibration:
        return Calibration({99: QubitFigures(t1_us=Estimate(1.0, 1.0))})

    made = CalibrationSchedule(LEAST, {"stray": Item(stray, 1.0, 1.0)}, clock)
    await made.run_due()
    with pytest.raises(CalibrationStale, match="qubit 99: profile minimum has 50"):
        _ = made.newest


async def test_an_experiment_that_hangs_is_called_off() -> None:
    clock = SetClock()
    told = threading.Event()

    def hanging(profile: HardwareProfile, seed: int, off: threading.Event) -> Calibration:
        assert off.wait(30)
        told.set()
        return Calibration()

    made = CalibrationSchedule(LEAST, {"slow": Item(hanging, 1.0, 1.0, timeout_s=0.2)}, clock)
    await made.run_due()
    with pytest.raises(CalibrationStale, match=r"slow: no result within 0\.2 s"):
        _ = made.newest
    assert await asyncio.to_thread(told.wait, 10)


async def test_a_processor_that_drifts_is_followed() -> None:
    """T1 falls from 100 to 60 us between two runs of the real experiment on Aer."""
    clock = SetClock()
    now = LEAST

    def experiment(profile: HardwareProfile, seed: int, off: threading.Event) -> Calibration:
        run = runner_on_profile(now, here())
        known = profile.qubits[2]
        guesses = {2: (known.t1_us, known.t2_us)}
        return measure_coherence(run, len(now), guesses, seed=seed)

    made = CalibrationSchedule(LEAST, {"coherence": Item(experiment, 600.0, 1200.0)}, clock)
    await made.run_due()
    assert made.newest.qubits[2].t1_us == pytest.approx(100.0, rel=0.05)
    worse = replace(LEAST.qubits[2], t1_us=60.0, t2_us=80.0)
    now = replace(LEAST, qubits=(*LEAST.qubits[:2], worse, *LEAST.qubits[3:]))
    clock.time += 600.0
    await made.run_due()
    found = made.calibration.qubits[2]
    assert found.t1_us is not None
    assert found.t2_us is not None
    assert found.t1_us.agrees_with(60.0, 3.5)
    assert found.t2_us.agrees_with(80.0, 3.5)


async def test_bad_input_is_named() -> None:
    experiment = Counting()
    for every, stale in ((0.0, 1.0), (nan, 1.0), (1.0, nan)):
        with pytest.raises(InputError, match="expected above 0 s"):
            Item(experiment, every, stale)
    with pytest.raises(InputError, match="stale_s of at least every_s, 2 s, got 1"):
        Item(experiment, 2.0, 1.0)
    with pytest.raises(InputError, match="at least 1 experiment"):
        CalibrationSchedule(LEAST, {})
