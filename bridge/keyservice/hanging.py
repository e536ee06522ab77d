"""Who hangs within a transaction on a PostgreSQL that several processes share."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, event

HANGING_S = 5
"""A process that does nothing within a transaction for so long is cut off by the server."""


def cut_off_hanging(engine: Engine) -> None:
    """Have the server end this engine's transactions that hang: their locks stop the others."""

    @event.listens_for(engine, "connect")
    def _limit(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET idle_in_transaction_session_timeout = '{HANGING_S}s'")
        connection.commit()
