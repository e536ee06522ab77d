"""Where cryptography is used: calls of precompiles, calls of verifiers elsewhere, short hashes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from bridge.verifier.evm import opcodes as op
from bridge.verifier.evm.dispatch import is_selector
from bridge.verifier.evm.interfaces import PERMITS, PROOF_VERIFIERS, SIGNATURE_CHECKS
from bridge.verifier.evm.interpreter import Event, Interpreter
from bridge.verifier.evm.values import Value, Word, options

PRECOMPILES: Final = {
    0x01: "ecrecover",
    0x02: "SHA2-256",
    0x03: "RIPEMD-160",
    0x05: "modexp",  # EIP-198
    0x06: "bn254 addition",  # EIP-196
    0x07: "bn254 multiplication",
    0x08: "bn254 pairing",  # EIP-197
    0x0A: "KZG point evaluation",  # EIP-4844
    0x0B: "BLS12-381 G1 addition",  # EIP-2537
    0x0C: "BLS12-381 G1 multi-scalar multiplication",
    0x0D: "BLS12-381 G2 addition",
    0x0E: "BLS12-381 G2 multi-scalar multiplication",
    0x0F: "BLS12-381 pairing",
    0x10: "BLS12-381 map to G1",
    0x11: "BLS12-381 map to G2",
    0x100: "P-256 verification",  # RIP-7212, EIP-7951
}
"""Precompiles that compute cryptography, by address."""

LAST_PRECOMPILE: Final = 0x1FF
"""No contract of anybody stands below this."""

MAX_SITES: Final = 128


class Use(Enum):
    """What is used, and where."""

    PRECOMPILE = "precompile"
    VERIFIER = "verifier"
    """Another contract that checks a proof, a signature or a permit."""
    SHORT_HASH = "short hash"


@dataclass(frozen=True, slots=True)
class Site:
    """One place in the code. ``precompiles`` are the addresses that the call may have.

    ``direct`` says that the address is one constant in every context; ``selector`` is that of a
    verifier's function; ``bits`` is what is left of a hash. ``flags`` and ``values`` are the
    indices of the values with which the flow begins: flags of calls, and other values. ``inputs``
    are the words that the call reads of memory.
    """

    index: int
    offset: int
    use: Use
    nodes: frozenset[int]
    precompiles: frozenset[int] = frozenset()
    direct: bool = True
    selector: int | None = None
    bits: int | None = None
    flags: frozenset[int] = frozenset()
    values: frozenset[int] = frozenset()
    inputs: tuple[tuple[int, Word], ...] = ()
    input_size: Word = 0

    @property
    def flag_decides(self) -> bool:
        """Whether success alone is the answer: a proof that is wrong makes the call fail."""
        return self.use is Use.VERIFIER or 0x0A in self.precompiles

    @property
    def gives_address(self) -> bool:
        """Whether what is returned is an address, which is no answer before it is compared."""
        return self.precompiles == {0x01}


def call_selector(event: Event) -> int | None:
    """The function that a call names, where its first four bytes are known."""
    first = next((word for at, word in event.memory if at == 0), None)
    if first is not None:
        return _top_bytes(first)
    # A number in the word before, of which the last four bytes are sent (Vyper, solady).
    before = next((word for at, word in event.memory if at == -28), None)
    return before & 0xFFFFFFFF if isinstance(before, int) else None


def _top_bytes(word: Word, depth: int = 0) -> int | None:
    if isinstance(word, int):
        return word >> 224
    if word.kind == op.OR and depth < 4:
        a, b = word.operands
        for one, other in ((a, b), (b, a)):
            top = _top_bytes(one, depth + 1)
            if top and _has_no_top(other):
                return top
    return None


def _has_no_top(word: Word) -> bool:
    """Whether the first four bytes are zero."""
    if isinstance(word, int):
        return word >> 224 == 0
    return word.kind == op.AND and any(
        isinstance(one, int) and one >> 224 == 0 for one in word.operands
    )


def find_sites(run: Interpreter) -> tuple[Site, ...]:
    """All sites, in order of their offsets; at most `MAX_SITES`."""
    calls: dict[int, list[Event]] = {}
    for events in run.events.values():
        for event in events:
            if event.opcode in op.CALLS:
                calls.setdefault(event.offset, []).append(event)
    sites: list[Site] = []
    for offset, events in sorted(calls.items()):
        site = _call_site(len(sites), offset, events)
        if site is not None and len(sites) < MAX_SITES:
            sites.append(site)
    for offset, bits, values in _short_hashes(run):
        if len(sites) < MAX_SITES:
            sites.append(
                Site(len(sites), offset, Use.SHORT_HASH, frozenset(), bits=bits, values=values)
            )
    return tuple(sites)


def _call_site(index: int, offset: int, events: list[Event]) -> Site | None:
    precompiles: set[int] = set()
    direct = True
    selectors = set()
    for event in events:
        known, _ = options(event.operands[1])
        precompiles |= {one for one in known if one in PRECOMPILES}
        direct = direct and isinstance(event.operands[1], int)
        selectors.add(call_selector(event))
    flags = frozenset(event.result.index for event in events if event.result is not None)
    nodes = frozenset(event.node for event in events)
    size = events[0].operands[-3]
    if precompiles:
        return Site(
            index,
            offset,
            Use.PRECOMPILE,
            nodes,
            frozenset(precompiles),
            direct,
            flags=flags,
            inputs=_merged(events),
            input_size=size,
        )
    for selector in sorted(one for one in selectors if one is not None):
        if selector in PROOF_VERIFIERS or selector in SIGNATURE_CHECKS or selector in PERMITS:
            return Site(index, offset, Use.VERIFIER, nodes, selector=selector, flags=flags)
    return None


def _merged(events: Iterable[Event]) -> tuple[tuple[int, Word], ...]:
    """What the calls of one place read, the first of each distance."""
    words: dict[int, Word] = {}
    for event in events:
        for at, word in event.memory:
            words.setdefault(at, word)
    return tuple(sorted(words.items(), key=lambda pair: pair[0]))


def _short_hashes(run: Interpreter) -> list[tuple[int, int, frozenset[int]]]:
    """Offset, bits and values of hashes of which at most half is left, that something compares."""
    short: dict[tuple[int, int], set[int]] = {}
    # A number's first four bytes compared with a selector are a function's name.
    names = {
        operand.index
        for value in run.values.all
        if value.kind in (op.EQ, op.XOR, op.SUB) and any(map(_names_function, value.operands))
        for operand in value.operands
        if isinstance(operand, Value)
    }
    for value in run.values.all:
        found = _bits_left(value)
        if found is None or value.index in names:
            continue
        hashed, bits = found
        at = run.hashes.get(hashed.index)
        if at is not None and bits <= 128:
            short.setdefault((at, bits), set()).add(value.index)
    return [(at, bits, frozenset(values)) for (at, bits), values in sorted(short.items())]


def _names_function(word: Word, depth: int = 0) -> bool:
    if isinstance(word, Value) and word.kind in (op.SHL, op.AND, op.MUL) and depth < 4:
        return any(_names_function(one, depth + 1) for one in word.operands)
    return is_selector(word) or (
        isinstance(word, Value) and word.kind == op.CALLDATALOAD and word.operands[0] == 0
    )


def _bits_left(value: Value) -> tuple[Value, int] | None:
    """The hash that ``value`` is a part of, and how many bits of it, whole bytes only."""
    if value.kind not in (op.AND, op.SHR):
        return None
    a, b = value.operands
    hashed, constant = (a, b) if isinstance(b, int) else (b, a)
    if not isinstance(hashed, Value) or hashed.kind != op.SHA3 or not isinstance(constant, int):
        return None
    if value.kind == op.SHR:
        return (hashed, 256 - constant) if 128 <= constant < 256 and constant % 8 == 0 else None
    low = constant & -constant
    run = constant // low
    if run & (run + 1) or not constant:
        return None
    bits = run.bit_length()
    at_an_end = low == 1 or constant >> 255
    return (hashed, bits) if bits % 8 == 0 and bits >= 32 and at_an_end else None


def constant_word(site: Site, at: int) -> int | None:
    """The constant that the call reads at that distance, if it is one."""
    word = next((word for distance, word in site.inputs if distance == at), None)
    return word if isinstance(word, int) else None
