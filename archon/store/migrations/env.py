"""Runs migrations over the connection that ``archon.store.migrate`` hands in."""

from __future__ import annotations

from alembic import context

from archon.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
