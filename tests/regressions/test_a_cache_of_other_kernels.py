"""After an update the kernels' cache named a class that was gone, and no link ran any more."""

import copy
import pickle
from pathlib import Path

import numba

from bridge.quantum.kernels.columns import turn


def test_what_other_sources_left_is_not_even_read(tmp_path: Path) -> None:
    file = copy.copy(turn._cache._cache_file)
    file._index_path = str(tmp_path / "turn.nbi")
    unreadable = b"cbridge.quantum.kernels.knowledge\nGone\n."
    for version in (numba.__version__, f"{numba.__version__} another hash"):
        Path(file._index_path).write_bytes(pickle.dumps(version) + unreadable)
        assert file._load_index() == {}
    file._save_index({"signature": "turn.1.nbc"})
    assert file._load_index() == {"signature": "turn.1.nbc"}
