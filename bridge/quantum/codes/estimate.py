"""What a target error costs on a machine: distance, qubits, rounds, time, and factories.

The error a round is the machine's own, measured at small distances (`threshold.Suppression`); what
lies beyond them is an extrapolation, and is called one. A patch has 2 distance^2 - 1 qubits.

A 15-to-1 factory (Litinski 2019, arXiv 1905.06903) with all its distances d takes
2 (d + 4 d) 3 d + 4 d qubits and 6 d rounds a try. An injected state that is wrong with probability
q makes a try fail with 15 q, and what comes out wrong with 35 q^3; faults of the patches come on
top, 6 d rounds of one patch for each state that is made. A second level has fifteen factories of
the first feed one more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, expm1, isfinite, log1p

from bridge.domain.errors import InputError
from bridge.quantum.codes.hardware import HardwareFigures
from bridge.quantum.codes.noise import checked_probability

ErrorARound = Callable[[int], float]
"""The error of a logical qubit in a round and one basis, at a distance."""

LARGEST = 99
"""The distance that is given up at."""


def patch_qubits(distance: int) -> int:
    """The qubits of a rotated patch, those that measure included."""
    return 2 * distance**2 - 1


def distance_that_fits(qubits: int) -> int | None:
    """The greatest odd distance of at least 3 whose patch has no more qubits; None for fewer."""
    fitting = [d for d in range(3, LARGEST + 1, 2) if patch_qubits(d) <= qubits]
    return max(fitting, default=None)


def distance_for(target: float, error: ErrorARound) -> int | None:
    """The least odd distance of at least 3 whose ``error`` is at most ``target``, if any is."""
    checked_probability("target", target)
    return next((d for d in range(3, LARGEST + 1, 2) if error(d) <= target), None)


@dataclass(frozen=True, slots=True)
class Factory:
    """A 15-to-1 factory of ``levels`` levels: what it takes for one state, and how good that is."""

    levels: int
    distance: int
    qubits: int
    rounds: float
    state_error: float


def factory(injected: float, distance: int, error: ErrorARound, levels: int = 1) -> Factory:
    """The factory whose injected states are wrong with probability ``injected``."""
    checked_probability("injected state", injected)
    if levels not in (1, 2):
        raise InputError(f"levels: expected 1 or 2, got {levels}")
    one = 2 * (distance + 4 * distance) * 3 * distance + 4 * distance
    qubits, rounds, wrong = 0, 0.0, injected
    for level in range(levels):
        refused = 15.0 * wrong
        if refused >= 1.0:
            raise InputError(
                f"injected state: expected an error below 1/15 for 15-to-1, got {wrong:.3g}"
            )
        # Fifteen of the level before run side by side with this one.
        qubits = one + 15 * qubits if level else one
        rounds = rounds + 6.0 * distance / (1.0 - refused)
        wrong = min(35.0 * wrong**3 + 6.0 * distance * error(distance), 1.0)
    return Factory(levels, distance, qubits, rounds, wrong)


@dataclass(frozen=True, slots=True)
class Workload:
    """What is asked for: an error a round, and what is done at it.

    ``target`` is the error of a logical qubit in a round and one basis; ``patches`` logical qubits
    are kept for ``storage_us``, and each of ``states`` magic states may be wrong with
    ``state_target``.
    """

    target: float
    patches: int = 1
    storage_us: float = 1000.0
    states: int = 0
    state_target: float = 1e-7

    def __post_init__(self) -> None:
        for name in ("target", "state_target"):
            if not 0.0 < checked_probability(name, getattr(self, name)) < 1.0:
                raise InputError(f"{name}: expected inside (0, 1), got {getattr(self, name)}")
        if self.patches < 1 or self.states < 0:
            raise InputError(
                f"patches, states: expected at least 1 and 0, got {self.patches}, {self.states}"
            )
        if not isfinite(self.storage_us) or self.storage_us <= 0.0:
            raise InputError(f"storage_us: expected above 0 us, got {self.storage_us}")


@dataclass(frozen=True, slots=True)
class Estimate:
    """What `Workload` takes on a machine, and what the machine as it is can do.

    ``fits`` is the largest distance that one patch on the machine's qubits has, ``fits_error`` its
    error a round. ``distance``, ``qubits`` and ``factory`` are what the workload needs; None where
    no distance reaches it. ``failure`` is the probability that any of the patches has an error of
    either basis in all its rounds.
    """

    hardware: HardwareFigures
    workload: Workload
    fits: int | None
    fits_error: float | None
    distance: int | None
    distance_error: float | None
    rounds: int
    failure: float | None
    memory_qubits: int | None
    factory: Factory | None

    @property
    def qubits(self) -> int | None:
        """Of the patches and the factory."""
        if self.memory_qubits is None or (self.workload.states and self.factory is None):
            return None
        return self.memory_qubits + (self.factory.qubits if self.factory else 0)

    @property
    def time_us(self) -> float:
        """The storage in whole rounds, and the states one after the other."""
        made = self.workload.states * self.factory.rounds if self.factory else 0.0
        return max(float(self.rounds), made) * self.hardware.cycle_us

    @property
    def reached(self) -> bool:
        """Whether the machine as it is meets the workload."""
        return self.qubits is not None and self.qubits <= self.hardware.qubits

    def words(self) -> list[str]:
        """The verdict, one sentence after the other."""
        has = f"{self.hardware.qubits} qubits"
        target = f"{self.workload.target:.1g} a round"
        if self.fits is None:
            lines = [f"{has} hold no patch: distance 3 needs {patch_qubits(3)}."]
        else:
            lines = [
                f"{has} hold one patch of distance {self.fits} ({patch_qubits(self.fits)} qubits): "
                f"error {self.fits_error:.2g} a round."
            ]
        if self.distance is None:
            lines.append(
                f"No distance up to {LARGEST} reaches {target}: the noise is too near the "
                "threshold, and better gates and readout are what it takes."
            )
        elif self.reached:
            lines.append(f"The target of {target} is reached.")
        else:
            lines.append(
                f"The target of {target} is NOT reached: it takes distance {self.distance}, "
                f"{patch_qubits(self.distance):,} qubits a patch"
                + ("." if self.qubits is None else f", {self.qubits:,} in all.")
            )
        return lines


def estimate(
    hardware: HardwareFigures,
    workload: Workload,
    error: ErrorARound,
    injected: float | None = None,
) -> Estimate:
    """What ``workload`` takes on ``hardware``, whose error a round is ``error(distance)``.

    States are injected as well as a two-qubit gate is, unless ``injected`` says otherwise.
    """
    distance = distance_for(workload.target, error)
    fits = distance_that_fits(hardware.qubits)
    rounds = ceil(workload.storage_us / hardware.cycle_us)
    made = None
    if workload.states and distance is not None:
        wrong = hardware.noise().two_qubit if injected is None else injected
        made = _factory_for(workload.state_target, wrong, error)
    failure = None
    if distance is not None:
        flips = 2.0 * error(distance) * rounds * workload.patches
        failure = -expm1(log1p(-min(2.0 * error(distance), 0.5)) * rounds * workload.patches)
        failure = min(failure, flips)
    return Estimate(
        hardware=hardware,
        workload=workload,
        fits=fits,
        fits_error=None if fits is None else error(fits),
        distance=distance,
        distance_error=None if distance is None else error(distance),
        rounds=rounds,
        failure=failure,
        memory_qubits=None if distance is None else workload.patches * patch_qubits(distance),
        factory=made,
    )


def _factory_for(target: float, injected: float, error: ErrorARound) -> Factory | None:
    """The smallest factory whose states are good enough, if any is."""
    made = (
        factory(injected, distance, error, levels)
        for levels in (1, 2)
        for distance in range(3, LARGEST + 1, 2)
    )
    return min(
        (one for one in made if one.state_error <= target), key=lambda f: f.qubits, default=None
    )
