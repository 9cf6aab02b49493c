"""Measures and collections name the rules by which returns are judged."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The default is what the release before says of both, while it still runs.
    op.execute("ALTER TABLE measures ADD COLUMN rules JSONB NOT NULL DEFAULT '[]'")
    op.execute("ALTER TABLE collections ADD COLUMN rules JSONB NOT NULL DEFAULT '[]'")


def downgrade() -> None:
    op.execute("ALTER TABLE collections DROP COLUMN rules")
    op.execute("ALTER TABLE measures DROP COLUMN rules")
