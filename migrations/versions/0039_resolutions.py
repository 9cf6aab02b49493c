"""The reason of a dispute's resolution is kept, and it is another person's who opened it."""

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE settlement_disputes ADD COLUMN resolution TEXT, ADD COLUMN opened_at TIMESTAMP WITH TIME ZONE,"
        ' ADD COLUMN opened_by TEXT COLLATE "C",'
        " ADD CONSTRAINT settlement_disputes_resolved CHECK ((resolution IS NULL) = (opened_at IS NULL)),"
        " ADD CONSTRAINT settlement_disputes_opened_pair CHECK ((opened_at IS NULL) = (opened_by IS NULL)),"
        " ADD CONSTRAINT settlement_disputes_another CHECK (opened_by <> recorded_by)"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE settlement_disputes DROP COLUMN resolution, DROP COLUMN opened_at, DROP COLUMN opened_by")
