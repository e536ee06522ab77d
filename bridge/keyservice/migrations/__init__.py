"""The key service's schema over time: a revision for each change, made when it is opened.

``HEAD`` is the newest, so that a database which is there already is opened without alembic. A new
revision is a file in ``versions`` that names the one before it; a test holds that all of them
together make what ``schema`` says.
"""

from __future__ import annotations

FIRST = "0001"
"""The tables as they were before there were revisions."""
HEAD = "0004"
VERSION_TABLE = "keyservice_version"
"""One row, one column ``version_num``; a name of its own, since a relayer may share the server."""
