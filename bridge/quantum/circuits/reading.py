"""A hardware profile out of a given Qiskit backend."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

from bridge.domain.errors import ConfigError, ExtraMissing, InputError
from bridge.quantum.circuits import decay
from bridge.quantum.circuits.profile import (
    ROUNDING,
    TWO_QUBIT_GATES,
    Coupling,
    HardwareProfile,
    Qubit,
)

try:
    from qiskit.providers import BackendV2
    from qiskit.transpiler import Target
except ImportError:
    raise ExtraMissing("qiskit", "circuits") from None

NS = 1e9


@dataclass(frozen=True, slots=True)
class BackendReading:
    """``numbers[i]`` is the backend's number of qubit i; ``notes`` says what was mended."""

    profile: HardwareProfile
    numbers: tuple[int, ...]
    notes: tuple[str, ...]


def profile_of_backend(backend: BackendV2) -> BackendReading:
    """The figures in ``backend``'s Target, of its sx, its two-qubit gate, measure and reset.

    Measured figures scatter, and processors have broken parts. A T2 above twice T1 is lowered to
    that, a fidelity above what relaxation allows to that, and qubits and couplings whose gate has
    an error of a half or more are left out; each is noted. Both ways to read wrongly get the
    Target's one error. A reset without an error has that of readout, one without a duration that of
    measurement. What is missing is a ``ConfigError`` that names each figure.
    """
    if not isinstance(backend, BackendV2):
        raise InputError(f"backend: expected a Qiskit BackendV2, got {type(backend).__name__}")
    return _Reader(backend.name or type(backend).__name__, backend.target).read()


class _Reader:
    def __init__(self, name: str, target: Target) -> None:
        self._name = name
        self._target = target
        self._problems: list[str] = []
        self._notes: list[str] = []

    def read(self) -> BackendReading:
        gate = next((one for one in TWO_QUBIT_GATES if one in self._target.operation_names), None)
        if gate is None:
            self._problems.append(
                f"gates: expected one of {', '.join(TWO_QUBIT_GATES)}, got "
                f"{', '.join(sorted(self._target.operation_names))}"
            )
        read = [self._qubit(number) for number in range(self._target.num_qubits or 0)]
        couplings = list(self._couplings(gate)) if gate is not None else []
        if self._problems:
            raise ConfigError(f"backend {self._name}", self._problems)
        good = [number for number, one in enumerate(read) if one is not None]
        new = {number: place for place, number in enumerate(good)}
        qubits = tuple(self._limited(one) for one in read if one is not None)
        profile = HardwareProfile(
            name=self._name,
            source=f"the Target of the Qiskit backend {self._name}",
            two_qubit_gate=gate or "",
            qubits=qubits,
            couplings=tuple(
                self._limited_coupling(
                    replace(one, first=new[one.first], second=new[one.second]), qubits
                )
                for one in couplings
                if one.first in new and one.second in new
            ),
        )
        return BackendReading(profile, tuple(good), tuple(self._notes))

    def _qubit(self, number: int) -> Qubit | None:
        properties = self._target.qubit_properties
        own = properties[number] if properties is not None else None
        t1 = self._figure(f"T1 of qubit {number}", getattr(own, "t1", None))
        t2 = self._figure(f"T2 of qubit {number}", getattr(own, "t2", None))
        gate = self._operation("sx", (number,))
        measure = self._operation("measure", (number,))
        reset = self._properties("reset", (number,))
        if None in (t1, t2, gate, measure):
            return None
        assert t1 is not None and t2 is not None and gate is not None and measure is not None  # noqa: PT018
        for what, (error, _) in (("sx", gate), ("measure", measure)):
            if error >= 0.5:
                self._notes.append(f"qubit {number} is left out: the error of {what} is {error:g}")
                return None
        if t2 > 2.0 * t1:
            self._notes.append(f"qubit {number}: T2 {t2 * 1e6:.4g} us lowered to twice T1")
            t2 = 2.0 * t1
        wrong = _known(reset, "error")
        lasting = _known(reset, "duration")
        return Qubit(
            t1_us=t1 * 1e6,
            t2_us=t2 * 1e6,
            gate_fidelity=1.0 - gate[0],
            gate_ns=gate[1] * NS,
            prob_meas1_prep0=measure[0],
            prob_meas0_prep1=measure[0],
            measure_ns=measure[1] * NS,
            reset_fidelity=1.0 - (measure[0] if wrong is None else wrong),
            reset_ns=(measure[1] if lasting is None else lasting) * NS,
        )

    def _couplings(self, gate: str) -> Iterator[Coupling]:
        best: dict[frozenset[int], Coupling] = {}
        for place in self._target[gate] or {}:
            read = self._operation(gate, place)
            if read is None:
                continue
            error, duration = read
            if error >= 0.5:
                self._notes.append(
                    f"coupling of {place[0]} and {place[1]} is left out: the error of {gate} is "
                    f"{error:g}"
                )
                continue
            one = Coupling(place[0], place[1], 1.0 - error, duration * NS)
            kept = best.get(frozenset(place))
            if kept is None or one.gate_fidelity > kept.gate_fidelity:
                best[frozenset(place)] = one
        yield from best.values()

    def _operation(self, gate: str, place: tuple[int, ...]) -> tuple[float, float] | None:
        where = f"{gate} on {' and '.join(map(str, place))}"
        properties = self._properties(gate, place)
        error = self._figure(f"error of {where}", _known(properties, "error"))
        duration = self._figure(f"duration of {where}", _known(properties, "duration"))
        return None if error is None or duration is None else (error, duration)

    def _properties(self, gate: str, place: tuple[int, ...]) -> Any:
        if gate not in self._target.operation_names:
            return None
        return (self._target[gate] or {}).get(place)

    def _figure(self, what: str, value: float | None) -> float | None:
        if value is None:
            self._problems.append(f"{what}: is missing")
        elif not (isfinite(value) and value >= 0.0):
            self._problems.append(f"{what}: expected at least 0, got {value:g}")
        else:
            return float(value)
        return None

    def _limited(self, one: Qubit) -> Qubit:
        limit = decay.best_fidelity(one.gate_ns, (one.t1_us, one.t2_us))
        if one.gate_fidelity <= limit + ROUNDING:
            return one
        self._notes.append(
            f"sx: fidelity {one.gate_fidelity:.6g} lowered to {limit:.6g}, which relaxation allows"
        )
        return replace(one, gate_fidelity=limit)

    def _limited_coupling(self, one: Coupling, qubits: tuple[Qubit, ...]) -> Coupling:
        limit = decay.best_fidelity(
            one.gate_ns,
            *((qubits[number].t1_us, qubits[number].t2_us) for number in (one.first, one.second)),
        )
        if one.gate_fidelity <= limit + ROUNDING:
            return one
        self._notes.append(
            f"coupling of {one.first} and {one.second}: fidelity {one.gate_fidelity:.6g} lowered "
            f"to {limit:.6g}, which relaxation allows"
        )
        return replace(one, gate_fidelity=limit)


def _known(properties: Any, name: str) -> float | None:
    value = getattr(properties, name, None)
    return None if value is None else float(value)
