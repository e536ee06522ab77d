"""The logical state under lattice surgery: stabilizers whose signs are parities of results.

What is prepared, measured and merged here is all in X or all in Z, so each generator of the state's
stabilizer group is a product of X or a product of Z over some patches, with a sign that is known
only as a parity of measurement results: the Pauli frame. Measuring an operator which commutes with
them all gives a parity that must be even, an observable for a decoder. Measuring any other makes it
a generator in the place of one that anticommutes with it (Gottesman 1998, arXiv quant-ph/9807006).

A patch that comes in with a state of its own is taken to be half of a Bell pair with a reference;
what ends up with the references in a generator says what the surgery does to the state.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.domain.errors import InputError
from bridge.quantum.codes.patches import Basis
from bridge.quantum.codes.syndrome_rounds import Records


@dataclass(frozen=True, slots=True)
class Parity:
    """The parity of ``records``; ``outcomes`` says in words which logical results are in it."""

    records: Records = frozenset()
    outcomes: frozenset[str] = frozenset()

    def __xor__(self, other: Parity) -> Parity:
        return Parity(self.records ^ other.records, self.outcomes ^ other.outcomes)

    def __str__(self) -> str:
        return " ".join(sorted(self.outcomes))


@dataclass(frozen=True, slots=True)
class Stabilizer:
    """A product of ``basis`` over patches and references, with the sign (-1) ** ``sign``."""

    basis: Basis
    patches: frozenset[str]
    references: frozenset[str]
    sign: Parity

    def times(self, other: Stabilizer) -> Stabilizer:
        """The product of two in the same basis."""
        return Stabilizer(
            self.basis,
            self.patches ^ other.patches,
            self.references ^ other.references,
            self.sign ^ other.sign,
        )


class LogicalState:
    """The generators of the logical stabilizer group, as many as patches and references."""

    def __init__(self) -> None:
        self._generators: list[Stabilizer] = []

    @property
    def generators(self) -> tuple[Stabilizer, ...]:
        """The generators as they stand."""
        return tuple(self._generators)

    def prepare(self, patch: str, basis: Basis) -> None:
        """A new patch in the +1 eigenstate of ``basis``."""
        self._generators.append(Stabilizer(basis, frozenset((patch,)), frozenset(), Parity()))

    def adopt(self, patch: str) -> None:
        """A new patch in a state of its own."""
        one = frozenset((patch,))
        self._generators += [Stabilizer(basis, one, one, Parity()) for basis in Basis]

    def measure(self, basis: Basis, patches: frozenset[str], result: Parity) -> Parity | None:
        """Take in the result of a product of ``basis``; a parity that must be even, or None."""
        measured = Stabilizer(basis, patches, frozenset(), result)
        against = [
            at
            for at, one in enumerate(self._generators)
            if one.basis is not basis and len(one.patches & patches) % 2
        ]
        if not against:
            return self._reduce(measured).sign
        first = self._generators[against[0]]
        for at in against[1:]:
            self._generators[at] = self._generators[at].times(first)
        self._generators[against[0]] = measured
        return None

    def remove(self, patch: str, basis: Basis, result: Parity) -> Parity | None:
        """Measure a patch, and forget it; like ``measure`` otherwise."""
        even = self.measure(basis, frozenset((patch,)), result)
        alone = Stabilizer(basis, frozenset((patch,)), frozenset(), result)
        with_patch = [one for one in self._generators if patch in one.patches]
        if even is not None:
            # Its own generator is a product of those with the patch: one of them goes.
            self._generators.remove(with_patch[0])
            others = [one.times(with_patch[0]) for one in with_patch[1:]]
        else:
            self._generators.remove(alone)
            others = [one.times(alone) for one in with_patch if one is not alone and one != alone]
        kept = [one for one in self._generators if patch not in one.patches]
        self._generators = kept + others
        return even

    def correct(self, basis: Basis, patch: str, result: Parity) -> None:
        """Put ``result`` into the sign of every product of ``basis`` with that patch."""
        self._generators = [
            Stabilizer(one.basis, one.patches, one.references, one.sign ^ result)
            if one.basis is basis and patch in one.patches
            else one
            for one in self._generators
        ]

    def _reduce(self, measured: Stabilizer) -> Stabilizer:
        """``measured`` times the generators that it is a product of: the identity, with a sign."""
        rows = [one for one in self._generators if one.basis is measured.basis]
        rest = measured
        while rows:
            pivot = rows.pop()
            members = pivot.patches | pivot.references
            if not members:
                raise InputError("logical state: expected independent generators")
            label = min(members, key=str)
            in_patches = label in pivot.patches

            def has(one: Stabilizer, label: str = label, in_patches: bool = in_patches) -> bool:
                return label in (one.patches if in_patches else one.references)

            rows = [one.times(pivot) if has(one) else one for one in rows]
            if has(rest):
                rest = rest.times(pivot)
        if rest.patches or rest.references:
            raise InputError("logical state: expected a pure state")
        return rest
