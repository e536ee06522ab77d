"""What may stand in memory: words by address, an address being an offset from an expression.

Different expressions are taken to be different places, as compilers allocate them. What is
written on one of two paths that meet may stand there afterwards: this finds where constants and
results of calls can go, not what must be.
"""

from __future__ import annotations

from typing import Final

from bridge.verifier.evm.values import JOIN, MEMORY, RETURNED, Value, Values, Word, split

MAX_WORDS: Final = 96
"""Words kept for one base; the oldest go."""

MAX_BASES: Final = 48
MAX_COPY: Final = 32
"""Words of a copy or of returned data that are followed one by one."""

_FILL: Final = 1 << 300
"""Added to an address: everything from there on that has no word of its own."""

_HEAD: Final = 1 << 301
"""Added to an address: the first four bytes of a constant whose rest was written over."""

Words = dict[int, Word]
Bases = dict[Value | None, Words]


class Memory:
    """The memory of one run of a block: that of its entry, which it copies where it writes."""

    __slots__ = ("_owned", "bases", "values")

    def __init__(self, bases: Bases, values: Values) -> None:
        self.bases = bases
        self.values = values
        self._owned: set[Value | None] | None = None

    def _writable(self, base: Value | None) -> Words:
        if self._owned is None:
            self.bases = dict(self.bases)
            self._owned = set()
        if base in self._owned:
            return self.bases[base]
        words = dict(self.bases.get(base, ()))
        self.bases.pop(base, None)  # the newest last
        if len(self.bases) >= MAX_BASES:
            oldest = next(iter(self.bases))
            if oldest is None:
                words_of_none = self.bases.pop(None)
                self.bases[None] = words_of_none
                oldest = next(iter(self.bases))
            del self.bases[oldest]
        self.bases[base] = words
        self._owned.add(base)
        return words

    def store(self, address: Word, word: Word) -> None:
        """MSTORE."""
        base, at = split(address)
        words = self._writable(base)
        for other in [one for one in words if -32 < one - at < 32 and one != at]:
            old = words.pop(other)
            if isinstance(old, int) and old >> 224 and at - other >= 4:
                words[other + _HEAD] = old >> 224 << 224
        words.pop(at + _HEAD, None)
        if len(words) >= MAX_WORDS and at not in words:
            del words[next(iter(words))]
        words[at] = word

    def forget(self, address: Word, size: Word) -> None:
        """What a write of unknown bytes leaves: nothing known in ``size`` bytes from there."""
        if size == 0:
            return
        base, at = split(address)
        if base not in self.bases and isinstance(address, Value):
            return
        end = at + size if isinstance(size, int) else _FILL - 1
        words = self._writable(base)
        for other in [one for one in words if at - 32 < one < end]:
            del words[other]
        if not isinstance(size, int):
            for other in [one for one in words if _HEAD > one >= _FILL and one - _FILL >= at]:
                del words[other]
        words.pop(at + _HEAD, None)

    def fill(self, address: Word, word: Word) -> None:
        """Say that ``word`` stands for everything from there on."""
        base, at = split(address)
        self._writable(base)[at + _FILL] = word

    def load(self, address: Word) -> Word:
        """MLOAD."""
        base, at = split(address)
        found = self._find(base, at)
        if found is not None:
            return found
        if base is None:
            return self.values.make(MEMORY, (), at)
        parts: tuple[Word, ...] = (base,)
        if base.kind == JOIN:
            for one in base.operands[:8]:
                other, offset = split(one)
                word = self._find(other, offset + at)
                if word is not None:
                    parts = (*parts, word)
        return self.values.make(MEMORY, parts, at)

    def _find(self, base: Value | None, at: int) -> Word | None:
        words = self.bases.get(base)
        if words is None:
            return None
        word = words.get(at)
        if word is not None:
            return word
        parts = tuple(word for other, word in words.items() if -32 < other - at < 32)
        if not parts:
            begins = [one for one in words if _HEAD > one >= _FILL and one - _FILL <= at]
            if begins:
                filled = words[max(begins)]
                if isinstance(filled, Value) and filled.kind == RETURNED:
                    name = at - (max(begins) - _FILL)
                    return self.values.make(RETURNED, tuple(filled.operands), name)
                parts = (filled,)
        return self.values.make(MEMORY, parts, at) if parts else None

    def region(self, address: Word, size: Word) -> tuple[tuple[int, Word], ...]:
        """Words known from there on, with their distance; at most `MAX_COPY`, in order.

        A word that begins up to 31 bytes before has a negative distance.
        """
        base, at = split(address)
        words = self.bases.get(base)
        if not words or size == 0:
            return ()
        end = at + size if isinstance(size, int) else _FILL - 1
        found = [(one - at, word) for one, word in words.items() if at - 32 < one < end]
        head = words.get(at + _HEAD)
        if head is not None and at not in words:
            found.append((0, head))
        found.sort(key=lambda pair: pair[0])
        if not found:
            begins = [one for one in words if _HEAD > one >= _FILL and one - _FILL <= at]
            if begins:
                found = [(0, words[max(begins)])]
        return tuple(found[:MAX_COPY])

    def copy(self, destination: Word, source: Word, size: Word) -> None:
        """MCOPY, word by word as far as they are known."""
        known = self.region(source, size)
        self.forget(destination, size)
        base, at = split(destination)
        words = self._writable(base)
        for distance, word in known:
            if distance >= 0 and len(words) < MAX_WORDS:
                words[at + distance] = word


def union(mine: Bases, other: Bases, values: Values, name: int, grows: bool) -> tuple[bool, int]:
    """Add to ``mine`` what may stand in ``other``: whether that changed it, and words compared.

    Unless it ``grows``, only words at addresses that are there take something in.
    """
    changed, compared = False, 0
    for base, words in other.items():
        old = mine.get(base)
        if old is words:
            continue
        compared += len(words)
        if old is None:
            if grows and len(mine) < MAX_BASES:
                mine[base] = words
                changed = True
            continue
        merged: Words | None = None
        for at, word in words.items():
            before = old.get(at)
            if before is word:
                continue
            if before is None:
                if not grows or len(merged or old) >= MAX_WORDS:
                    continue
                merged = dict(old) if merged is None else merged
                merged[at] = word
                continue
            if not isinstance(before, Value) and before == word:
                continue
            joined = values.join((name, base, at), before, word)
            if joined is not before:
                merged = dict(old) if merged is None else merged
                merged[at] = joined
        if merged is not None:
            mine[base] = merged
            changed = True
    return changed, compared
