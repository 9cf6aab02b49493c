"""A programme says which coverage a figure needs to be judged, how colours are given, and who reads what of a publication."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The defaults are what the release before says of programmes and requirements, while it still runs.
    op.execute(
        "ALTER TABLE programmes ADD COLUMN publish_threshold NUMERIC, ADD COLUMN rag JSONB NOT NULL DEFAULT 'null',"
        " ADD COLUMN publication JSONB NOT NULL DEFAULT 'null'"
    )
    op.execute("ALTER TABLE requirements ADD COLUMN rag JSONB NOT NULL DEFAULT 'null'")


def downgrade() -> None:
    op.execute("ALTER TABLE requirements DROP COLUMN rag")
    op.execute("ALTER TABLE programmes DROP COLUMN publish_threshold, DROP COLUMN rag, DROP COLUMN publication")
