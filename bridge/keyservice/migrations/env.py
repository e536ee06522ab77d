"""Run by alembic, with the connection that ``upgrading`` gives it: one transaction for all."""

from alembic import context

from bridge.keyservice.migrations import VERSION_TABLE
from bridge.keyservice.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,  # SQLite's is, where the driver begins no transactions by itself
)
with context.begin_transaction():
    context.run_migrations()
