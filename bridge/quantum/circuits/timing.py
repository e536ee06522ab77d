"""When each operation of a circuit begins, and how long qubits wait: as late as possible.

Qiskit's own scheduling refuses circuits with feed-forward. Here a block of an ``if_else`` lasts as
long as the longer branch, a ``for_loop`` as long as all of its turns, and the branches are filled
up with delays to that time. Durations are in ns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bridge.domain.errors import ExtraMissing, InputError
from bridge.quantum.circuits.profile import HardwareProfile

try:
    from qiskit.circuit import (
        Barrier,
        CircuitInstruction,
        Clbit,
        Delay,
        ForLoopOp,
        IfElseOp,
        Measure,
        ParameterExpression,
        QuantumCircuit,
        Qubit,
        Reset,
    )
    from qiskit.circuit.controlflow import condition_resources
except ImportError:
    raise ExtraMissing("qiskit", "circuits") from None

SECONDS = {"s": 1e9, "ms": 1e6, "us": 1e3, "ns": 1.0, "ps": 1e-3, "dt": 1.0}
"""Units of a delay in ns; a profile's ``dt`` is one."""
SHORTEST_NS = 1e-6
"""What is shorter is rounding and no wait."""


@dataclass(frozen=True, slots=True)
class Window:
    """How long a qubit holds a state between resets, from its first operation to its last."""

    qubit: int
    start_ns: float
    end_ns: float

    @property
    def length_ns(self) -> float:
        """From start to end."""
        return self.end_ns - self.start_ns


@dataclass(frozen=True, slots=True)
class Timing:
    """``starts_ns`` is of each instruction, in the order that they stand in the circuit."""

    duration_ns: float
    starts_ns: tuple[float, ...]
    windows: tuple[Window, ...]


def timing(circuit: QuantumCircuit, profile: HardwareProfile) -> Timing:
    """The schedule of ``circuit`` on ``profile``, whose qubit i is the circuit's qubit i.

    Raises ``InputError`` for an operation that has no duration on ``profile``.
    """
    clock = _Clock(profile)
    qubits = range(circuit.num_qubits)
    starts, durations, total = clock.schedule(circuit, qubits)
    return Timing(total, tuple(starts), tuple(_windows(circuit, starts, durations)))


def with_idle(circuit: QuantumCircuit, profile: HardwareProfile) -> QuantumCircuit:
    """``circuit`` with a delay wherever a qubit waits, also inside branches.

    Before its first operation a qubit is in its ground state, which no wait changes.
    """
    clock = _Clock(profile)
    return clock.filled(circuit, range(circuit.num_qubits), None)


