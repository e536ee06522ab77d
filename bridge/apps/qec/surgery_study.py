"""Lattice surgery measured: each operation at each distance and strength of noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bridge.domain.errors import InputError
from bridge.quantum.codes.noise import CircuitNoise
from bridge.quantum.codes.surgery import Surgery, compile_surgery
from bridge.quantum.codes.surgery_programs import operation
from bridge.quantum.codes.surgery_rates import ErrorCount, count_errors, graphlike_distances


@dataclass(frozen=True, slots=True)
class Row:
    """One experiment of an operation: its size, its distances and its errors.

    ``observables``: what each logical observable is a parity of. ``graphlike``: how many errors it
    takes to flip each one unseen; none if that was not asked for.
    """

    operation: str
    experiment: str
    distance: int
    noise: float
    qubits: int
    rounds: int
    detectors: int
    observables: tuple[str, ...]
    graphlike: tuple[int, ...]
    count: ErrorCount


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured: every operation at every distance and probability."""

    operations: Sequence[str]
    distances: Sequence[int]
    noises: Sequence[float]
    shots: int
    most_errors: int | None
    seed: int | None
    verify: bool = True

    def experiments(self) -> Iterator[tuple[str, str, int, Surgery]]:
        """All circuits, compiled; `InputError` for what cannot be."""
        for name in self.operations:
            for key, program in operation(name).experiments.items():
                for distance in self.distances:
                    yield name, key, distance, compile_surgery(program, distance)

    def check(self) -> int:
        """How many rows there will be; `InputError` where something is out of range."""
        for name, values in (
            ("operations", self.operations),
            ("distances", self.distances),
            ("noises", self.noises),
        ):
            if len(set(values)) != len(values) or not values:
                raise InputError(f"{name}: expected some, each once, got {list(values)}")
        for p in self.noises:
            CircuitNoise.uniform(p)
            if p == 0.0:
                raise InputError("noise: expected more than 0, got 0")
        if self.shots < 1:
            raise InputError(f"shots: expected at least 1, got {self.shots}")
        if self.most_errors is not None and self.most_errors < 1:
            raise InputError(f"errors: expected at least 1, got {self.most_errors}")
        return len(self.noises) * sum(1 for _ in self.experiments())


def measure(
    plan: Plan,
    report: Callable[[str], None] = lambda _: None,
    step: Callable[[], None] = lambda: None,
) -> list[Row]:
    """All rows of ``plan``, in its order. ``report`` is told what comes next, ``step`` each row."""
    plan.check()
    rows = []
    for name, key, distance, surgery in plan.experiments():
        report(f"{name} {key}, distance {distance}")
        graphlike: tuple[int, ...] = ()
        for p in plan.noises:
            circuit = surgery.circuit(CircuitNoise.uniform(p))
            if plan.verify and not graphlike:
                graphlike = graphlike_distances(circuit)
            rows.append(
                Row(
                    name,
                    key,
                    distance,
                    p,
                    surgery.qubits,
                    surgery.rounds,
                    circuit.num_detectors,
                    tuple(str(one) for one in surgery.observables),
                    graphlike,
                    count_errors(circuit, plan.shots, plan.seed, plan.most_errors),
                )
            )
            step()
    return rows


def worst(rows: Sequence[Row], name: str, distance: int) -> list[tuple[float, ErrorCount]]:
    """Of an operation at a distance, the experiment with most errors at each strength of noise."""
    result: dict[float, ErrorCount] = {}
    for row in rows:
        if (row.operation, row.distance) == (name, distance):
            before = result.get(row.noise)
            if before is None or row.count.rate > before.rate:
                result[row.noise] = row.count
    return sorted(result.items())
