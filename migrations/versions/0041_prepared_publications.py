"""What takes long of a publication is worked out before, and kept until something is published."""

from alembic import op

from migrations.walls import WHOLE_PROGRAMME, grant, wall

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE publication_preparations (
    programme TEXT COLLATE "C" NOT NULL,
    month INTEGER NOT NULL,
    audience_kind TEXT COLLATE "C" NOT NULL,
    audience TEXT COLLATE "C" NOT NULL,
    inputs_sha256 TEXT COLLATE "C" NOT NULL,
    reason TEXT,
    rows_changed INTEGER NOT NULL,
    parts JSONB NOT NULL,
    compressed BYTEA NOT NULL,
    differences BYTEA NOT NULL,
    PRIMARY KEY (programme, month, audience_kind, audience),
    CONSTRAINT publication_preparations_audience_kind CHECK (audience_kind IN ('programme', 'commissioner', 'subcontract', 'public'))
)
"""


def upgrade() -> None:
    op.execute(TABLE)
    op.execute(
        "ALTER TABLE publication_preparations ALTER COLUMN compressed SET STORAGE EXTERNAL, ALTER COLUMN differences SET STORAGE EXTERNAL"
    )
    # For whoever publishes alone: parties are shown what was published. It is no record, and is taken away when it is used.
    wall("publication_preparations", using=WHOLE_PROGRAMME, check=WHOLE_PROGRAMME)
    grant("publication_preparations", "SELECT", "INSERT", "DELETE")


def downgrade() -> None:
    op.execute("DROP TABLE publication_preparations")
