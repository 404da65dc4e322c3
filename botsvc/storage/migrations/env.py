"""Runs migrations on the connection that ``botsvc.storage.schema`` passes, inside its transaction."""

from __future__ import annotations

from alembic import context

from botsvc.storage.tables import metadata

connection = context.config.attributes["connection"]
# SQLite changes columns only by copying the table, which batch mode does.
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    transactional_ddl=True,
)
context.run_migrations()
