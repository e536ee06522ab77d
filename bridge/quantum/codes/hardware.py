"""What the codes have to know of a machine, and the noise that its figures come to."""

from __future__ import annotations

from dataclasses import dataclass
from math import expm1, isfinite

from bridge.domain.errors import InputError
from bridge.quantum.codes.noise import CircuitNoise


@dataclass(frozen=True, slots=True)
class HardwareFigures:
    """A machine's figures.

    ``gate_fidelity`` and ``readout_fidelity`` are averages over states, in (0, 1]; ``t1_us`` and
    ``t2_us`` are in microseconds, t2 at most twice t1. ``cycle_us`` is a round of the code, and in
    ``wait_us`` of it the data qubits wait for the others' measurement and reset.
    """

    qubits: int
    t1_us: float
    t2_us: float
    gate_fidelity: float
    readout_fidelity: float
    cycle_us: float
    wait_us: float

    def __post_init__(self) -> None:
        if isinstance(self.qubits, bool) or not isinstance(self.qubits, int) or self.qubits < 1:
            raise InputError(f"qubits: expected at least 1, got {self.qubits!r}")
        for name in ("t1_us", "t2_us", "cycle_us", "wait_us"):
            value = getattr(self, name)
            if not isfinite(value) or value <= 0.0:
                raise InputError(f"{name}: expected above 0 us, got {value}")
        for name in ("gate_fidelity", "readout_fidelity"):
            value = getattr(self, name)
            if not 0.0 < value <= 1.0:
                raise InputError(f"{name}: expected inside (0, 1], got {value}")
        if self.t2_us > 2.0 * self.t1_us:
            raise InputError(
                f"t2_us: expected at most twice t1_us, {2.0 * self.t1_us:g}, got {self.t2_us:g}"
            )
        if self.wait_us > self.cycle_us:
            raise InputError(
                f"wait_us: expected at most cycle_us, {self.cycle_us:g}, got {self.wait_us:g}"
            )

    def noise(self) -> CircuitNoise:
        """The depolarising noise with these figures.

        Of a Pauli error with probability p the average fidelity is 1 - 2 p / 3 for one qubit and
        1 - 4 p / 5 for two (Nielsen 2002, arXiv quant-ph/0205035). Waiting is amplitude and phase
        damping, twirled: X and Y with (1 - exp(-t / T1)) / 4 each, Z with
        (1 - exp(-t / T2)) / 2 less that (Ghosh, Fowler and Geller 2012, arXiv 1210.5799); here
        their sum, spread evenly. Reset is as bad as readout, on which it depends.
        """
        lost = 1.0 - self.gate_fidelity
        relaxed = -expm1(-self.wait_us / self.t1_us)
        dephased = -expm1(-self.wait_us / self.t2_us)
        wrong = 1.0 - self.readout_fidelity
        return CircuitNoise(
            one_qubit=min(1.5 * lost, 1.0),
            two_qubit=min(1.25 * lost, 1.0),
            measurement=wrong,
            reset=wrong,
            idle=relaxed / 4.0 + dephased / 2.0,
        )


MINIMUM = HardwareFigures(
    qubits=50,
    t1_us=100.0,
    t2_us=100.0,
    gate_fidelity=0.999,
    readout_fidelity=0.99,
    cycle_us=1.0,
    wait_us=0.5,
)
"""The least that the bridge runs on; a round takes what it does on a superconducting chip."""
