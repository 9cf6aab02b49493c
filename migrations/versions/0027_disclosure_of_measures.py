"""Measures say how their figures are shown to the public."""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE measures ADD COLUMN disclosure TEXT NOT NULL DEFAULT 'small_counts'")
    op.execute("ALTER TABLE measures ADD CONSTRAINT measures_disclosure CHECK (disclosure IN ('small_counts', 'as_published'))")


def downgrade() -> None:
    op.execute("ALTER TABLE measures DROP COLUMN disclosure")
