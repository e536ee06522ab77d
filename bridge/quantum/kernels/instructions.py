"""Processor instructions for use inside kernels, and the loops that stand in where one is missing.

``extract``, ``deposit`` and ``multiply`` are the processor's own instruction where `processor` says
that it is there, and the portable loop of the same name where not. Numba keys its cache by the
processor's features, so that code compiled with the one never runs on the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from bridge.quantum.kernels.compiled import kernel
from bridge.quantum.kernels.processor import processor

Word: TypeAlias = Any
"""A uint64 inside a kernel; an ``int`` or ``numpy.uint64`` outside."""

_I8, _I32, _I64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)
_PAIR = ir.VectorType(_I64, 2)
_ZERO, _ONE = np.uint64(0), np.uint64(1)


def call(builder: Any, name: str, result: Any, arguments: list[Any]) -> Any:
    """Emit a call of the LLVM intrinsic ``name``."""
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    return builder.call(function, arguments)


@intrinsic
def _pext(typing_context: Any, value: Any, mask: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return call(builder, "llvm.x86.bmi.pext.64", _I64, list(arguments))

    return types.uint64(types.uint64, types.uint64), generate


@intrinsic
def _pdep(typing_context: Any, value: Any, mask: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return call(builder, "llvm.x86.bmi.pdep.64", _I64, list(arguments))

    return types.uint64(types.uint64, types.uint64), generate


@intrinsic
def _pclmulqdq(typing_context: Any, left: Any, right: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        empty, first = ir.Constant(_PAIR, [0, 0]), ir.Constant(_I32, 0)
        pairs = [builder.insert_element(empty, argument, first) for argument in arguments]
        low = ir.Constant(_I8, 0)
        product = call(builder, "llvm.x86.pclmulqdq", _PAIR, [*pairs, low])
        halves = [builder.extract_element(product, ir.Constant(_I32, half)) for half in (0, 1)]
        return context.make_tuple(builder, signature.return_type, halves)

    return types.UniTuple(types.uint64, 2)(types.uint64, types.uint64), generate


@intrinsic
def _ctpop(typing_context: Any, value: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


@intrinsic
def _cttz(typing_context: Any, value: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), generate


@kernel
def portable_extract(value: Word, mask: Word) -> Word:
    """The bits of ``value`` under ``mask``, moved together at the low end."""
    result, place = _ZERO, _ONE
    while mask:
        lowest = mask & (~mask + _ONE)
        if value & lowest:
            result |= place
        place <<= _ONE
        mask ^= lowest
    return result


@kernel
def portable_deposit(value: Word, mask: Word) -> Word:
    """The low bits of ``value``, spread to the places of ``mask``; undoes `portable_extract`."""
    result, place = _ZERO, _ONE
    while mask:
        lowest = mask & (~mask + _ONE)
        if value & place:
            result |= lowest
        place <<= _ONE
        mask ^= lowest
    return result


@kernel
def portable_multiply(left: Word, right: Word) -> tuple[Word, Word]:
    """The carry-less product of two words, that of polynomials over GF(2): (low, high)."""
    low, high = _ZERO, _ZERO
    for shift in range(64):
        if (right >> np.uint64(shift)) & _ONE:
            low ^= left << np.uint64(shift)
            if shift:
                high ^= left >> np.uint64(64 - shift)
    return low, high


@kernel
def native_extract(value: Word, mask: Word) -> Word:
    """`portable_extract` in one instruction (PEXT)."""
    return _pext(value, mask)


@kernel
def native_deposit(value: Word, mask: Word) -> Word:
    """`portable_deposit` in one instruction (PDEP)."""
    return _pdep(value, mask)


@kernel
def native_multiply(left: Word, right: Word) -> tuple[Word, Word]:
    """`portable_multiply` in one instruction (PCLMULQDQ)."""
    return _pclmulqdq(left, right)


@kernel
def count_ones(value: Word) -> Word:
    """The number of bits of a word that are set."""
    return _ctpop(value)


@kernel
def lowest_one(value: Word) -> Word:
    """The place of the lowest bit of a word that is set; 64 when none is."""
    return _cttz(value)


extract: Callable[[Word, Word], Word]
deposit: Callable[[Word, Word], Word]
multiply: Callable[[Word, Word], tuple[Word, Word]]

if processor().bit_extract:
    extract, deposit = native_extract, native_deposit
else:
    extract, deposit = portable_extract, portable_deposit
multiply = native_multiply if processor().carry_less else portable_multiply
