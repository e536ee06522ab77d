"""The folder that keeps installed compilers, one folder for each, whole or not there."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

CACHE_VARIABLE = "ASTRALINK_COMPILERS"


def default_cache() -> Path:
    """Where compilers are kept: ``ASTRALINK_COMPILERS``, else under the user's cache folder."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "astralink" / "compilers"


def installed(cache: Path, name: str, install: Callable[[Path], None], fixed: bool = False) -> Path:
    """The folder ``name`` in the cache, filled by ``install`` where it is not there.

    One process installs and the others wait. ``install`` fills a folder under another name, which
    is then renamed; where it raises, nothing is left. A ``fixed`` one is filled in its place,
    since what is in it (a venv) knows its own path, and is marked when it is whole.
    """
    folder = cache / name
    mark = folder / ".whole"
    if mark.exists():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / f".{name}.lock"):
        if mark.exists():
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        made = folder if fixed else Path(tempfile.mkdtemp(dir=cache, prefix=f".{name}-"))
        try:
            made.mkdir(exist_ok=True)
            install(made)
            (made / ".whole").touch()
            if made != folder:
                made.rename(folder)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise
    return folder


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
