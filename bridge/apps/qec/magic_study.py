"""Magic states measured and reckoned: injection, distillation, and the cost of a state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bridge.domain.errors import InputError
from bridge.quantum.basis import Basis
from bridge.quantum.codes.magic_cost import Cost, RawState, cheapest
from bridge.quantum.codes.magic_distillation import Distilled, enumerate_faults
from bridge.quantum.codes.magic_injection import Injected, Injection, Site, inject, unseen_errors
from bridge.quantum.codes.magic_rates import FittedRate, fitted_rate
from bridge.quantum.codes.noise import CircuitNoise
from bridge.quantum.codes.surgery import compile_surgery
from bridge.quantum.codes.surgery_programs import memory
from bridge.quantum.codes.surgery_rates import ErrorCount, count_errors

LEAST_ERRORS = 10
"""Fewer of a memory say too little of its rate for a fit."""
STATE_ERRORS = tuple(10 ** (-k / 4) for k in range(4, 17))
"""Errors of a state at which distillation is shown."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured: an injection and memories at one strength of noise, and the targets."""

    noise: float
    targets: Sequence[float]
    distances: Sequence[int]
    start: int
    distance: int
    postselected: int
    site: Site
    shots: int
    memory_shots: int
    most_distance: int
    seed: int | None

    def injections(self) -> tuple[Injection, Injection]:
        """With post-selection, and without."""
        return (
            Injection(self.distance, self.start, self.postselected, self.site),
            Injection(self.distance, self.distance, 0, self.site),
        )


@dataclass(frozen=True, slots=True)
class Study:
    """What came out. ``costs`` has the reason in words for a target out of reach."""

    plan: Plan
    injected: tuple[Injected, Injected]
    leading_order: float
    distilled: tuple[tuple[float, Distilled], ...]
    memories: Mapping[int, ErrorCount]
    logical_rate: FittedRate
    costs: tuple[tuple[float, Cost | str], ...]


def run(
    plan: Plan,
    report: Callable[[str, int], None] = lambda *_: None,
    step: Callable[[int], None] = lambda _: None,
) -> Study:
    """The whole study. ``report`` is told what comes next and how many shots, ``step`` each batch.

    `InputError` for a probability, distance or target out of range, if memories show too few errors
    for a rate, or if no target at all is in reach.
    """
    noise = CircuitNoise.uniform(plan.noise)
    if plan.noise == 0.0:
        raise InputError("noise: expected more than 0, got 0")
    for target in plan.targets:
        if not 0.0 < target < 1.0:
            raise InputError(f"target error: expected a number between 0 and 1, got {target!r}")
    injections = plan.injections()
    programs = {d: compile_surgery(memory(Basis.X), d) for d in sorted(set(plan.distances))}
    injected = []
    for injection, words in zip(injections, ("with", "without"), strict=True):
        report(f"injection {words} post-selection", 2 * plan.shots)
        injected.append(inject(injection, noise, plan.shots, plan.seed, step))
    memories = {}
    for distance, surgery in programs.items():
        report(f"memory, distance {distance}", plan.memory_shots)
        memories[distance] = count_errors(
            surgery.circuit(noise), plan.memory_shots, plan.seed, 20 * LEAST_ERRORS, step
        )
    enough = {d: c for d, c in memories.items() if c.errors >= LEAST_ERRORS}
    if len(enough) < 2:
        seen = ", ".join(f"{c.errors} at distance {d}" for d, c in memories.items())
        raise InputError(
            f"memory: expected {LEAST_ERRORS} errors or more at two distances, got {seen}: more "
            "shots or smaller distances show more"
        )
    logical_rate = fitted_rate({d: (d, c.rate) for d, c in enough.items()})
    raw = RawState(injected[0].error, injected[0].acceptance, plan.postselected)
    costs: list[tuple[float, Cost | str]] = []
    report("cost", 0)
    for target in plan.targets:
        try:
            costs.append((target, cheapest(target, raw, logical_rate, plan.most_distance)))
        except InputError as error:
            costs.append((target, str(error)))
    reasons = [cost for _, cost in costs if isinstance(cost, str)]
    if reasons and len(reasons) == len(costs):
        raise InputError(reasons[0])
    return Study(
        plan,
        (injected[0], injected[1]),
        unseen_errors(injections[0], noise),
        tuple((p, enumerate_faults(p)) for p in STATE_ERRORS),
        memories,
        logical_rate,
        tuple(costs),
    )
