"""What subcontracts hand over to each other, and how what they say of it was compared."""

from alembic import op

from migrations.walls import WHOLE_PROGRAMME, grant_facts, wall

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE handovers (
    programme TEXT COLLATE "C" NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    sent JSONB NOT NULL,
    received JSONB NOT NULL,
    tolerance JSONB NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by TEXT COLLATE "C",
    PRIMARY KEY (programme, code, recorded_at),
    CONSTRAINT handovers_closed_pair CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CONSTRAINT handovers_closed_later CHECK (closed_at > recorded_at)
);
CREATE UNIQUE INDEX handovers_open ON handovers (programme, code) WHERE closed_at IS NULL;
CREATE TABLE handover_comparisons (
    programme TEXT COLLATE "C" NOT NULL,
    handover TEXT COLLATE "C" NOT NULL,
    sender TEXT COLLATE "C" NOT NULL,
    receiver TEXT COLLATE "C" NOT NULL,
    month INTEGER NOT NULL,
    state TEXT NOT NULL,
    difference NUMERIC NOT NULL,
    sender_query INTEGER,
    receiver_query INTEGER,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by TEXT COLLATE "C",
    PRIMARY KEY (programme, handover, sender, receiver, month, recorded_at),
    CONSTRAINT handover_comparisons_state CHECK (state IN ('within', 'beyond')),
    CONSTRAINT handover_comparisons_closed_pair CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CONSTRAINT handover_comparisons_closed_later CHECK (closed_at > recorded_at)
);
CREATE UNIQUE INDEX handover_comparisons_open ON handover_comparisons (programme, handover, sender, receiver, month) WHERE closed_at IS NULL;
CREATE INDEX handover_comparisons_of_month ON handover_comparisons (programme, month);
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    # What is tolerated, and both ends' figures, are the integrator's to know.
    for table in ("handovers", "handover_comparisons"):
        wall(table, using=WHOLE_PROGRAMME, check=WHOLE_PROGRAMME)
        grant_facts(table)


def downgrade() -> None:
    op.execute("DROP TABLE handover_comparisons, handovers")
