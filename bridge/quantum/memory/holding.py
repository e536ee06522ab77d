"""What a half of a pair waits in: a qubit, left alone or decoupled, or a patch of a surface code.

Either is sampled, basis by basis: the flips of what is measured in the end, and for a patch the
detection events that say where errors were. stim and PyMatching, the extra `codes`, are needed for
patches alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from bridge.domain.errors import InputError
from bridge.quantum.basis import Basis
from bridge.quantum.codes.noise import CircuitNoise
from bridge.quantum.memory.decoherence import Coherence
from bridge.quantum.memory.pauli import PauliChannel, duration
from bridge.quantum.memory.protection import SlowNoise, decoupled

MOST_ROUNDS = 1_000_000
MOST_BYTES = 1 << 30
"""Of the detection events of one sample."""


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """Of each pair: its row of detection events, packed as stim packs, and whether it flipped."""

    events: npt.NDArray[np.uint8]
    flips: npt.NDArray[np.bool_]


class Memory(Hashable, Protocol):
    """Holds halves of pairs; hashable, and equal to another that does the same."""

    @property
    def qubits(self) -> int:
        """Physical qubits for each half."""
        ...

    def detectors(self, basis: Basis) -> int:
        """How many detectors one half's record has."""
        ...

    def error_model(self, basis: Basis) -> Any:
        """The ``stim.DetectorErrorModel`` to decode with; None where there are no detectors."""
        ...

    def sample(self, basis: Basis, shots: int, rng: np.random.Generator) -> Held:
        """What ``shots`` halves, held and then measured in ``basis``, went through."""
        ...


@dataclass(frozen=True, slots=True)
class UncodedMemory(ABC):
    """One physical qubit that waits ``held_s``; it has no detectors, and its flips are known."""

    held_s: float

    def __post_init__(self) -> None:
        duration("holding time", self.held_s)

    @abstractmethod
    def channel(self) -> PauliChannel:
        """What the wait does."""

    @property
    def qubits(self) -> int:
        """One."""
        return 1

    def detectors(self, basis: Basis) -> int:
        """None, in either basis."""
        return 0

    def error_model(self, basis: Basis) -> Any:
        """None: there is nothing to decode."""
        return None

    def error_rate(self, basis: Basis) -> float:
        """How often a measurement in ``basis`` is flipped."""
        return self.channel().flip_probability(basis)

    def sample(self, basis: Basis, shots: int, rng: np.random.Generator) -> Held:
        """See `Memory.sample`."""
        flips = rng.random(shots) < self.error_rate(basis)
        return Held(np.empty((shots, 0), dtype=np.uint8), flips)


@dataclass(frozen=True, slots=True)
class BareMemory(UncodedMemory):
    """A qubit that is left alone, with its coherence times."""

    coherence: Coherence

    def channel(self) -> PauliChannel:
        """The Pauli twirl of `decoherence`."""
        return self.coherence.twirled(self.held_s)


@dataclass(frozen=True, slots=True)
class DecoupledMemory(UncodedMemory):
    """A qubit under slow ``noise`` that gets ``pulses``; ``coherence`` is the fast part of it all.

    ``pulse_error`` is a depolarising error of each pulse.
    """

    coherence: Coherence
    noise: SlowNoise
    pulses: int
    pulse_error: float = 0.0

    def channel(self) -> PauliChannel:
        """What the pulses leave of the slow noise, their own errors, and the fast part."""
        slow = decoupled(self.noise, self.held_s, self.pulses, self.pulse_error)
        return slow.after(self.coherence.twirled(self.held_s))


@dataclass(frozen=True, slots=True)
class PatchMemory:
    """A rotated surface code of odd ``distance`` for ``rounds`` of syndrome measurement."""

    distance: int
    rounds: int
    noise: CircuitNoise

    def __post_init__(self) -> None:
        if self.distance < 3 or self.distance % 2 == 0:
            raise InputError(f"patch: expected an odd distance from 3, got {self.distance}")
        if not 1 <= self.rounds <= MOST_ROUNDS:
            raise InputError(f"patch: expected 1 to {MOST_ROUNDS} rounds, got {self.rounds}")

    @property
    def qubits(self) -> int:
        """Data qubits and those that measure."""
        return 2 * self.distance**2 - 1

    def detectors(self, basis: Basis) -> int:
        """All of the circuit, in either basis as many.

        The first and the last layer look at one kind of stabiliser, those between at both.
        """
        each = (self.distance**2 - 1) // 2
        return each * 2 * self.rounds

    def circuit(self, basis: Basis) -> Any:
        """The memory experiment of `codes.surface`, a ``stim.Circuit``."""
        return _circuit(self, basis)

    def error_model(self, basis: Basis) -> Any:
        """See `Memory.error_model`; decomposed into edges."""
        return _circuit(self, basis).detector_error_model(decompose_errors=True)

    def sample(self, basis: Basis, shots: int, rng: np.random.Generator) -> Held:
        """See `Memory.sample`."""
        size = shots * -(-self.detectors(basis) // 8)
        if size > MOST_BYTES:
            raise InputError(
                f"patch of distance {self.distance}: expected at most {MOST_BYTES} bytes of "
                f"detection events, got {size} for {shots} halves and {self.rounds} rounds"
            )
        sampler = _circuit(self, basis).compile_detector_sampler(seed=int(rng.integers(1 << 62)))
        events, flips = sampler.sample(shots, separate_observables=True, bit_packed=True)
        return Held(events, flips[:, 0].astype(bool))


@lru_cache(maxsize=64)
def _circuit(patch: PatchMemory, basis: Basis) -> Any:
    # Imported here: without its libraries a bare memory still holds.
    from bridge.quantum.codes.surface import surface_memory

    circuit = surface_memory(patch.distance, patch.rounds, patch.noise, basis).circuit
    if circuit.num_detectors != patch.detectors(basis):
        raise InputError(
            f"patch: expected {patch.detectors(basis)} detectors, got {circuit.num_detectors}"
        )
    return circuit
