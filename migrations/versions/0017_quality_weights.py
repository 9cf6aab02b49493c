"""A programme may say how much each share weighs in the index of data quality."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The default is what the release before says of programmes, while it still runs.
    op.execute("ALTER TABLE programmes ADD COLUMN quality JSONB NOT NULL DEFAULT 'null'")


def downgrade() -> None:
    op.execute("ALTER TABLE programmes DROP COLUMN quality")
