"""Stored results and rows say by which question their inputs are found again; what an audit of them found is kept."""

from alembic import op

from migrations.walls import PROGRAMME, grant, wall

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

AUDITS = """
CREATE TABLE figure_audits (
    programme TEXT COLLATE "C" NOT NULL,
    audited_at TIMESTAMP WITH TIME ZONE NOT NULL,
    audited_by TEXT COLLATE "C" NOT NULL,
    from_month INTEGER,
    to_month INTEGER,
    checked INTEGER NOT NULL,
    mismatched INTEGER NOT NULL,
    untraceable INTEGER NOT NULL,
    PRIMARY KEY (programme, audited_at)
)
"""


def upgrade() -> None:
    # What was stored before does not say: a digest cannot be turned back.
    for table in ("month_results", "report_rows"):
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN as_of TIMESTAMP WITH TIME ZONE, ADD COLUMN restated_in INTEGER, ADD COLUMN submitted BOOLEAN"
        )
    op.execute(AUDITS)
    # Whoever may read the service's numbers reads the last one of every programme in its reach.
    reach = f"{PROGRAMME} IN (programme, '*')"
    wall("figure_audits", using=reach, check=reach)
    grant("figure_audits", "SELECT", "INSERT")


def downgrade() -> None:
    op.execute("DROP TABLE figure_audits")
    for table in ("month_results", "report_rows"):
        op.execute(f"ALTER TABLE {table} DROP COLUMN as_of, DROP COLUMN restated_in, DROP COLUMN submitted")
