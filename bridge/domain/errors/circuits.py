"""What circuits, backends and their work queue did not do."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.domain.errors.base import BridgeError


class CircuitError(BridgeError):
    """Base of what goes wrong with circuits, the hardware they run on and their work queue."""

    exit_code = 9


class HardwareBelowMinimum(CircuitError):
    """Hardware that may not be used; ``shortfalls`` names each figure that fell short."""

    def __init__(self, profile: str, shortfalls: Sequence[str]) -> None:
        self.shortfalls = tuple(shortfalls)
        super().__init__(f"hardware {profile} is below the minimum: {'; '.join(self.shortfalls)}")


class CircuitRefused(CircuitError):
    """A circuit that no way of compiling makes fit; ``attempts`` says why each did not."""

    def __init__(self, circuit: str, profile: str, attempts: Sequence[str]) -> None:
        self.attempts = tuple(attempts)
        super().__init__(f"circuit {circuit} does not fit {profile}: {'; '.join(self.attempts)}")


class CalibrationFailed(CircuitError):
    """Measurements that no decay fits, or an experiment that did not run."""

    retryable = True


class CalibrationStale(CircuitError):
    """A calibration that is missing or too old to be used."""

    retryable = True

    def __init__(self, what: str, age_s: float | None, limit_s: float, last_error: str) -> None:
        self.age_s = age_s
        since = "never measured" if age_s is None else f"measured {age_s:.0f} s ago"
        after = f", the last run failed: {last_error}" if last_error else ""
        super().__init__(
            f"calibration of {what}: {since}, expected at most {limit_s:.0f} s ago{after}"
        )


class BackendLost(CircuitError):
    """A backend that does not answer any more."""

    retryable = True

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        super().__init__(f"backend {name} is lost: {reason}")


class BackendsLost(CircuitError):
    """No backend is left for a job; ``failures`` says what each of them did."""

    retryable = True

    def __init__(self, job: str, failures: Sequence[str]) -> None:
        self.failures = tuple(failures)
        super().__init__(f"job {job}: no backend is left: {'; '.join(self.failures)}")


class JobFailed(CircuitError):
    """A job that raised, which it would do on any backend."""

    def __init__(self, job: str, backend: str, reason: str) -> None:
        super().__init__(f"job {job} raised on {backend}: {reason}")


class JobCancelled(CircuitError):
    """A job that was called off before it was done."""

    def __init__(self, job: str, why: str) -> None:
        super().__init__(f"job {job} was cancelled: {why}")


class QueueFull(CircuitError):
    """More jobs waiting than there may be."""

    retryable = True

    def __init__(self, job: str, limit: int) -> None:
        super().__init__(f"job {job}: {limit} jobs wait already, which is the limit")


class WorkersLost(CircuitError):
    """A worker process that was killed, or a cluster that gave its chunks up."""

    retryable = True

    def __init__(self, done: int, chunks: int, reason: str) -> None:
        self.done = done
        self.chunks = chunks
        super().__init__(f"workers lost after {done} of {chunks} chunks: {reason}")
