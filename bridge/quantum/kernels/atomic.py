"""Words that two processes share: loads and stores that are neither moved nor left out.

LLVM may take an ordinary load out of the loop that waits for it.
"""

from __future__ import annotations

import platform
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from bridge.quantum.kernels.compiled import kernel
from bridge.quantum.kernels.instructions import Word, call
from bridge.quantum.kernels.trees import Words

_ALIGNED = 8
_X86 = platform.machine() in ("x86_64", "AMD64")


def _address(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    kind = signature.args[0]
    array = context.make_array(kind)(context, builder, arguments[0])
    return cgutils.get_item_pointer(context, builder, kind, array, [arguments[1]])


@intrinsic
def _load_acquire(typing_context: Any, words: Any, place: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _address(context, builder, signature, arguments)
        return builder.load_atomic(pointer, "acquire", _ALIGNED)

    return types.uint64(words, types.int64), generate


@intrinsic
def _store_release(typing_context: Any, words: Any, place: Any, value: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _address(context, builder, signature, arguments)
        builder.store_atomic(arguments[2], pointer, "release", _ALIGNED)
        return context.get_dummy_value()

    return types.void(words, types.int64, types.uint64), generate


@intrinsic
def _pause(typing_context: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if _X86:
            call(builder, "llvm.x86.sse2.pause", ir.VoidType(), [])
        return context.get_dummy_value()

    return types.void(), generate


@kernel
def load_acquire(words: Words, place: int) -> Word:
    """``words[place]``; nothing after it is read before it."""
    return _load_acquire(words, place)


@kernel
def store_release(words: Words, place: int, value: Word) -> None:
    """``words[place] = value``; everything before it is written before it."""
    _store_release(words, place, value)


@kernel
def pause() -> None:
    """Tell an x86 processor that this is a loop which waits; nothing elsewhere."""
    _pause()
