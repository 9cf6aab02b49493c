"""Commissioners' shares, the gates of phases, the decisions on them, and the baselines that were agreed."""

from alembic import op

from migrations.walls import WHOLE_PROGRAMME, grant_facts, wall

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE phase_decisions (
    programme TEXT COLLATE "C" NOT NULL,
    phase INTEGER NOT NULL,
    number INTEGER NOT NULL,
    state TEXT NOT NULL,
    decision TEXT NOT NULL,
    to_phase INTEGER NOT NULL,
    from_month INTEGER NOT NULL,
    reason TEXT NOT NULL,
    conditions JSONB NOT NULL,
    evidence_as_of TIMESTAMP WITH TIME ZONE NOT NULL,
    evidence_sha256 TEXT NOT NULL,
    proposed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    proposed_by TEXT COLLATE "C" NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by TEXT COLLATE "C",
    PRIMARY KEY (programme, phase, number, recorded_at),
    CONSTRAINT phase_decisions_state CHECK (state IN ('proposed', 'approved')),
    CONSTRAINT phase_decisions_decision CHECK (decision IN ('move_on', 'stay', 'move_on_with_conditions')),
    CONSTRAINT phase_decisions_another CHECK (state = 'proposed' OR recorded_by <> proposed_by),
    CONSTRAINT phase_decisions_closed_pair CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CONSTRAINT phase_decisions_closed_later CHECK (closed_at > recorded_at)
);
CREATE UNIQUE INDEX phase_decisions_open ON phase_decisions (programme, phase, number) WHERE closed_at IS NULL;
CREATE TABLE baselines (
    programme TEXT COLLATE "C" NOT NULL,
    phase INTEGER NOT NULL,
    measure TEXT COLLATE "C" NOT NULL,
    commissioner TEXT COLLATE "C" NOT NULL,
    agreed_on DATE NOT NULL,
    document_sha256 TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by TEXT COLLATE "C",
    PRIMARY KEY (programme, phase, measure, recorded_at),
    CONSTRAINT baselines_closed_pair CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CONSTRAINT baselines_closed_later CHECK (closed_at > recorded_at)
);
CREATE UNIQUE INDEX baselines_open ON baselines (programme, phase, measure) WHERE closed_at IS NULL;
"""


def upgrade() -> None:
    # The default is what the release before says of phases, while it still runs.
    op.execute("ALTER TABLE phases ADD COLUMN gate JSONB NOT NULL DEFAULT 'null'")
    op.execute("ALTER TABLE commissioners ADD COLUMN share NUMERIC CONSTRAINT commissioners_share CHECK (share BETWEEN 0 AND 100)")
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    for table in ("phase_decisions", "baselines"):
        wall(table, using=WHOLE_PROGRAMME, check=WHOLE_PROGRAMME)
        grant_facts(table)


def downgrade() -> None:
    op.execute("DROP TABLE baselines, phase_decisions")
    op.execute("ALTER TABLE commissioners DROP COLUMN share")
    op.execute("ALTER TABLE phases DROP COLUMN gate")
