"""Measures carry a worked example for whoever counts."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE measures ADD COLUMN example TEXT")


def downgrade() -> None:
    op.execute("ALTER TABLE measures DROP COLUMN example")
