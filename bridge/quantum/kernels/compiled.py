"""The one decorator of the kernels: compiled at first use, without the interpreter's lock.

The machine code is kept beside the source, in ``__pycache__``, or in the user's cache folder where
that cannot be written. Numba compiles anew when the processor changes, or the file that a kernel
stands in. But a kernel has the kernels that it calls compiled into it, so here a hash of all files
of this folder counts as a part of numba's version: of another version nothing is read, not even
what would need a class that is gone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


@cache
def _digest() -> str:
    """A hash of all sources in this folder."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def kernel(function: Function) -> Function:
    """``function`` as a compiled kernel. Indices are not checked: its caller checks shapes."""
    compiled = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    file = compiled._cache._cache_file
    assert hasattr(file, "_version"), "numba keeps the version of a cached function elsewhere"
    file._version = f"{file._version} {_digest()}"
    return cast(Function, compiled)
