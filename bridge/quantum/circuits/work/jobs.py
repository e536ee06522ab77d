"""Jobs of the work queue and what comes of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.domain.errors import ExtraMissing, InputError
from bridge.quantum.circuits.backend import check_circuit, target
from bridge.quantum.circuits.batches import CountsOf
from bridge.quantum.circuits.profile import HardwareProfile
from bridge.quantum.montecarlo.seeds import derived_seed

try:
    from qiskit.circuit import QuantumCircuit
except ImportError:
    raise ExtraMissing("qiskit", "circuits") from None

PRIORITIES = range(-10, 11)


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """Circuits that are compiled for ``profile``, to be run by any backend that has it.

    ``circuits`` have their seeds by ``seed`` and place, and so the same counts on every backend
    that simulates. Among waiting jobs the highest ``priority`` goes first, and among those of one
    priority the ``owner`` who had the least. Raises ``InputError`` for circuits that the profile
    cannot run.
    """

    id: str
    owner: str
    profile: HardwareProfile
    circuits: tuple[QuantumCircuit, ...]
    shots: int
    seed: int
    priority: int = 0
    timeout_s: float = 600.0
    seeds: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        for name in ("id", "owner"):
            if not getattr(self, name):
                raise InputError(f"job: {name}: expected text, got none")
        if self.priority not in PRIORITIES:
            raise InputError(
                f"job {self.id}: priority: expected {PRIORITIES[0]} to {PRIORITIES[-1]}, "
                f"got {self.priority}"
            )
        if isinstance(self.shots, bool) or not isinstance(self.shots, int) or self.shots < 1:
            raise InputError(f"job {self.id}: shots: expected at least 1, got {self.shots!r}")
        if not 0.0 < self.timeout_s < float("inf"):
            raise InputError(f"job {self.id}: timeout: expected above 0 s, got {self.timeout_s}")
        if not self.circuits:
            raise InputError(f"job {self.id}: expected at least 1 circuit, got 0")
        made = target(self.profile)
        for one in self.circuits:
            check_circuit(one, self.profile, made)
        seeds = (derived_seed(self.seed, "circuit", n) for n in range(len(self.circuits)))
        object.__setattr__(self, "seeds", tuple(seeds))

    @property
    def cost(self) -> int:
        """What it takes of its owner's share: shots, over all circuits."""
        return self.shots * len(self.circuits)


@dataclass(frozen=True, slots=True)
class JobResult:
    """The counts of each circuit, which backend ran it, and those that were lost before."""

    job: str
    counts: tuple[CountsOf, ...]
    backend: str
    lost: tuple[str, ...]
