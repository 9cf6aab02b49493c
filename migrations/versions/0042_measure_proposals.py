"""Versions of measures that one person proposes and another approves, where the programme asks for it."""

from alembic import op

from migrations.walls import WHOLE_PROGRAMME, grant_facts, wall

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

PROPOSALS = """
CREATE TABLE measure_proposals (
    programme TEXT COLLATE "C" NOT NULL,
    measure TEXT COLLATE "C" NOT NULL,
    version INTEGER NOT NULL,
    number INTEGER NOT NULL,
    state TEXT NOT NULL,
    line JSONB NOT NULL,
    replaces_sha256 TEXT,
    reason TEXT NOT NULL,
    proposed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    proposed_by TEXT COLLATE "C" NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by TEXT COLLATE "C",
    PRIMARY KEY (programme, measure, version, number, recorded_at),
    CONSTRAINT measure_proposals_state CHECK (state IN ('proposed', 'approved')),
    CONSTRAINT measure_proposals_another CHECK (state = 'proposed' OR recorded_by <> proposed_by),
    CONSTRAINT measure_proposals_closed_pair CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CONSTRAINT measure_proposals_closed_later CHECK (closed_at > recorded_at)
)
"""


def upgrade() -> None:
    # The default is what the release before says of programmes, while it still runs.
    op.execute("ALTER TABLE programmes ADD COLUMN measures_need_approval BOOLEAN NOT NULL DEFAULT false")
    op.execute(PROPOSALS)
    op.execute(
        "CREATE UNIQUE INDEX measure_proposals_open ON measure_proposals (programme, measure, version, number) WHERE closed_at IS NULL"
    )
    wall("measure_proposals", using=WHOLE_PROGRAMME, check=WHOLE_PROGRAMME)
    grant_facts("measure_proposals")


def downgrade() -> None:
    op.execute("DROP TABLE measure_proposals")
    op.execute("ALTER TABLE programmes DROP COLUMN measures_need_approval")
