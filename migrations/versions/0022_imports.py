"""Figures of national publications and finance systems, as they were published."""

from alembic import op

from migrations.walls import WHOLE_PROGRAMME, grant_facts, wall

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE imports (
    programme TEXT COLLATE "C" NOT NULL,
    import_id TEXT COLLATE "C" NOT NULL,
    measure TEXT COLLATE "C" NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    address TEXT,
    published_on DATE NOT NULL,
    from_month INTEGER,
    month INTEGER NOT NULL,
    organisation TEXT COLLATE "C",
    commissioner TEXT COLLATE "C",
    site TEXT COLLATE "C" NOT NULL,
    category TEXT COLLATE "C" NOT NULL,
    basis TEXT NOT NULL,
    numerator NUMERIC,
    denominator NUMERIC,
    value NUMERIC,
    unit TEXT,
    lower NUMERIC,
    upper NUMERIC,
    status TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by TEXT COLLATE "C",
    PRIMARY KEY (programme, import_id, recorded_at),
    CONSTRAINT imports_basis CHECK (basis IN ('provider', 'commissioner')),
    CONSTRAINT imports_status CHECK (status IN ('provisional', 'final')),
    CONSTRAINT imports_figures_or_value CHECK ((value IS NULL) <> (numerator IS NULL)),
    CONSTRAINT imports_one_place CHECK (organisation IS NULL OR commissioner IS NULL),
    CONSTRAINT imports_closed_pair CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CONSTRAINT imports_closed_later CHECK (closed_at > recorded_at)
);
CREATE UNIQUE INDEX imports_open ON imports (programme, import_id) WHERE closed_at IS NULL;
CREATE INDEX imports_of_measure ON imports (programme, measure, month);
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    # The integrator records and reads them; others see them in what is published for them.
    wall("imports", using=WHOLE_PROGRAMME, check=WHOLE_PROGRAMME)
    grant_facts("imports")


def downgrade() -> None:
    op.execute("DROP TABLE imports")
