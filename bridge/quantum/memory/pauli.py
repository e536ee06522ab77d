"""The Pauli group in symplectic form, and channels that apply a Pauli at random.

A Pauli on one qubit is two bits, x + 2 z: I = 0, X = 1, Z = 2, Y = 3, so that the product of two is
their exclusive or, up to a phase. `PauliString` keeps the phase. `PauliChannel` does not need it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from bridge.domain.errors import InputError
from bridge.quantum.basis import Basis

Matrix = npt.NDArray[np.complex128]
Weights = npt.NDArray[np.float64]

TOLERANCE = 1e-9

_XOR = np.arange(4)[:, None] ^ np.arange(4)


class Pauli(IntEnum):
    """One qubit's Pauli, x + 2 z."""

    I = 0  # noqa: E741 its name
    X = 1
    Z = 2
    Y = 3


FLIPS: dict[Basis, tuple[Pauli, Pauli]] = {
    Basis.Z: (Pauli.X, Pauli.Y),
    Basis.X: (Pauli.Z, Pauli.Y),
}
"""The two Paulis that flip a measurement in each basis."""

MATRICES: dict[Pauli, Matrix] = {
    Pauli.I: np.eye(2, dtype=np.complex128),
    Pauli.X: np.array([[0, 1], [1, 0]], dtype=np.complex128),
    Pauli.Z: np.array([[1, 0], [0, -1]], dtype=np.complex128),
    Pauli.Y: np.array([[0, -1j], [1j, 0]], dtype=np.complex128),
}


def probability(name: str, value: float, most: float = 1.0) -> float:
    """``value`` if it is from 0 to ``most``; ``InputError`` otherwise, for NaN too."""
    if not 0.0 <= value <= most:
        raise InputError(f"{name}: expected 0 to {most:g}, got {value}")
    return float(value)


def duration(name: str, seconds: float) -> float:
    """``seconds`` if it is a time, finite and not negative; ``InputError`` otherwise."""
    if not 0.0 <= seconds < math.inf:
        raise InputError(f"{name}: expected 0 s or more, got {seconds}")
    return float(seconds)


def checked_weights(name: str, weights: Iterable[float], count: int) -> Weights:
    """``count`` probabilities that add up to 1 within `TOLERANCE`, as an array that is read only.

    What rounding left below 0 or beside 1 is put right; ``InputError`` for anything else.
    """
    array = np.array(list(weights), dtype=np.float64)
    if array.shape != (count,):
        raise InputError(f"{name}: expected {count} probabilities, got {array.size}")
    if not (np.all(array >= -TOLERANCE) and abs(float(array.sum()) - 1.0) <= TOLERANCE):
        raise InputError(f"{name}: expected probabilities that add up to 1, got {array.tolist()}")
    array = np.clip(array, 0.0, None)
    array /= array.sum()
    array.flags.writeable = False
    return array


def xor_convolve(first: Weights, second: Weights) -> Weights:
    """The law of a ^ b for independent a and b of these laws over two bits."""
    result: Weights = second[_XOR] @ first
    return result


@dataclass(frozen=True, slots=True, eq=False)
class PauliChannel:
    """A Pauli drawn with ``weights``, in the order I, X, Z, Y, applied to one qubit."""

    weights: Weights

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", checked_weights("Pauli channel", self.weights, 4))

    @classmethod
    def identity(cls) -> PauliChannel:
        """Nothing happens."""
        return cls(np.array([1.0, 0.0, 0.0, 0.0]))

    @classmethod
    def depolarising(cls, p: float) -> PauliChannel:
        """One of X, Y, Z with probability ``p`` in all, as stim's DEPOLARIZE1."""
        probability("depolarising", p)
        return cls(np.array([1.0 - p, p / 3.0, p / 3.0, p / 3.0]))

    @classmethod
    def flips(cls, x: float, z: float) -> PauliChannel:
        """Independent bit and phase flips."""
        probability("bit flip", x)
        probability("phase flip", z)
        return cls(np.array([(1 - x) * (1 - z), x * (1 - z), (1 - x) * z, x * z]))

    def after(self, first: PauliChannel) -> PauliChannel:
        """``first``, then this one. Pauli channels commute."""
        return PauliChannel(xor_convolve(self.weights, first.weights))

    def flip_probability(self, basis: Basis) -> float:
        """How often a measurement in ``basis`` is flipped."""
        return float(sum(self.weights[pauli] for pauli in FLIPS[basis]))

    def transfer(self) -> Weights:
        """What the Bloch vector's x, y and z shrink by."""
        i, x, z, y = self.weights
        return np.array([i + x - y - z, i - x + y - z, i - x - y + z])

    def kraus(self) -> list[Matrix]:
        """Its Kraus operators."""
        return [math.sqrt(self.weights[pauli]) * MATRICES[pauli] for pauli in Pauli]


