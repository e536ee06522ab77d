"""Profiles that come with the bridge: the minimum, and processors with published figures."""

from __future__ import annotations

from collections.abc import Callable

from bridge.domain.errors import InputError
from bridge.quantum.circuits.profile import Coupling, HardwareProfile, Qubit


def grid(rows: int, columns: int, fidelity: float, duration_ns: float) -> tuple[Coupling, ...]:
    """Neighbours in a square grid, numbered row by row, all with the same gate."""
    across = [
        (row * columns + column, row * columns + column + 1)
        for row in range(rows)
        for column in range(columns - 1)
    ]
    down = [(number, number + columns) for number in range((rows - 1) * columns)]
    return tuple(Coupling(a, b, fidelity, duration_ns) for a, b in across + down)


def even(
    name: str,
    source: str,
    rows: int,
    columns: int,
    qubit: Qubit,
    two_qubit_fidelity: float,
    two_qubit_ns: float,
) -> HardwareProfile:
    """A grid with CZ whose qubits and couplings are all alike."""
    return HardwareProfile(
        name=name,
        source=source,
        two_qubit_gate="cz",
        qubits=(qubit,) * (rows * columns),
        couplings=grid(rows, columns, two_qubit_fidelity, two_qubit_ns),
    )


def minimum() -> HardwareProfile:
    """The least that is not refused: 50 qubits, 100 us, 99.9 % gates, 99 % readout.

    The requirement names no durations; these are usual for superconducting qubits.
    """
    return even(
        "minimum",
        "the requirement's figures; durations and the square grid are assumed",
        5,
        10,
        Qubit(
            t1_us=100.0,
            t2_us=100.0,
            gate_fidelity=0.999,
            gate_ns=25.0,
            prob_meas1_prep0=0.01,
            prob_meas0_prep1=0.01,
            measure_ns=300.0,
            reset_fidelity=0.99,
            reset_ns=100.0,
        ),
        0.999,
        40.0,
    )


def willow() -> HardwareProfile:
    """Google's Willow, means of the error correction chip; below the minimum in several figures."""
    return even(
        "willow",
        "Google Quantum AI, Nature 638, 920 (2025), arXiv 2408.13687, and the chip's specification "
        "sheet: 105 qubits, T1 68 us, T2 89 us, gate errors 0.035 % and 0.33 %, measurement error "
        "0.77 %, cycle 1.1 us; published, not checked against the text. A grid of 7 by 15, gates "
        "of 25 and 42 ns, reset, and the rest of the cycle as measurement and reset are assumed",
        7,
        15,
        Qubit(
            t1_us=68.0,
            t2_us=89.0,
            gate_fidelity=1 - 0.00035,
            gate_ns=25.0,
            prob_meas1_prep0=0.0077,
            prob_meas0_prep1=0.0077,
            measure_ns=660.0,
            reset_fidelity=0.998,
            reset_ns=200.0,
        ),
        1 - 0.0033,
        42.0,
    )


def heron() -> HardwareProfile:
    """A processor of IBM's Heron family, medians of one day's calibration.

    The snapshot of ``ibm_boston`` in qiskit-ibm-runtime 0.51 has all qubits one by one:
    ``profile_of_backend(FakeBoston())``.
    """
    return even(
        "heron",
        "medians of the calibration of ibm_boston of 2026-04-17, as in the snapshot of "
        "qiskit-ibm-runtime 0.51: T1 292 us, T2 353 us, errors of sx 1.45e-4, of cz 1.27e-3, of "
        "readout 5.1e-3; a square grid of 12 by 13 in place of the heavy hexagons, and the "
        "fidelity of reset, are assumed",
        12,
        13,
        Qubit(
            t1_us=292.4,
            t2_us=353.0,
            gate_fidelity=1 - 1.447e-4,
            gate_ns=32.0,
            prob_meas1_prep0=0.005127,
            prob_meas0_prep1=0.005127,
            measure_ns=2200.0,
            reset_fidelity=0.99,
            reset_ns=2232.0,
        ),
        1 - 1.2747e-3,
        68.0,
    )


PRESETS: dict[str, Callable[[], HardwareProfile]] = {
    "minimum": minimum,
    "willow": willow,
    "heron": heron,
}


def preset(name: str) -> HardwareProfile:
    """The profile of that name; ``InputError`` names those that there are.

    >>> len(preset("minimum"))
    50
    """
    if name not in PRESETS:
        raise InputError(f"profile: expected one of {', '.join(PRESETS)}, got {name!r}")
    return PRESETS[name]()
