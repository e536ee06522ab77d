"""What an instruction does that a result may decide: moves value, changes an owner, calls."""

from __future__ import annotations

from collections.abc import Set

from bridge.verifier.evm import opcodes as op
from bridge.verifier.evm.interfaces import EVENTS, PERMITS, SLOTS, TRANSFERS
from bridge.verifier.evm.interpreter import Event
from bridge.verifier.evm.sites import LAST_PRECOMPILE, call_selector
from bridge.verifier.evm.values import Word, options
from bridge.verifier.finding import Guard


def guards_of(event: Event, owner_slots: Set[int]) -> frozenset[Guard]:
    """What the instruction does; empty for one that does none of it."""
    opcode, given = event.opcode, event.operands
    if opcode == op.SSTORE:
        return frozenset((_storage(given[0], owner_slots),))
    if opcode == op.SELFDESTRUCT:
        return frozenset((Guard.TRANSFER,))
    if opcode in (op.CREATE, op.CREATE2):
        return frozenset((Guard.CALL,))
    if op.LOG0 < opcode <= op.LOG4:
        known, _ = options(given[2])
        return frozenset(EVENTS[one] for one in known if one in EVENTS)
    if opcode not in (op.CALL, op.CALLCODE, op.DELEGATECALL) or _is_precompile(given[1]):
        return frozenset()
    if opcode == op.DELEGATECALL:
        return frozenset((Guard.CALL,))
    found = set()
    if options(given[2]) != (frozenset((0,)), True):
        found.add(Guard.TRANSFER)
    selector = call_selector(event)
    if selector in TRANSFERS:
        found.add(Guard.TRANSFER)
    elif selector in PERMITS:
        found.add(Guard.PERMIT)
    elif given[4] != 0:
        found.add(Guard.CALL)
    return frozenset(found)


def _is_precompile(address: Word) -> bool:
    known, whole = options(address)
    return whole and all(0 < one <= LAST_PRECOMPILE for one in known)


def _storage(slot: Word, owner_slots: Set[int]) -> Guard:
    if isinstance(slot, int):
        if slot in SLOTS:
            return SLOTS[slot]
        if slot in owner_slots:
            return Guard.OWNERSHIP
    return Guard.STORAGE
