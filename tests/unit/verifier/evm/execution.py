"""Runs code on py-evm and says which instructions of it ran: what a graph of the code must hold."""

from __future__ import annotations

from typing import Any, ClassVar

from eth.constants import BLANK_ROOT_HASH, ZERO_HASH32
from eth.db.atomic import AtomicDB
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.prague.computation import PragueComputation
from eth.vm.forks.prague.state import PragueState
from eth.vm.message import Message

CONTRACT = b"\xc0" * 20
CALLER = b"\xca" * 20
GAS = 400_000

_offsets: set[int] = set()


def _noting(function: Any) -> Any:
    def note(computation: Any) -> Any:
        if computation.msg.depth == 0:
            _offsets.add(computation.code.program_counter - 1)
        return function(computation=computation)

    return note


class _Computation(PragueComputation):
    opcodes: ClassVar[dict[int, Any]] = {
        opcode: _noting(function) for opcode, function in PragueComputation.opcodes.items()
    }


class _State(PragueState):
    computation_class = _Computation


def executed(code: bytes, data: bytes, value: int = 0) -> set[int]:
    """Offsets of the instructions of ``code`` that one call runs."""
    _offsets.clear()
    _run(code, data, value, {})
    return set(_offsets)


def returned(code: bytes, data: bytes, others: dict[bytes, bytes]) -> bytes:
    """What a call of ``code`` returns, where other contracts stand at the given addresses."""
    computation = _run(code, data, 0, others)
    assert computation.is_success
    return computation.output


def _run(code: bytes, data: bytes, value: int, others: dict[bytes, bytes]) -> Any:
    context = ExecutionContext(b"\0" * 20, 10**9, 1, 0, ZERO_HASH32, 30_000_000, [], 1, 7, 0)
    state = _State(AtomicDB(), context, BLANK_ROOT_HASH)
    state.set_balance(CALLER, 10**18)
    state.set_balance(CONTRACT, 10**18)
    for address, one in {CONTRACT: code, **others}.items():
        state.set_code(address, one)
    message = Message(GAS, CONTRACT, CALLER, value, data, code)
    transaction = _State.transaction_context_class(gas_price=10, origin=CALLER)
    return _Computation.apply_message(state, message, transaction)
