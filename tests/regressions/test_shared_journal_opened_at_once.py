"""Two relayers that were started at once on a new PostgreSQL journal: one of them ended.

Each found no tables and made them, and the second's types were there already.
"""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

from bridge.relayer.journal import Journal
from tests.postgres import Server


def test_many_open_a_new_shared_journal_at_once(postgres: Server) -> None:
    together = 4
    for _ in range(4):
        url = postgres.create(f"opened_{uuid4().hex}")
        start = Barrier(together)

        def open_and_ask(url: str = url, start: Barrier = start) -> int:
            start.wait()
            journal = Journal(url)
            try:
                return len(journal.all_entries())
            finally:
                journal.close()

        with ThreadPoolExecutor(together) as pool:
            assert list(pool.map(lambda _: open_and_ask(), range(together))) == [0] * together