@dataclass(frozen=True, slots=True)
class PauliString:
    """i^phase times X^x Z^z on each of some qubits; ``x`` and ``z`` are bit masks.

    Qubit 0 is the lowest bit, and the lowest in a matrix's index. Y is i X Z, phase 1.
    """

    qubits: int
    x: int = 0
    z: int = 0
    phase: int = 0

    def __post_init__(self) -> None:
        if self.qubits < 1 or self.x >> self.qubits or self.z >> self.qubits:
            raise InputError(
                f"Pauli string: expected masks of {self.qubits} qubits, got {self.x:#x} and "
                f"{self.z:#x}"
            )
        object.__setattr__(self, "phase", self.phase % 4)

    @classmethod
    def parse(cls, text: str) -> PauliString:
        """From letters, qubit 0 last, as Qiskit writes labels; a sign may stand before.

        >>> (PauliString.parse("XI") * PauliString.parse("ZI")).label()
        '-iYI'
        """
        letters = text.removeprefix("-")
        if not letters or set(letters) - set("IXYZ"):
            raise InputError(f"Pauli string: expected letters I, X, Y and Z, got {text!r}")
        x = z = phase = 0
        for place, letter in enumerate(reversed(letters)):
            pauli = Pauli[letter]
            x |= (pauli & 1) << place
            z |= (pauli >> 1) << place
            phase += pauli is Pauli.Y
        return cls(len(letters), x, z, phase + 2 * (text[0] == "-"))

    def label(self) -> str:
        """What `parse` reads, with one of '', '-', 'i' and '-i' before."""
        letters = [Pauli((self.x >> n & 1) + 2 * (self.z >> n & 1)).name for n in self._places()]
        sign = (self.phase - sum(one == "Y" for one in letters)) % 4
        return ("", "i", "-", "-i")[sign] + "".join(reversed(letters))

    def _places(self) -> range:
        return range(self.qubits)

    def __mul__(self, other: PauliString) -> PauliString:
        """The product with its phase: moving Z past X costs a sign."""
        if self.qubits != other.qubits:
            raise InputError(
                f"Pauli product: expected {self.qubits} qubits on both sides, got {other.qubits}"
            )
        sign = 2 * (self.z & other.x).bit_count()
        return PauliString(
            self.qubits, self.x ^ other.x, self.z ^ other.z, self.phase + other.phase + sign
        )

    def commutes(self, other: PauliString) -> bool:
        """Whether the order of the two makes no difference."""
        return ((self.x & other.z).bit_count() + (self.z & other.x).bit_count()) % 2 == 0

    @property
    def weight(self) -> int:
        """On how many qubits it is no identity."""
        return (self.x | self.z).bit_count()

    def after_h(self, qubit: int) -> PauliString:
        """H P H on one qubit: x and z change places, and Y its sign."""
        bit = self._bit(qubit)
        x, z = self.x & bit, self.z & bit
        return PauliString(
            self.qubits,
            self.x ^ x | (bit if z else 0),
            self.z ^ z | (bit if x else 0),
            self.phase + 2 * bool(x and z),
        )

    def after_s(self, qubit: int) -> PauliString:
        """S P S^-1 on one qubit: X becomes Y = i X Z."""
        bit = self._bit(qubit)
        has_x = bool(self.x & bit)
        return PauliString(self.qubits, self.x, self.z ^ (bit if has_x else 0), self.phase + has_x)

    def after_cx(self, control: int, target: int) -> PauliString:
        """CX P CX: X spreads to the target, Z to the control."""
        c, t = self._bit(control), self._bit(target)
        if c == t:
            raise InputError(f"CX: expected two different qubits, got {control} twice")
        return PauliString(
            self.qubits,
            self.x ^ (t if self.x & c else 0),
            self.z ^ (c if self.z & t else 0),
            self.phase,
        )

    def matrix(self) -> Matrix:
        """The operator, 2^n by 2^n."""
        result = np.array([[1j**self.phase]], dtype=np.complex128)
        for n in reversed(self._places()):
            one = np.eye(2, dtype=np.complex128)
            if self.x >> n & 1:
                one = one @ MATRICES[Pauli.X]
            if self.z >> n & 1:
                one = one @ MATRICES[Pauli.Z]
            result = np.kron(result, one)
        return result

    def _bit(self, qubit: int) -> int:
        if not 0 <= qubit < self.qubits:
            raise InputError(f"qubit: expected 0 to {self.qubits - 1}, got {qubit}")
        return 1 << qubit


def flipped(errors: Iterable[float]) -> float:
    """How often an odd number of independent flips happen: (1 - prod(1 - 2 e)) / 2.

    >>> round(flipped([0.01, 0.02]), 6)
    0.0296
    """
    product = 1.0
    for error in errors:
        product *= 1.0 - 2.0 * probability("error rate", error)
    return (1.0 - product) / 2.0
