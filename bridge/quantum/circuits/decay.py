"""What relaxation does in a given time: fidelities and probabilities of Pauli errors.

A qubit that relaxes with T1 to its ground state and loses its phase with T2. In the Pauli basis the
channel keeps X and Y with ``exp(-t / T2)`` and Z with ``exp(-t / T1)``; the shift of Z towards the
ground state has no weight in a fidelity, and the Pauli twirl takes it off.
"""

from __future__ import annotations

from math import exp

NS_PER_US = 1000.0


def process_fidelity(duration_ns: float, t1_us: float, t2_us: float) -> float:
    """The entanglement fidelity of ``duration_ns`` of relaxation, a quarter of the trace."""
    t_us = duration_ns / NS_PER_US
    return (1.0 + exp(-t_us / t1_us) + 2.0 * exp(-t_us / t2_us)) / 4.0


def average_fidelity(process: float, qubits: int) -> float:
    """The average gate fidelity for a process fidelity: ``(d F + 1) / (d + 1)``.

    Nielsen (2002), doi 10.1016/S0375-9601(02)01272-0.
    """
    d = 1 << qubits
    return (d * process + 1.0) / (d + 1.0)


def depolarising_probability(fidelity: float, qubits: int) -> float:
    """The probability of a Pauli error, all alike, that gives an average gate fidelity.

    That is the argument of stim's ``DEPOLARIZE1`` and ``DEPOLARIZE2``: 3/2 and 5/4 of the
    infidelity.
    """
    d = 1 << qubits
    return (1.0 - fidelity) * (d + 1.0) / d


def best_fidelity(duration_ns: float, *coherence_us: tuple[float, float]) -> float:
    """The best average fidelity of a gate of ``duration_ns`` on qubits with these T1 and T2."""
    process = 1.0
    for t1_us, t2_us in coherence_us:
        process *= process_fidelity(duration_ns, t1_us, t2_us)
    return average_fidelity(process, len(coherence_us))


def pauli_probabilities(
    duration_ns: float, t1_us: float, t2_us: float
) -> tuple[float, float, float]:
    """Probabilities of X, Y and Z after ``duration_ns``, by the Pauli twirl.

    >>> x, y, z = pauli_probabilities(1000.0, 100.0, 100.0)
    >>> round(x, 5), round(y, 5), round(z, 5)
    (0.00249, 0.00249, 0.00249)
    """
    t_us = duration_ns / NS_PER_US
    flip = (1.0 - exp(-t_us / t1_us)) / 4.0
    # Rounding may leave less than nothing where T2 is twice T1.
    return flip, flip, max(0.0, (1.0 - exp(-t_us / t2_us)) / 2.0 - flip)
