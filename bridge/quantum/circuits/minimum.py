"""Hardware below the minimum is refused, and each figure that fell short is named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

from bridge.domain.errors import HardwareBelowMinimum, InputError
from bridge.quantum.circuits.profile import ROUNDING, HardwareProfile


@dataclass(frozen=True, slots=True)
class Minimum:
    """What a processor has to reach: as many qubits, and every qubit and coupling each figure.

    ``coherence_us`` is asked of T1 and of T2; ``gate_fidelity`` of one-qubit and two-qubit gates.
    """

    qubits: int = 50
    coherence_us: float = 100.0
    gate_fidelity: float = 0.999
    readout_fidelity: float = 0.99

    def __post_init__(self) -> None:
        if self.qubits < 1 or not 0.0 <= self.coherence_us < inf:
            raise InputError(
                f"minimum: expected 1 qubit or more and coherence from 0 us, got {self.qubits} and "
                f"{self.coherence_us}"
            )
        for name in ("gate_fidelity", "readout_fidelity"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise InputError(f"minimum: {name}: expected 0 to 1, got {getattr(self, name)}")


MINIMUM = Minimum()


def shortfalls(profile: HardwareProfile, minimum: Minimum = MINIMUM) -> list[str]:
    """Each figure of ``profile`` that is below ``minimum``, with its worst value and where."""
    return list(_shortfalls(profile, minimum))


def require_minimum(profile: HardwareProfile, minimum: Minimum = MINIMUM) -> None:
    """Nothing; raises ``HardwareBelowMinimum`` when a figure of ``profile`` falls short."""
    if found := shortfalls(profile, minimum):
        raise HardwareBelowMinimum(profile.name, found)


def usable_part(profile: HardwareProfile, minimum: Minimum = MINIMUM) -> HardwareProfile:
    """The largest connected part of ``profile`` that reaches ``minimum`` everywhere.

    Real processors have a few bad qubits. They and the bad couplings are left out; qubits are
    numbered anew. Raises ``HardwareBelowMinimum`` when what is left has too few qubits.
    """
    good = {
        number
        for number, one in enumerate(profile.qubits)
        if not any(_below(value, least) for value, least in _qubit_figures(one, minimum).values())
    }
    couplings = [
        one
        for one in profile.couplings
        if {one.first, one.second} <= good and not _below(one.gate_fidelity, minimum.gate_fidelity)
    ]
    best = max(
        _components(good, [(one.first, one.second) for one in couplings]), key=len, default=()
    )
    if len(best) < minimum.qubits:
        raise HardwareBelowMinimum(
            profile.name,
            [
                f"qubits: expected {minimum.qubits} that are connected and reach every other "
                f"figure, got {len(best)} of {len(profile)}"
            ],
        )
    number = {old: new for new, old in enumerate(best)}
    part = profile.part(best)
    kept = {(number[one.first], number[one.second]) for one in couplings if one.first in number}
    return HardwareProfile(
        name=part.name,
        source=part.source,
        two_qubit_gate=part.two_qubit_gate,
        qubits=part.qubits,
        couplings=tuple(one for one in part.couplings if (one.first, one.second) in kept),
    )


def _qubit_figures(qubit: object, minimum: Minimum) -> dict[str, tuple[float, float]]:
    wanted = {
        "t1_us": minimum.coherence_us,
        "t2_us": minimum.coherence_us,
        "gate_fidelity": minimum.gate_fidelity,
        "readout_fidelity": minimum.readout_fidelity,
    }
    return {name: (getattr(qubit, name), least) for name, least in wanted.items()}


def _below(value: float, least: float) -> bool:
    return value < least - ROUNDING * abs(least)


def _shortfalls(profile: HardwareProfile, minimum: Minimum) -> Iterator[str]:
    if len(profile) < minimum.qubits:
        yield f"qubits: expected at least {minimum.qubits}, got {len(profile)}"
    units = {
        "t1_us": "coherence, T1",
        "t2_us": "coherence, T2",
        "gate_fidelity": "one-qubit gate fidelity",
        "readout_fidelity": "readout fidelity",
    }
    for name, words in units.items():
        figures = [_qubit_figures(one, minimum)[name] for one in profile.qubits]
        short = [number for number, pair in enumerate(figures) if _below(*pair)]
        if short:
            worst = min(short, key=lambda number: figures[number][0])
            value, least = figures[worst]
            yield (
                f"{words}: expected at least {_shown(name, least)}, got {_shown(name, value)} "
                f"on qubit {worst} (short on {len(short)} of {len(profile)})"
            )
    low = [one for one in profile.couplings if _below(one.gate_fidelity, minimum.gate_fidelity)]
    if low:
        bad = min(low, key=lambda one: one.gate_fidelity)
        yield (
            f"two-qubit gate fidelity: expected at least {minimum.gate_fidelity:.3%}, got "
            f"{bad.gate_fidelity:.3%} on qubits {bad.first} and {bad.second} "
            f"(short on {len(low)} of {len(profile.couplings)})"
        )
    if len(profile) > 1 and not profile.couplings:
        yield "couplings: expected at least 1, got 0"


def _shown(name: str, value: float) -> str:
    return f"{value:.4g} us" if name.endswith("_us") else f"{value:.3%}"


def _components(vertices: set[int], edges: list[tuple[int, int]]) -> Iterator[tuple[int, ...]]:
    neighbours: dict[int, list[int]] = {one: [] for one in vertices}
    for a, b in edges:
        neighbours[a].append(b)
        neighbours[b].append(a)
    left = set(vertices)
    while left:
        found, border = set(), [min(left)]
        while border:
            one = border.pop()
            if one not in found:
                found.add(one)
                border += neighbours[one]
        left -= found
        yield tuple(sorted(found))


def check_width(profile: HardwareProfile, qubits: int, what: str) -> None:
    """Nothing; raises ``InputError`` when ``what`` needs more qubits than ``profile`` has."""
    if qubits > len(profile):
        raise InputError(f"{what}: {qubits} qubits, profile {profile.name} has {len(profile)}")
