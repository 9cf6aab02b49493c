"""The computed figures of months, stored under the digest of their inputs and never changed."""

from alembic import op

from migrations.walls import WHOLE_PROGRAMME, grant, wall

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE month_results (
    programme TEXT COLLATE "C" NOT NULL,
    inputs_sha256 TEXT COLLATE "C" NOT NULL,
    slice TEXT COLLATE "C" NOT NULL,
    method_version TEXT COLLATE "C" NOT NULL,
    month INTEGER NOT NULL,
    figures BYTEA NOT NULL,
    rows BYTEA NOT NULL,
    sha256 TEXT NOT NULL,
    PRIMARY KEY (programme, inputs_sha256, slice)
)
"""


def upgrade() -> None:
    op.execute(TABLE)
    # The whole programme's figures: whoever sees one subcontract only sees none of them.
    wall("month_results", using=WHOLE_PROGRAMME, check=WHOLE_PROGRAMME)
    grant("month_results", "SELECT", "INSERT")


def downgrade() -> None:
    op.execute("DROP TABLE month_results")
