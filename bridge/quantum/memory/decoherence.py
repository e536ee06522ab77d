"""What waiting does to a qubit: amplitude and phase damping, exactly and as a Pauli twirl.

T1 is the time in which an excitation is lost, T2 the one in which a phase is, both to 1/e; no
qubit has T2 above 2 T1 (Nielsen and Chuang, section 8.3). Twirled, amplitude damping of
gamma = 1 - exp(-t / T1) with the dephasing that T2 asks for becomes

    p_X = p_Y = gamma / 4,   p_Z = (1 - exp(-t / T2)) / 2 - gamma / 4.

The twirl keeps error rates in both bases and coherences; it drops only that |1> decays and |0>
does not. A pair of two such halves is not what two twirled halves are by gamma^2 / 4 of its
fidelity, unless the ends twirl the pair.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bridge.domain.errors import CoherenceExceeded, InputError
from bridge.quantum.memory.bell import BellDiagonal
from bridge.quantum.memory.pauli import Matrix, PauliChannel, duration


@dataclass(frozen=True, slots=True)
class Coherence:
    """A memory's two times; T2 = 100 us both, unless told otherwise. Infinite means ideal."""

    t1_s: float = 100e-6
    t2_s: float = 100e-6

    def __post_init__(self) -> None:
        for name, value in (("T1", self.t1_s), ("T2", self.t2_s)):
            if not value > 0.0:
                raise InputError(f"coherence: expected {name} above 0 s, got {value}")
        if self.t2_s > 2.0 * self.t1_s:
            raise InputError(
                f"coherence: expected T2 of at most 2 T1 = {2.0 * self.t1_s:g} s, got {self.t2_s:g}"
            )

    def decay(self, held_s: float) -> float:
        """gamma: the probability that an excitation is lost."""
        return -math.expm1(-duration("holding time", held_s) / self.t1_s)

    def coherence_left(self, held_s: float) -> float:
        """What is left of an off-diagonal element."""
        return math.exp(-duration("holding time", held_s) / self.t2_s)

    def twirled(self, held_s: float) -> PauliChannel:
        """The Pauli channel of a wait."""
        gamma = self.decay(held_s)
        z = max(0.0, (1.0 - self.coherence_left(held_s)) / 2.0 - gamma / 4.0)
        return PauliChannel(np.array([1.0 - gamma / 2.0 - z, gamma / 4.0, z, gamma / 4.0]))

    def kraus(self, held_s: float) -> list[Matrix]:
        """The exact channel: amplitude damping, and the dephasing that T2 has beyond it."""
        gamma = self.decay(held_s)
        kept = math.sqrt(1.0 - gamma)
        # exp(-t/T2) = sqrt(1 - gamma) (1 - 2 q)
        if math.isinf(self.t1_s):
            left = self.coherence_left(held_s)
        else:
            left = math.exp(-held_s * (1.0 / self.t2_s - 0.5 / self.t1_s))
        q = (1.0 - left) / 2.0
        sound, flip = math.sqrt(1.0 - q), math.sqrt(max(0.0, q))
        return [
            sound * np.diag([1.0, kept]).astype(np.complex128),
            flip * np.diag([1.0, -kept]).astype(np.complex128),
            np.array([[0.0, math.sqrt(gamma)], [0.0, 0.0]], dtype=np.complex128),
        ]


def aged(pair: BellDiagonal, held_s: float, first: Coherence, second: Coherence) -> BellDiagonal:
    """The pair when each half has waited ``held_s`` in its memory."""
    return pair.through(first.twirled(held_s)).through(second.twirled(held_s))


def longest_hold(
    pair: BellDiagonal, least: float, first: Coherence, second: Coherence
) -> float | None:
    """How long the pair keeps a fidelity of ``least``, in seconds; None where it never has it.

    Infinite for what the pair never falls below.
    """
    if not 0.0 <= least <= 1.0:
        raise InputError(f"fidelity: expected 0 to 1, got {least}")
    if pair.fidelity < least:
        return None
    times = [t for one in (first, second) for t in (one.t1_s, one.t2_s) if not math.isinf(t)]
    if not times or aged(pair, 64.0 * max(times), first, second).fidelity >= least:
        return math.inf
    low, high = 0.0, 64.0 * max(times)
    while high - low > 1e-9 * high:
        middle = (low + high) / 2.0
        if aged(pair, middle, first, second).fidelity >= least:
            low = middle
        else:
            high = middle
    return low


def hold(
    pair: BellDiagonal, held_s: float, first: Coherence, second: Coherence, least: float = 0.5
) -> BellDiagonal:
    """As `aged`; ``CoherenceExceeded`` when less than ``least`` of the fidelity's scale is left.

    At a fidelity of 1/2 a Bell-diagonal pair is no longer entangled.
    """
    result = aged(pair, held_s, first, second)
    if result.fidelity < least:
        longest = longest_hold(pair, least, first, second)
        raise CoherenceExceeded(f"a pair's fidelity of {least:g}", held_s, longest)
    return result
