"""Measures say when they end, where they come from and what they supersede; requirements weigh by contract year and grade what can be collected."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE measures ADD COLUMN to_month INTEGER, ADD COLUMN source TEXT, ADD COLUMN ambition TEXT,"
        " ADD COLUMN supersedes JSONB NOT NULL DEFAULT '[]'"
    )
    # One weight for every contract year, or one for each: null, a number or a list.
    op.execute("ALTER TABLE requirements ALTER COLUMN weight TYPE JSONB USING coalesce(to_jsonb(weight), 'null')")
    op.execute("ALTER TABLE requirements ALTER COLUMN weight SET NOT NULL, ADD COLUMN collectability JSONB NOT NULL DEFAULT '[]'")


def downgrade() -> None:
    op.execute("ALTER TABLE requirements DROP COLUMN collectability, ALTER COLUMN weight DROP NOT NULL")
    # Weights by year have no place in a number: they go, numbers stay.
    op.execute(
        "ALTER TABLE requirements ALTER COLUMN weight TYPE NUMERIC"
        " USING CASE WHEN jsonb_typeof(weight) = 'number' THEN CAST(weight AS NUMERIC) END"
    )
    op.execute("ALTER TABLE measures DROP COLUMN to_month, DROP COLUMN source, DROP COLUMN ambition, DROP COLUMN supersedes")
