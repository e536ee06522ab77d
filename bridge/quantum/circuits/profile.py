"""What a processor can do, in figures: qubits, couplings, coherence, fidelities, durations."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from math import isfinite
from statistics import fmean

from bridge.domain.errors import ConfigError, InputError
from bridge.quantum.circuits import decay
from bridge.quantum.codes.noise import CircuitNoise

TWO_QUBIT_GATES = ("cz", "cx", "ecr")
ROUNDING = 1e-9
"""How far a figure may be past its limit by the last digits of what it was reckoned from."""


@dataclass(frozen=True, slots=True)
class Qubit:
    """One qubit. Fidelities are average gate fidelities, in (0, 1].

    ``gate_fidelity`` and ``gate_ns`` are of the physical one-qubit gates, sx and x; rz is exact and
    takes no time. ``prob_meas1_prep0`` and ``prob_meas0_prep1`` are the two ways to read wrongly.
    ``reset_fidelity`` is the probability of the ground state after a reset.
    """

    t1_us: float
    t2_us: float
    gate_fidelity: float
    gate_ns: float
    prob_meas1_prep0: float
    prob_meas0_prep1: float
    measure_ns: float
    reset_fidelity: float
    reset_ns: float

    @property
    def readout_fidelity(self) -> float:
        """1 less the mean of both ways to read wrongly."""
        return 1.0 - (self.prob_meas1_prep0 + self.prob_meas0_prep1) / 2.0

    @property
    def coherence_us(self) -> float:
        """The lesser of T1 and T2."""
        return min(self.t1_us, self.t2_us)


@dataclass(frozen=True, slots=True)
class Coupling:
    """Two qubits with a calibrated two-qubit gate; for cx and ecr the first is the control."""

    first: int
    second: int
    gate_fidelity: float
    gate_ns: float


@dataclass(frozen=True, slots=True)
class HardwareProfile:
    """A processor in figures, checked: every fault is named in one ``ConfigError``.

    ``source`` says where the figures are from. T2 above twice T1 is refused, and so is a fidelity
    that relaxation during the gate alone does not allow.
    """

    name: str
    source: str
    two_qubit_gate: str
    qubits: tuple[Qubit, ...]
    couplings: tuple[Coupling, ...]

    def __post_init__(self) -> None:
        if problems := list(self._problems()):
            raise ConfigError(f"profile {self.name}", problems)

    def __len__(self) -> int:
        return len(self.qubits)

    def part(self, qubits: Collection[int], name: str | None = None) -> HardwareProfile:
        """The profile of these qubits alone, numbered anew in ascending order."""
        missing = sorted(set(qubits) - set(range(len(self))))
        if missing:
            raise InputError(
                f"profile {self.name}: expected qubits from 0 to {len(self) - 1}, got {missing}"
            )
        number = {old: new for new, old in enumerate(sorted(set(qubits)))}
        return replace(
            self,
            name=name or f"{self.name}, {len(number)} qubits",
            qubits=tuple(self.qubits[old] for old in number),
            couplings=tuple(
                replace(one, first=number[one.first], second=number[one.second])
                for one in self.couplings
                if one.first in number and one.second in number
            ),
        )

    @property
    def waiting_ns(self) -> float:
        """How long data qubits wait in a cycle of error correction: one measurement and reset."""
        return fmean(one.measure_ns + one.reset_ns for one in self.qubits)

    def circuit_noise(self, idle_ns: float | None = None) -> CircuitNoise:
        """The five numbers that codes and decoders take, means over qubits and couplings.

        Gates' infidelities become probabilities of a depolarising error, 3/2 and 5/4 of them.
        ``idle`` is what relaxation does in ``idle_ns``, by the Pauli twirl; the default is the
        longest that a data qubit waits, ``waiting_ns``. A caller whose circuits are idle in every
        layer gives the layer's own duration. Worst qubits are in the mean; ``part`` takes them out.
        """
        window = self.waiting_ns if idle_ns is None else idle_ns
        if not (isfinite(window) and window >= 0.0):
            raise InputError(f"idle time: expected at least 0 ns, got {window}")
        if not self.couplings:
            raise InputError(f"profile {self.name}: expected couplings for two-qubit noise, got 0")
        return CircuitNoise(
            one_qubit=fmean(
                decay.depolarising_probability(one.gate_fidelity, 1) for one in self.qubits
            ),
            two_qubit=fmean(
                decay.depolarising_probability(one.gate_fidelity, 2) for one in self.couplings
            ),
            measurement=fmean(1.0 - one.readout_fidelity for one in self.qubits),
            reset=fmean(1.0 - one.reset_fidelity for one in self.qubits),
            idle=fmean(
                sum(decay.pauli_probabilities(window, one.t1_us, one.t2_us)) for one in self.qubits
            ),
        )

    def _problems(self) -> Iterator[str]:
        if not self.name:
            yield "name: expected text, got none"
        if self.two_qubit_gate not in TWO_QUBIT_GATES:
            expected = ", ".join(TWO_QUBIT_GATES)
            yield f"two_qubit_gate: expected one of {expected}, got {self.two_qubit_gate!r}"
        if not self.qubits:
            yield "qubits: expected at least 1, got 0"
        sound = set()
        for number, qubit in enumerate(self.qubits):
            problems = list(_qubit_problems(qubit))
            yield from (f"qubits[{number}].{problem}" for problem in problems)
            if not problems:
                sound.add(number)
                yield from self._limit_problems(
                    f"qubits[{number}]", (number,), qubit.gate_fidelity, qubit.gate_ns
                )
        seen: dict[frozenset[int], int] = {}
        for number, coupling in enumerate(self.couplings):
            where = f"couplings[{number}]"
            pair = (coupling.first, coupling.second)
            problems = list(_coupling_problems(coupling, len(self.qubits)))
            yield from (f"{where}{problem}" for problem in problems)
            if (other := seen.setdefault(frozenset(pair), number)) != number:
                yield f"{where}: qubits {pair[0]} and {pair[1]} stand in couplings[{other}] too"
            if not problems and sound.issuperset(pair):
                yield from self._limit_problems(
                    where, pair, coupling.gate_fidelity, coupling.gate_ns
                )

    def _limit_problems(
        self, where: str, qubits: tuple[int, ...], fidelity: float, duration_ns: float
    ) -> Iterator[str]:
        limit = decay.best_fidelity(
            duration_ns, *((self.qubits[one].t1_us, self.qubits[one].t2_us) for one in qubits)
        )
        if fidelity > limit + ROUNDING:
            yield (
                f"{where}.gate_fidelity: expected at most {limit:.6g}, which relaxation allows in "
                f"{duration_ns:g} ns, got {fidelity:g}"
            )


def _qubit_problems(qubit: Qubit) -> Iterator[str]:
    for field in ("t1_us", "t2_us"):
        yield from _positive(field, getattr(qubit, field), "us")
    # Not the other way round: a comparison with NaN is false.
    if qubit.t2_us > 2.0 * qubit.t1_us * (1.0 + ROUNDING):
        yield f"t2_us: expected at most twice t1_us, {2.0 * qubit.t1_us:g}, got {qubit.t2_us:g}"
    for field in ("gate_fidelity", "reset_fidelity"):
        yield from _fidelity(field, getattr(qubit, field))
    for field in ("prob_meas1_prep0", "prob_meas0_prep1"):
        value = getattr(qubit, field)
        if not 0.0 <= value < 1.0:
            yield f"{field}: expected a probability in [0, 1), got {value:g}"
    if not qubit.prob_meas1_prep0 + qubit.prob_meas0_prep1 < 1.0:
        total = qubit.prob_meas1_prep0 + qubit.prob_meas0_prep1
        yield f"prob_meas1_prep0 + prob_meas0_prep1: expected below 1, got {total:g}"
    for field in ("gate_ns", "measure_ns", "reset_ns"):
        yield from _positive(field, getattr(qubit, field), "ns")


def _coupling_problems(coupling: Coupling, qubits: int) -> Iterator[str]:
    for number in (coupling.first, coupling.second):
        if not 0 <= number < qubits:
            yield f".qubits: expected numbers from 0 to {qubits - 1}, got {number}"
    if coupling.first == coupling.second:
        yield f".qubits: expected two, got {coupling.first} twice"
    for problem in (
        *_fidelity("gate_fidelity", coupling.gate_fidelity),
        *_positive("gate_ns", coupling.gate_ns, "ns"),
    ):
        yield f".{problem}"


def _positive(field: str, value: float, unit: str) -> Iterator[str]:
    if not (isfinite(value) and value > 0.0):
        yield f"{field}: expected more than 0 {unit}, got {value:g}"


def _fidelity(field: str, value: float) -> Iterator[str]:
    if not 0.0 < value <= 1.0:
        yield f"{field}: expected a fidelity in (0, 1], got {value:g}"
