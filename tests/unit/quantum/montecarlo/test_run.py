"""Monte Carlo runs: the same answer whoever does the work, and a clear end when it goes wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from math import nan
from pathlib import Path

import psutil
import pytest
from scipy.stats import binomtest

from bridge.domain.errors import ConfigError, InputError, JobFailed, WorkersLost
from bridge.quantum.montecarlo.failures import Failures
from bridge.quantum.montecarlo.ordered import CalledOff, ordered
from bridge.quantum.montecarlo.run import run
from bridge.quantum.montecarlo.seeds import derived_seed
from bridge.quantum.montecarlo.workers import Workers, dask, here, processes, ray
from tests.unit.quantum.montecarlo.tasks import Coin, Killed, Raising, Slow, SurfaceMemory

COIN = Coin(0.01)
SHOTS, CHUNK, SEED = 95_000, 10_000, 5
EXPECTED = run(COIN, SHOTS, SEED, here(), chunk_shots=CHUNK)


@contextmanager
def local_dask() -> Iterator[Workers]:
    """A scheduler and two worker processes of Dask's, on loopback."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
        ) as cluster,
        distributed.Client(cluster) as client,
        dask(client) as workers,
    ):
        yield workers


@contextmanager
def local_ray() -> Iterator[Workers]:
    """A node of Ray's with two processors, on loopback."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    library = pytest.importorskip("ray")
    library.init(num_cpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False)
    try:
        with ray() as workers:
            yield workers
    finally:
        library.shutdown()


LONG = pytest.mark.skipif("PHYSICS" not in os.environ, reason="long: make verify-physics runs it")
KINDS: dict[str, Callable[[], AbstractContextManager[Workers]]] = {
    "here": lambda: nullcontext(here()),
    "one process": lambda: processes(1),
    "three processes": lambda: processes(3),
    "Dask": local_dask,
    "Ray": local_ray,
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=LONG) if kind == "Ray" else kind for kind in KINDS]
)
def test_the_answer_is_the_same_whoever_does_the_work(kind: str, tmp_path: Path) -> None:
    with KINDS[kind]() as workers:
        sums: list[Failures] = []
        task = Coin(0.01, tmp_path)
        assert run(task, SHOTS, SEED, workers, chunk_shots=CHUNK, progress=sums.append) == EXPECTED
        assert [one.shots for one in sums] == [*range(CHUNK, SHOTS, CHUNK), SHOTS]
        # Where the sum is large enough it stops, and what others did meanwhile does not count.
        early = run(
            COIN, SHOTS, SEED, workers, chunk_shots=CHUNK, enough=lambda s: s.failures > 250
        )
        assert early == sums[2]
        with pytest.raises(JobFailed, match="ZeroDivisionError: a side of no area"):
            run(Raising("job"), SHOTS, SEED, workers)
        with pytest.raises(InputError, match="coin: expected two sides, got 3"):
            run(Raising("input"), SHOTS, SEED, workers)
    pids = {int(file.read_text()) for file in tmp_path.iterdir()}
    assert len(list(tmp_path.iterdir())) == 10
    assert (os.getpid() in pids) == (kind == "here")


def test_another_seed_or_chunk_is_another_answer() -> None:
    assert run(COIN, SHOTS, SEED + 1, here(), chunk_shots=CHUNK) != EXPECTED
    assert run(COIN, SHOTS, SEED, here(), chunk_shots=CHUNK + 1) != EXPECTED


def test_logical_errors_are_the_same_on_one_process_and_on_two() -> None:
    pytest.importorskip("pymatching")
    task = SurfaceMemory(3, 0.01)
    alone = run(task, 9_000, 1, here(), chunk_shots=3_000)
    with processes(2) as workers:
        assert run(task, 9_000, 1, workers, chunk_shots=3_000) == alone
    assert 0.01 < alone.rate < 0.1


def test_errors_of_workers_arrive_as_what_they_are() -> None:
    """Also one of several arguments, which pickle would not make again by itself."""
    with processes(1) as workers:
        with pytest.raises(ConfigError) as caught:
            run(Raising("config"), 100, SEED, workers)
        assert caught.value.problems == ("sides: expected 2, got 3",)
        with pytest.raises(JobFailed, match="RuntimeError: Odd: one and two"):
            run(Raising("odd"), 100, SEED, workers)
        assert run(COIN, SHOTS, SEED, workers, chunk_shots=CHUNK) == EXPECTED


def test_a_killed_worker_is_an_error_and_no_hang() -> None:
    with (
        pytest.raises(WorkersLost, match="workers lost after 0 of 10 chunks") as caught,
        processes(2) as workers,
    ):
        run(Killed(), SHOTS, SEED, workers)
    assert caught.value.retryable
    assert (caught.value.done, caught.value.chunks) == (0, 10)
    assert not _children()


@pytest.mark.filterwarnings("ignore")
def test_a_killed_worker_of_a_cluster_is_an_error_and_no_hang() -> None:
    with local_dask() as workers:
        with pytest.raises(WorkersLost, match="KilledWorker"):
            run(Killed(), 1_000, SEED, workers)
        # Dask has started new workers in their place.
        assert run(COIN, SHOTS, SEED, workers, chunk_shots=CHUNK) == EXPECTED


def test_no_answer_in_time_is_an_error(tmp_path: Path) -> None:
    start = time.monotonic()
    with (
        pytest.raises(WorkersLost, match="no result from 1 processes within 3 s"),
        processes(1) as workers,
    ):
        run(Slow(60.0, tmp_path), 1_000, SEED, workers, timeout_s=3.0)
    assert time.monotonic() - start < 30.0
    assert not _children()


def test_a_run_can_be_called_off(tmp_path: Path) -> None:
    off = threading.Event()

    def when_begun() -> None:
        while not list(tmp_path.iterdir()):
            time.sleep(0.05)
        off.set()

    watcher = threading.Thread(target=when_begun)
    watcher.start()
    with pytest.raises(CalledOff), processes(1) as workers:
        run(Slow(60.0, tmp_path), 1_000, SEED, workers, called_off=off)
    watcher.join()
    assert not _children()


# Where the tests are started in the background, an interrupt is ignored from the start.
PROGRAM = """
import signal
import sys
from pathlib import Path
from bridge.quantum.montecarlo.run import run
from bridge.quantum.montecarlo.workers import processes
from tests.unit.quantum.montecarlo.tasks import Slow
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with processes(2) as workers:
        run(Slow(60.0, Path(sys.argv[1])), 100_000, 1, workers)
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_the_process_that_asked(how: signal.Signals, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    root = Path(__file__).resolve().parents[4]
    with subprocess.Popen(
        [sys.executable, program, notes],
        env={**os.environ, "PYTHONPATH": str(root)},
        stderr=subprocess.DEVNULL,
    ) as parent:
        try:
            _until(lambda: len(list(notes.iterdir())) == 2)
            workers = [int(file.name) for file in notes.iterdir()]
            parent.send_signal(how)
            assert parent.wait(30) != 0
        finally:
            parent.kill()
    _until(lambda: not any(psutil.pid_exists(pid) for pid in workers))


def test_a_task_that_raises_timeout_is_not_taken_for_a_wait() -> None:
    with pytest.raises(JobFailed, match="TimeoutError: the task's own"):
        run(Raising("timeout"), 100, SEED, here())


def test_a_result_of_other_shots_is_refused() -> None:
    with pytest.raises(JobFailed, match="expected a result of 100 shots, got 99"):
        run(Raising("short"), 100, SEED, here())


def test_bad_input_is_named() -> None:
    for shots in (0, -1, True, 1.5):
        with pytest.raises(InputError, match="shots: expected a whole number from 1"):
            run(COIN, shots, SEED, here())  # type: ignore[arg-type]
    with pytest.raises(InputError, match="chunk"):
        run(COIN, 100, SEED, here(), chunk_shots=0)
    with pytest.raises(InputError, match="seed: expected a whole number from 0, got -1"):
        run(COIN, 100, -1, here())
    for timeout in (0.0, nan):
        with pytest.raises(InputError, match="timeout"):
            run(COIN, 100, SEED, here(), timeout_s=timeout)
    with pytest.raises(InputError, match="can be sent to another process"):
        next(ordered(lambda: 1, [()], here()))
    for count in (0, True, 2.0, 5000):
        with pytest.raises(InputError, match="workers: expected 1 to 1024"):
            processes(count).__enter__()  # type: ignore[arg-type]


def test_a_cluster_that_is_not_there_is_named() -> None:
    pytest.importorskip("distributed")
    with pytest.raises(WorkersLost, match="no Dask scheduler at 127"):
        dask("127.0.0.1:1", timeout_s=1.0).__enter__()
    pytest.importorskip("ray")
    with pytest.raises(InputError, match=r"call ray\.init\(\) first"):
        ray().__enter__()


def test_failures_add_up_and_have_an_interval() -> None:
    with pytest.raises(InputError, match="expected 0 to 3, got 4"):
        Failures(3, 4)
    with pytest.raises(InputError, match="at least 1 shot"):
        _ = Failures(0, 0).rate
    low, high = Failures(1000, 10).interval()
    wilson = binomtest(10, 1000).proportion_ci(0.95, method="wilson")
    assert (low, high) == (
        pytest.approx(wilson.low, abs=1e-6),
        pytest.approx(wilson.high, abs=1e-6),
    )
    assert Failures(100, 0).interval()[0] == 0.0


def test_seeds_differ_by_every_part_of_their_path() -> None:
    seeds = {
        derived_seed(1, "a", 1),
        derived_seed(1, "a", "1"),
        derived_seed(1, "a1"),
        derived_seed(1, "a", 1, 0),
        derived_seed(2, "a", 1),
    }
    assert len(seeds) == 5
    assert all(0 <= seed < 1 << 63 for seed in seeds)
    # Fixed for ever: results that were published with a seed stay reproducible.
    assert derived_seed(0, "chunk", 0) == 4_400_666_613_938_157_577


def _children() -> list[psutil.Process]:
    found = []
    for one in psutil.Process().children(recursive=True):
        # Another's child may have ended, and not be waited for yet.
        with suppress(psutil.NoSuchProcess):
            if "spawn_main" in " ".join(one.cmdline()):
                found.append(one)
    return found


def _until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)
