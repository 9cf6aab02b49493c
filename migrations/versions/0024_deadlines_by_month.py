"""A collection's deadlines may be others from a month on."""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The default is what the release before says, while it still runs.
    op.execute("ALTER TABLE collections ADD COLUMN deadlines_from JSONB NOT NULL DEFAULT '[]'")


def downgrade() -> None:
    op.execute("ALTER TABLE collections DROP COLUMN deadlines_from")
