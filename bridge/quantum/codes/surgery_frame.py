"""The logical state under lattice surgery: stabilizers whose signs are parities of results.

What is prepared, measured and merged here is all in X or all in Z, so each generator of the state's
stabilizer group is a product of X or a product of Z over some patches, with a sign that is known
only as a parity of measurement results: the Pauli frame. Measuring an operator which commutes with
them all gives a parity that must be even, an observable for a decoder. Measuring any other makes it
a generator in the place of one that anticommutes with it (Gottesman 1998, arXiv quant-ph/9807006).

Surgery leaves byproducts behind: Pauli operators on a patch, applied or not as some results say.
They are not carried out but remembered, and turn over what is measured later.

A patch that comes in with a state of its own is taken to be half of a Bell pair with a reference;
what ends up with the references in a generator says what the surgery does to the state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.domain.errors import InputError
from bridge.quantum.basis import Basis
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


def correction(stabilizers: Sequence[Stabilizer], negative: Sequence[bool]) -> Mapping[str, str]:
    """The Pauli operator, I, X, Y or Z for each patch, that makes all signs positive.

    ``negative`` says of each stabilizer whether its sign is -1. `InputError` when no operator on
    the patches does it, or for any other number of signs.
    """
    if len(negative) != len(stabilizers):
        raise InputError(f"signs: expected {len(stabilizers)}, got {len(negative)}")
    patches = sorted({name for one in stabilizers for name in one.patches})
    turning = {}
    for basis in Basis:
        signs = zip(stabilizers, negative, strict=True)
        rows = [
            (sum(1 << patches.index(name) for name in one.patches), bool(sign))
            for one, sign in signs
            if one.basis is basis
        ]
        turning[basis.other] = _solve(rows)  # a product of X is turned over by Z, one of Z by X
    x, z = turning[Basis.X], turning[Basis.Z]
    return {name: "IXZY"[(x >> at & 1) + 2 * (z >> at & 1)] for at, name in enumerate(patches)}


def _solve(rows: list[tuple[int, bool]]) -> int:
    """A vector whose product with each row's mask has the row's parity."""
    pivots: list[tuple[int, int, bool]] = []
    for mask, value in rows:
        for bit, other, its_value in pivots:
            if mask >> bit & 1:
                mask, value = mask ^ other, value ^ its_value
        if mask:
            pivots.append((mask.bit_length() - 1, mask, value))
        elif value:
            raise InputError("signs: expected those that a Pauli operator can turn over")
    result = 0
    for bit, mask, value in reversed(pivots):
        if ((mask & result).bit_count() % 2 == 1) is not value:
            result |= 1 << bit
    return result


class LogicalState:
    """The generators of the logical stabilizer group, as many as patches and references."""

    def __init__(self) -> None:
        self._generators: list[Stabilizer] = []
        self._byproducts: dict[tuple[Basis, str], Parity] = {}

    @property
    def generators(self) -> tuple[Stabilizer, ...]:
        """The generators as they stand, with the byproducts of their patches in the signs."""
        return tuple(
            Stabilizer(
                one.basis,
                one.patches,
                one.references,
                self.outcome(one.basis, one.patches, one.sign),
            )
            for one in self._generators
        )

    def outcome(self, basis: Basis, patches: frozenset[str], raw: Parity) -> Parity:
        """What a product of ``basis`` would have been without the byproducts, measured ``raw``."""
        for patch in patches:
            raw ^= self._byproducts.get((basis, patch), Parity())
        return raw

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
        """Measure a patch, and forget it and its byproducts; like ``measure`` otherwise."""
        even = self.measure(basis, frozenset((patch,)), result)
        alone = Stabilizer(basis, frozenset((patch,)), frozenset(), result)
        with_patch = [one for one in self._generators if patch in one.patches]
        if even is not None:
            # Its own generator is a product of those with the patch: one of them goes.
            self._generators.remove(with_patch[0])
            others = [one.times(with_patch[0]) for one in with_patch[1:]]
        else:
            self._generators.remove(alone)
            others = [one.times(alone) for one in with_patch if one != alone]
        kept = [one for one in self._generators if patch not in one.patches]
        self._generators = kept + others
        for either in Basis:
            self._byproducts.pop((either, patch), None)
        return even

    def byproduct(self, basis: Basis, patch: str, result: Parity) -> None:
        """An operator that turns over ``basis`` of a patch where ``result`` is odd."""
        self._byproducts[basis, patch] = self._byproducts.get((basis, patch), Parity()) ^ result

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
