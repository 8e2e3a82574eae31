"""Alembic's environment: runs on the connection that ``adapters.sqlalchemy.schema`` hands over."""

from __future__ import annotations

from adapters.sqlalchemy.tables import metadata

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite cannot alter most things in place
)
with context.begin_transaction():
    context.run_migrations()
