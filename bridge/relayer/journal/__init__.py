"""The journal: where each message stands, written before each act.

One row a message for the present, acts and transitions for its past, transactions with their
nonces. SQLite in a file for one relayer, PostgreSQL for several.
"""

from __future__ import annotations

from pathlib import Path

from bridge.relayer.journal.asking import Asking
from bridge.relayer.journal.attesting import Attesting
from bridge.relayer.journal.database import open_database
from bridge.relayer.journal.delivering import Delivering
from bridge.relayer.journal.holding import Holding
from bridge.relayer.journal.measuring import Measuring, Standing
from bridge.relayer.journal.observing import Observing
from bridge.relayer.journal.records import (
    Batch,
    Draft,
    Entry,
    Purpose,
    State,
    Submission,
    Transition,
)
from bridge.relayer.journal.sharing import Sharing
from bridge.relayer.journal.submitting import Submitting

__all__ = [
    "Batch",
    "Draft",
    "Entry",
    "Journal",
    "Purpose",
    "Standing",
    "State",
    "Submission",
    "Transition",
]


class Journal(Observing, Attesting, Holding, Delivering, Submitting, Sharing, Asking, Measuring):
    """The relayers' memory. Every method is one transaction; none waits on a chain.

    ``where`` is the path of a file or the address of a PostgreSQL. With ``read_only`` the file must
    be there and is never written, whatever is called.
    """

    def __init__(self, where: Path | str, read_only: bool = False) -> None:
        super().__init__(open_database(where, read_only))

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()
