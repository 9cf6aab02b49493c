"""What Alembic runs for each command: always on the connection that `app.db.schema` made."""

from collections.abc import Collection, Mapping
from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo
from sqlalchemy import Connection

from app.db.rows import metadata

connection: Connection = context.config.attributes["connection"]
progress = context.config.attributes["progress"]


def tell(ctx: MigrationContext, step: MigrationInfo, heads: Collection[Any], run_args: Mapping[str, Any]) -> None:
    progress(f"migrated {'up to' if step.is_upgrade else 'down from'} {step.up_revision_id}")


# One transaction each: a migration that gives up changes nothing and leaves those before it in place.
context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True, on_version_apply=tell)
with context.begin_transaction():
    context.run_migrations()
