"""Backfills: many returns in one request, and what became of each."""

from alembic import op

from migrations.walls import OF_PROGRAMME, SUBCONTRACT, grant, wall

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE backfills (
    programme TEXT COLLATE "C" NOT NULL,
    backfill TEXT COLLATE "C" NOT NULL,
    sender TEXT COLLATE "C" NOT NULL,
    body_sha256 TEXT NOT NULL,
    media_type TEXT NOT NULL,
    entries INTEGER NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (programme, backfill)
);
CREATE INDEX backfills_of_client ON backfills (programme, recorded_by, recorded_at);

CREATE TABLE backfill_results (
    programme TEXT COLLATE "C" NOT NULL,
    backfill TEXT COLLATE "C" NOT NULL,
    position INTEGER NOT NULL,
    sender TEXT COLLATE "C" NOT NULL,
    collection TEXT,
    subcontract TEXT,
    month INTEGER,
    outcome TEXT NOT NULL,
    status TEXT,
    revision INTEGER,
    code TEXT,
    detail TEXT,
    errors JSONB NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (programme, backfill, position),
    CONSTRAINT backfill_results_of_backfill FOREIGN KEY (programme, backfill) REFERENCES backfills (programme, backfill),
    CONSTRAINT backfill_results_outcome CHECK (outcome IN ('received', 'received_with_warnings', 'duplicate', 'refused')),
    CONSTRAINT backfill_results_status CHECK (status IN ('expected', 'submitted', 'queried', 'accepted'))
);
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    # Whoever sent it, and whoever sees every subcontract: an entry may name a return that is not there, so it cannot say whose it is.
    own = f"{OF_PROGRAMME} AND {SUBCONTRACT} IN (sender, '*')"
    for table in ("backfills", "backfill_results"):
        wall(table, using=own, check=own)
        grant(table, "SELECT", "INSERT")


def downgrade() -> None:
    op.execute("DROP TABLE backfill_results, backfills")