class _Clock:
    def __init__(self, profile: HardwareProfile) -> None:
        self._profile = profile
        self._pairs = {frozenset((one.first, one.second)): one.gate_ns for one in profile.couplings}

    def schedule(
        self, circuit: QuantumCircuit, qubits: Sequence[int]
    ) -> tuple[list[float], list[float], float]:
        """Starts and durations of all instructions, and the whole duration.

        ``qubits`` are the profile's numbers of the circuit's qubits. Read from the end, as early as
        possible is as late as possible.
        """
        place = dict(zip(circuit.qubits, qubits, strict=True))
        free: dict[Qubit | Clbit, float] = {}
        ends, durations = [], []
        for instruction in reversed(circuit.data):
            numbers = [place[bit] for bit in instruction.qubits]
            duration = self._duration(instruction, numbers)
            bits = [*instruction.qubits, *_classical(instruction)]
            end = max((free.get(bit, 0.0) for bit in bits), default=0.0)
            for bit in bits:
                free[bit] = end + duration
            ends.append(end)
            durations.append(duration)
        total = max(free.values(), default=0.0)
        durations.reverse()
        starts = [
            total - end - duration for end, duration in zip(reversed(ends), durations, strict=True)
        ]
        return starts, durations, total

    def filled(
        self, circuit: QuantumCircuit, qubits: Sequence[int], lasting: float | None
    ) -> QuantumCircuit:
        """``circuit`` with delays; a block that is ``lasting`` so long waits from the beginning."""
        starts, durations, total = self.schedule(circuit, qubits)
        shift = 0.0 if lasting is None else lasting - total
        place = dict(zip(circuit.qubits, qubits, strict=True))
        reached: dict[Qubit, float] = {} if lasting is None else dict.fromkeys(circuit.qubits, 0.0)
        result = circuit.copy_empty_like()
        for instruction, start, duration in zip(circuit.data, starts, durations, strict=True):
            begin = start + shift
            for bit in instruction.qubits:
                if bit in reached and begin - reached[bit] > SHORTEST_NS:
                    result.append(Delay(begin - reached[bit], "ns"), [bit])
                if bit in reached or not isinstance(instruction.operation, Barrier):
                    reached[bit] = begin + duration
            numbers = [place[bit] for bit in instruction.qubits]
            result.append(self._filled_blocks(instruction, numbers, duration))
        if lasting is not None:
            for bit, time in reached.items():
                if lasting - time > SHORTEST_NS:
                    result.append(Delay(lasting - time, "ns"), [bit])
        return result

    def _filled_blocks(
        self, instruction: CircuitInstruction, numbers: Sequence[int], duration: float
    ) -> CircuitInstruction:
        operation = instruction.operation
        if isinstance(operation, IfElseOp):
            blocks = list(operation.blocks)
            if len(blocks) == 1:  # what waits while nothing is done waits as long
                blocks.append(blocks[0].copy_empty_like())
            filled = [self.filled(block, numbers, duration) for block in blocks]
            return instruction.replace(operation=operation.replace_blocks(filled))
        if isinstance(operation, ForLoopOp):
            body = operation.blocks[0]
            turn = self.schedule(body, numbers)[2]
            filled = [self.filled(body, numbers, turn)]
            return instruction.replace(operation=operation.replace_blocks(filled))
        return instruction

    def _duration(self, instruction: CircuitInstruction, numbers: Sequence[int]) -> float:
        operation = instruction.operation
        if isinstance(operation, IfElseOp):
            return max(self.schedule(block, numbers)[2] for block in operation.blocks)
        if isinstance(operation, ForLoopOp):
            turns = len(tuple(operation.params[0]))
            return turns * self.schedule(operation.blocks[0], numbers)[2]
        if isinstance(operation, Barrier) or operation.name == "rz":
            return 0.0
        if isinstance(operation, Delay):
            return delay_ns(operation)
        if any(not 0 <= number < len(self._profile) for number in numbers):
            raise InputError(
                f"operation {operation.name} on qubits {list(numbers)}: profile "
                f"{self._profile.name} has {len(self._profile)}"
            )
        if isinstance(operation, Measure):
            return self._profile.qubits[numbers[0]].measure_ns
        if isinstance(operation, Reset):
            return self._profile.qubits[numbers[0]].reset_ns
        if operation.name in ("sx", "x") and len(numbers) == 1:
            return self._profile.qubits[numbers[0]].gate_ns
        pair = self._pairs.get(frozenset(numbers))
        if operation.name == self._profile.two_qubit_gate and pair is not None:
            return pair
        raise InputError(
            f"operation {operation.name} on qubits {list(numbers)}: profile "
            f"{self._profile.name} has no such gate there"
        )


def delay_ns(operation: Delay) -> float:
    """The duration of a delay in ns; ``InputError`` for one with a free parameter."""
    if isinstance(operation.duration, ParameterExpression) or operation.unit not in SECONDS:
        raise InputError(
            f"delay: expected a number of ns, us, ms, s or dt, got {operation.duration} "
            f"{operation.unit}"
        )
    return float(operation.duration) * SECONDS[operation.unit]


def _classical(instruction: CircuitInstruction) -> Iterator[Clbit]:
    yield from instruction.clbits
    condition = getattr(instruction.operation, "condition", None)
    if condition is not None:
        yield from condition_resources(condition).clbits


def _windows(
    circuit: QuantumCircuit, starts: Sequence[float], durations: Sequence[float]
) -> Iterator[Window]:
    number = {bit: place for place, bit in enumerate(circuit.qubits)}
    held: dict[int, tuple[float, float]] = {}
    for instruction, start, duration in zip(circuit.data, starts, durations, strict=True):
        if isinstance(instruction.operation, Barrier):
            continue
        for bit in instruction.qubits:
            place = number[bit]
            if isinstance(instruction.operation, Reset):
                if place in held:
                    yield Window(place, *held.pop(place))
                continue
            begin = held[place][0] if place in held else start
            held[place] = (begin, start + duration)
    for place, (begin, end) in sorted(held.items()):
        yield Window(place, begin, end)
