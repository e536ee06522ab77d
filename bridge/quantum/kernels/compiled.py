"""The one decorator of the kernels: compiled at first use, without the interpreter's lock.

The machine code is kept beside the source, in ``__pycache__``, or in the user's cache folder where
that cannot be written, and is compiled anew when the source or the processor changes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def kernel(function: Function) -> Function:
    """``function`` as a compiled kernel. Indices are not checked: its caller checks shapes."""
    decorate = numba.njit(cache=True, nogil=True, error_model="numpy")
    return cast(Function, decorate(function))
