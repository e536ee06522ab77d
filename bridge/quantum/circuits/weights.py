"""The noise of a profile written into a stim circuit, qubit by qubit, for decoders' weights.

`HardwareProfile.circuit_noise` gives a decoder the processor's means. Where some qubits are worse
than others, a detector error model with each qubit's own figures weighs their errors less.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.domain.errors import ExtraMissing, InputError
from bridge.quantum.circuits import decay
from bridge.quantum.circuits.profile import HardwareProfile

try:
    import stim
except ImportError:
    raise ExtraMissing("stim", "codes") from None

RESETS = frozenset({"R", "RX", "RY"})
MEASUREMENTS = frozenset({"M", "MX", "MY"})
BOTH = frozenset({"MR", "MRX", "MRY"})
ANNOTATIONS = frozenset({"DETECTOR", "OBSERVABLE_INCLUDE", "QUBIT_COORDS", "SHIFT_COORDS", "TICK"})


def noisy_circuit(
    circuit: stim.Circuit, profile: HardwareProfile, places: Mapping[int, int]
) -> stim.Circuit:
    """``circuit`` without its own noise and with that of ``profile``.

    ``places`` has the profile's qubit for each of the circuit's. After each gate comes a
    depolarising error, before each measurement and after each reset a flip; a qubit that waits in a
    layer, from one TICK to the next, relaxes for the layer's duration by the Pauli twirl. Two-qubit
    gates stand for the profile's own, with a one-qubit gate's time and error not counted besides.
    Raises ``InputError`` for a qubit without a place, a pair without a coupling, or an operation
    that is none of these.
    """
    writer = _Writer(profile, places)
    flat = circuit.without_noise().flattened()
    for place in range(len(flat)):
        writer.add(flat[place])
    return writer.finished()


class _Writer:
    def __init__(self, profile: HardwareProfile, places: Mapping[int, int]) -> None:
        self._profile = profile
        self._places = places
        self._pairs = {frozenset((one.first, one.second)): one for one in profile.couplings}
        self._written = stim.Circuit()
        self._busy: set[int] = set()
        self._lasting_ns = 0.0
        self._begun: set[int] = set()

    def finished(self) -> stim.Circuit:
        self._end_layer()
        return self._written

    def add(self, instruction: Any) -> None:
        name = instruction.name
        if name == "TICK":
            self._end_layer()
        if name in ANNOTATIONS:
            self._written.append(instruction)
            return
        data = stim.gate_data(name)
        if any(not target.is_qubit_target for target in instruction.targets_copy()):
            raise InputError(f"noise: expected operations on qubits alone, got {instruction}")
        for group in instruction.target_groups():
            numbers = [target.value for target in group]
            if name in RESETS | MEASUREMENTS | BOTH:
                self._measure_or_reset(instruction, numbers[0])
            elif data.is_unitary and len(numbers) <= 2:
                self._gate(instruction, numbers)
            else:
                raise InputError(
                    f"noise: expected a gate, a reset or a measurement, got {instruction}"
                )

    def _measure_or_reset(self, instruction: Any, number: int) -> None:
        name = instruction.name
        one = self._profile.qubits[self._place(number)]
        flip = "Z_ERROR" if name.endswith("X") else "X_ERROR"
        duration = 0.0
        if name in MEASUREMENTS | BOTH:
            self._write(flip, [number], 1.0 - one.readout_fidelity)
            duration += one.measure_ns
        self._written.append(name, [number])
        if name in RESETS | BOTH:
            self._write(flip, [number], 1.0 - one.reset_fidelity)
            duration += one.reset_ns
        self._note([number], duration)

    def _gate(self, instruction: Any, numbers: list[int]) -> None:
        self._written.append(instruction.name, numbers)
        if instruction.name == "I":
            return
        places = [self._place(number) for number in numbers]
        if len(numbers) == 1:
            one = self._profile.qubits[places[0]]
            probability = decay.depolarising_probability(one.gate_fidelity, 1)
            self._write("DEPOLARIZE1", numbers, probability)
            self._note(numbers, one.gate_ns)
            return
        pair = self._pairs.get(frozenset(places))
        if pair is None:
            raise InputError(
                f"noise: qubits {places[0]} and {places[1]} of {self._profile.name} have no "
                f"coupling, {instruction.name} needs one"
            )
        probability = decay.depolarising_probability(pair.gate_fidelity, 2)
        self._write("DEPOLARIZE2", numbers, probability)
        self._note(numbers, pair.gate_ns)

    def _write(self, name: str, numbers: list[int], probability: float) -> None:
        if probability > 0.0:
            self._written.append(name, numbers, probability)

    def _note(self, numbers: list[int], duration_ns: float) -> None:
        self._busy.update(numbers)
        self._begun.update(numbers)
        self._lasting_ns = max(self._lasting_ns, duration_ns)

    def _end_layer(self) -> None:
        for number in sorted(self._begun - self._busy):
            one = self._profile.qubits[self._place(number)]
            errors = decay.pauli_probabilities(self._lasting_ns, one.t1_us, one.t2_us)
            if sum(errors) > 0.0:
                self._written.append("PAULI_CHANNEL_1", [number], errors)
        self._busy = set()
        self._lasting_ns = 0.0

    def _place(self, number: int) -> int:
        place = self._places.get(number)
        if place is None or not 0 <= place < len(self._profile):
            raise InputError(
                f"noise: qubit {number} of the circuit: expected a place from 0 to "
                f"{len(self._profile) - 1}, got {place}"
            )
        return place


def places_on_grid(circuit: stim.Circuit, columns: int, rows: int) -> dict[int, int]:
    """Places in a square grid, numbered row by row, for a circuit on a rotated lattice.

    The rotated surface code's qubits lie at odd corners and even middles; turned by 45 degrees they
    are neighbours in a grid. Raises ``InputError`` when the circuit does not fit into
    ``columns`` by ``rows``.
    """
    turned = {}
    for number, coordinates in circuit.get_final_qubit_coordinates().items():
        x, y = coordinates[:2]
        turned[number] = ((x + y) / 2.0, (y - x) / 2.0)
    if not turned:
        raise InputError("places: expected a circuit with QUBIT_COORDS")
    left = min(x for x, _ in turned.values())
    top = min(y for _, y in turned.values())
    places = {}
    for number, (x, y) in sorted(turned.items()):
        column, row = x - left, y - top
        if not (column.is_integer() and row.is_integer() and column < columns and row < rows):
            raise InputError(
                f"places: qubit {number} lies at {column:g}, {row:g}, the grid has {columns} by "
                f"{rows}"
            )
        places[number] = int(row) * columns + int(column)
    return places
