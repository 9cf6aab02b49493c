"""Requirements may say how series are judged by chance; the rows of reports are stored as they are read, under all that they were computed from."""

from alembic import op

from migrations.walls import WHOLE_PROGRAMME, grant, wall

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE report_rows (
    programme TEXT COLLATE "C" NOT NULL,
    inputs_sha256 TEXT COLLATE "C" NOT NULL,
    slice TEXT COLLATE "C" NOT NULL,
    period TEXT COLLATE "C" NOT NULL,
    method_version TEXT COLLATE "C" NOT NULL,
    month INTEGER NOT NULL,
    rows BYTEA NOT NULL,
    sha256 TEXT NOT NULL,
    PRIMARY KEY (programme, inputs_sha256, slice, period)
)
"""


def upgrade() -> None:
    # The default is what the release before says of requirements, while it still runs.
    op.execute("ALTER TABLE requirements ADD COLUMN process_control JSONB NOT NULL DEFAULT 'null'")
    op.execute(TABLE)
    # The whole programme's figures: whoever sees one subcontract only sees none of them.
    wall("report_rows", using=WHOLE_PROGRAMME, check=WHOLE_PROGRAMME)
    grant("report_rows", "SELECT", "INSERT")
    # Months are stored as figures now; the release before goes on writing rows beside them.
    op.execute("ALTER TABLE month_results ALTER COLUMN rows SET DEFAULT ''")
    # The last act of a month is found without reading the others.
    op.execute("CREATE INDEX returns_of_month_by_act ON returns (programme, month, recorded_at)")
    op.execute("DROP INDEX returns_of_month")


def downgrade() -> None:
    op.execute("CREATE INDEX returns_of_month ON returns (programme, month)")
    op.execute("DROP INDEX returns_of_month_by_act")
    op.execute("ALTER TABLE month_results ALTER COLUMN rows DROP DEFAULT")
    op.execute("DROP TABLE report_rows")
    op.execute("ALTER TABLE requirements DROP COLUMN process_control")
