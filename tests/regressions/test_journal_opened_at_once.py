"""A new journal that the relayer and a question about its state opened at once was half made."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from bridge.relayer.journal import Journal


def test_many_open_a_new_journal_at_once(tmp_path: Path) -> None:
    together = 6
    for attempt in range(10):
        path = tmp_path / str(attempt) / "journal.sqlite"
        path.parent.mkdir()
        start = Barrier(together)

        def open_and_ask(path: Path = path, start: Barrier = start) -> int:
            start.wait()
            journal = Journal(path)
            try:
                return len(journal.all_entries()) + len(journal.transitions())
            finally:
                journal.close()

        with ThreadPoolExecutor(together) as pool:
            found = list(pool.map(lambda _: open_and_ask(), range(together)))
        assert found == [0] * together
        assert [one.name for one in path.parent.iterdir()] == ["journal.sqlite"]
