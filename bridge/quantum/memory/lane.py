"""The memory lane: what happens to a pair between its source and two measured bits.

    source (F0) -> herald -> DEJMPS, where asked for -> each half into its memory -> held ->
    measured at both ends

A bit is wrong when an odd number of its parts are (`lane_qber`): link, memory A, memory B, readout.
Getting a half into a patch is no error-corrected step: `injection` is its error, and part of the
link's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bridge.domain.errors import CoherenceExceeded, InputError
from bridge.quantum.basis import Basis
from bridge.quantum.ends.end import LinkParameters
from bridge.quantum.memory.bell import BellDiagonal
from bridge.quantum.memory.decoherence import Coherence
from bridge.quantum.memory.holding import BareMemory, Memory, PatchMemory, UncodedMemory
from bridge.quantum.memory.pauli import PauliChannel, duration, flipped, probability
from bridge.quantum.memory.protection import LogicalErrors, rounds_of
from bridge.quantum.memory.purification import IDEAL, GateNoise, purify
from bridge.quantum.memory.rates import key_fraction, qber_limit
from bridge.quantum.memory.swapping import measurement_errors

GOOD_PAIR = BellDiagonal.werner(0.99)
NISQ_MEMORY = Coherence(100e-6, 100e-6)
"""The least that hardware must have."""


@dataclass(frozen=True, slots=True)
class MemoryLane:
    """Pairs from a source, held ``held_s`` at both ends in ``memory``, then measured.

    ``pair`` is the source's; ``purification_rounds`` of DEJMPS with ``gates`` come before the
    memories. With ``teleport`` each half is teleported through such a pair, by ``gates``, to where
    it is measured, otherwise it is measured where it is. ``heralded`` is the chance that an attempt
    gives a pair, and both ends hear of it. ``injection`` is a depolarising error of each half on
    its way into its memory, ``readout`` a flip of each end's bit. ``logical_errors``, where given,
    foretell a patch's flips, so that what cannot give key is not tried (``tries_hopeless``: it is,
    for a study).

    >>> lane = MemoryLane.bare(50e-6)
    >>> round(lane.error_rates()[Basis.Z].total, 3)
    0.319
    """

    memory: Memory
    held_s: float
    pair: BellDiagonal = GOOD_PAIR
    purification_rounds: int = 0
    gates: GateNoise = IDEAL
    teleport: BellDiagonal | None = None
    heralded: float = 0.5
    injection: float = 0.0
    readout: float = 0.0
    logical_errors: LogicalErrors | None = None
    tries_hopeless: bool = False

    def __post_init__(self) -> None:
        duration("holding time", self.held_s)
        for name in ("injection", "readout"):
            probability(name, getattr(self, name))
        if not 0.0 < self.heralded <= 1.0:
            raise InputError(f"heralded: expected above 0 and up to 1, got {self.heralded}")
        purify(self.pair, self.purification_rounds, self.gates)
        if isinstance(self.memory, UncodedMemory) and self.memory.held_s != self.held_s:
            raise InputError(
                f"memory lane: expected a memory that holds for {self.held_s:g} s, "
                f"got one for {self.memory.held_s:g} s"
            )

    @classmethod
    def bare(
        cls, held_s: float, coherence: Coherence = NISQ_MEMORY, **options: object
    ) -> MemoryLane:
        """A lane whose halves wait in one physical qubit each."""
        memory = BareMemory(held_s, coherence)
        return replace(cls(memory, held_s), **options)  # type: ignore[arg-type]

    @classmethod
    def encoded(cls, patch: PatchMemory, cycle_s: float = 1e-6, **options: object) -> MemoryLane:
        """A lane whose halves wait in patches, ``cycle_s`` a round."""
        rounds_of(0.0, cycle_s)
        lane = cls(patch, patch.rounds * cycle_s)
        return replace(lane, **options)  # type: ignore[arg-type]

    @property
    def linked(self) -> BellDiagonal:
        """The pair as the memories get it: purified, and injected at both ends."""
        injected = PauliChannel.depolarising(self.injection)
        kept = purify(self.pair, self.purification_rounds, self.gates).pair
        return kept.through(injected).through(injected)

    @property
    def click(self) -> float:
        """Pairs to measure for each attempt, or each 2^rounds attempts where they are purified."""
        return self.heralded * purify(self.pair, self.purification_rounds, self.gates).success

    def readout_error(self, basis: Basis) -> float:
        """One end's flips after its memory: of teleportation, where there is one, and readout."""
        if self.teleport is None:
            return self.readout
        moved = self.teleport.channel().after(measurement_errors(self.gates))
        return flipped([moved.flip_probability(basis), self.readout])

    def memory_error(self, basis: Basis) -> float | None:
        """One memory's flips in ``basis`` after its frame; None where nobody foretells them."""
        if isinstance(self.memory, UncodedMemory):
            return self.memory.error_rate(basis)
        if isinstance(self.memory, PatchMemory) and self.logical_errors is not None:
            patch = self.memory
            error = self.logical_errors(patch.distance, patch.rounds, basis)
            return probability(f"logical error of distance {patch.distance}", error)
        return None

    def error_rates(self) -> dict[Basis, ErrorBudget]:
        """What is expected in each basis; ``InputError`` for a patch without ``logical_errors``."""
        budgets = {}
        for basis in Basis:
            memory = self.memory_error(basis)
            if memory is None:
                raise InputError(
                    f"memory lane: expected logical error rates of {self.memory}, got none"
                )
            budgets[basis] = ErrorBudget(
                self.linked.error_rate(basis),
                memory,
                memory,
                flipped([self.readout_error(basis)] * 2),
            )
        return budgets

    def expected_qber(self) -> float:
        """The mean of both bases."""
        return sum(budget.total for budget in self.error_rates().values()) / 2.0

    def require_key(self, parameters: LinkParameters) -> None:
        """Raise ``CoherenceExceeded`` when a block of this size is foretold to give no key.

        Only what is known beforehand counts: a patch without ``logical_errors`` is tried.
        """
        if self.tries_hopeless or self.memory_error(Basis.Z) is None:
            return
        qber = self.expected_qber()
        limit = qber_limit(parameters)
        if qber < limit:
            return
        raise CoherenceExceeded(
            f"a QBER below {limit:.2%}, of pairs at {qber:.2%}", self.held_s, self._longest(limit)
        )

    def _longest(self, limit: float) -> float | None:
        """The longest hold with a QBER below the limit, within a thousandth; None for none."""
        if self.over(0.0).expected_qber() >= limit:
            return None
        low, high = 0.0, self.held_s
        for _halving in range(20):
            middle = (low + high) / 2.0
            low, high = (
                (middle, high) if self.over(middle).expected_qber() < limit else (low, middle)
            )
        return low

    def over(self, held_s: float) -> MemoryLane:
        """The same lane over another time; of a patch, in whole rounds."""
        memory = self.memory
        if isinstance(memory, UncodedMemory):
            memory = replace(memory, held_s=held_s)
        elif isinstance(memory, PatchMemory):
            rounds = max(1, round(memory.rounds * held_s / self.held_s)) if self.held_s else 1
            memory = replace(memory, rounds=rounds)
        return replace(self, memory=memory, held_s=held_s)

    def expected_fraction(self, parameters: LinkParameters) -> float:
        """Key bits for each bit of a block and its sample, as the errors are expected."""
        return key_fraction(parameters, self.expected_qber())

    def link_errors(self, count: int, rng: np.random.Generator) -> np.ndarray:  # type: ignore[type-arg]
        """The Pauli that each of ``count`` pairs has, as its number."""
        return rng.choice(4, size=count, p=self.linked.weights).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class ErrorBudget:
    """The error rates of a bit's parts in one basis."""

    link: float
    first_memory: float
    second_memory: float
    readout: float

    @property
    def total(self) -> float:
        """QBER = (1 - prod(1 - 2 e)) / 2."""
        return flipped((self.link, self.first_memory, self.second_memory, self.readout))
