"""Finding, loading and steering liboqs. The only module that imports ``oqs`` (liboqs-python).

Three habits of ``import oqs`` are kept from the caller. Without a C library it waits, clones one
and ends the process; so a library that loads is looked for first. It logs to standard output. It
warns when its version and the library's differ; ``version`` tells both instead.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import logging
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Final

from bridge.domain.errors import CryptoError, ProviderMissing

MEND: Final = (
    "install liboqs, or build it with `python scripts/build_liboqs.py` and set OQS_INSTALL_PATH "
    "to the folder it prints"
)

_FILE_NAMES = {"darwin": ("liboqs.dylib",), "win32": ("oqs.dll", "liboqs.dll")}
_FOLDERS = {"win32": ("bin",)}
_RANDOM_BYTES_CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_size_t)

# The random source of liboqs is one for the whole process. Whoever draws from it holds this lock,
# so that nobody draws while another thread has switched the source.
random_lock: Final = threading.RLock()


def find_library() -> str | None:
    """The path or name of a liboqs that loads, or None.

    Looks where liboqs-python looks: ``OQS_INSTALL_PATH`` (or ``_oqs`` in the home folder), then
    the system's libraries.
    """
    prefix = Path(os.environ.get("OQS_INSTALL_PATH") or Path.home() / "_oqs")
    candidates = [
        str(prefix / folder / file_name)
        for folder in _FOLDERS.get(sys.platform, ("lib", "lib64"))
        for file_name in _FILE_NAMES.get(sys.platform, ("liboqs.so",))
    ]
    found = next((path for path in candidates if Path(path).is_file() and _loads(path)), None)
    if found is not None:
        return found
    for name in ("oqs", "liboqs"):
        system = ctypes.util.find_library(name)
        if system is not None and _loads(system):
            return system
    return None


@cache
def load() -> ModuleType:
    """The module ``oqs`` with its library loaded.

    Raises ``ProviderMissing`` when liboqs-python is not installed, no library is found, or the
    library lacks a function that liboqs-python needs.
    """
    path = find_library()
    if path is None:
        raise ProviderMissing(f"liboqs: no shared library found; {MEND}")
    # A disabled logger drops what the module logs while it is imported.
    logger = logging.getLogger("oqs.oqs")
    logger.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import oqs
            import oqs.rand
    except ImportError as error:
        raise ProviderMissing(f"liboqs: liboqs-python is not installed: {error}") from error
    except (AttributeError, SystemExit) as error:
        raise ProviderMissing(
            f"liboqs: the library at {path} does not fit liboqs-python "
            f"{metadata.version('liboqs-python')}: {error}"
        ) from error
    finally:
        logger.handlers.clear()
        logger.disabled = False
    module: ModuleType = oqs
    return module


def version() -> str:
    """The versions of the C library and of liboqs-python, which may differ."""
    library = load().oqs_version()
    return f"{library} (liboqs-python {metadata.version('liboqs-python')})"


@contextmanager
def random_source(data: bytes) -> Iterator[None]:
    """Let liboqs draw exactly ``data`` in place of random bytes, then switch back.

    The source is one for the process: ``random_lock`` is held meanwhile. Raises ``CryptoError``
    when the library drew another number of bytes; then its result must not be used.
    """
    oqs = load()
    drawn = 0

    def draw(buffer: int, length: int) -> None:
        nonlocal drawn
        ctypes.memmove(buffer, data[drawn : drawn + length].ljust(length, b"\0"), length)
        drawn += length

    callback = _RANDOM_BYTES_CALLBACK(draw)
    with random_lock:
        oqs.native().OQS_randombytes_custom_algorithm(callback)
        try:
            yield
        finally:
            oqs.rand.randombytes_switch_algorithm("system")
    if drawn != len(data):
        raise CryptoError(f"liboqs drew {drawn} random bytes, expected {len(data)}")


def _loads(path: str) -> bool:
    try:
        ctypes.CDLL(path)
    except OSError:
        return False
    return True
