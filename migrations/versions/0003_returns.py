"""Returns: where each stands, its revisions, and their cells, each behind its wall."""

from alembic import op

from migrations.walls import grant, grant_facts, of_subcontract, wall

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE returns (
    programme TEXT COLLATE "C" NOT NULL,
    collection TEXT COLLATE "C" NOT NULL,
    subcontract TEXT COLLATE "C" NOT NULL,
    month INTEGER NOT NULL,
    status TEXT NOT NULL,
    act TEXT NOT NULL,
    latest_revision INTEGER NOT NULL,
    accepted_revision INTEGER,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by TEXT COLLATE "C",
    PRIMARY KEY (programme, collection, subcontract, month, recorded_at),
    CONSTRAINT returns_closed_pair CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CONSTRAINT returns_closed_later CHECK (closed_at > recorded_at),
    CONSTRAINT returns_status CHECK (status IN ('expected', 'submitted', 'queried', 'accepted')),
    CONSTRAINT returns_act CHECK (act IN ('submitted', 'queried', 'accepted')),
    CONSTRAINT returns_accepted CHECK (accepted_revision <= latest_revision AND (status <> 'accepted' OR accepted_revision IS NOT NULL))
);
CREATE UNIQUE INDEX returns_open ON returns (programme, collection, subcontract, month) WHERE closed_at IS NULL;
CREATE INDEX returns_of_month ON returns (programme, month);

CREATE TABLE revisions (
    programme TEXT COLLATE "C" NOT NULL,
    revision_id BIGINT GENERATED ALWAYS AS IDENTITY NOT NULL,
    collection TEXT COLLATE "C" NOT NULL,
    subcontract TEXT COLLATE "C" NOT NULL,
    month INTEGER NOT NULL,
    number INTEGER NOT NULL,
    nil BOOLEAN NOT NULL,
    nil_reason TEXT,
    note TEXT NOT NULL,
    content_sha256 TEXT NOT NULL,
    submitted_sha256 TEXT NOT NULL,
    media_type TEXT NOT NULL,
    expected_sha256 TEXT NOT NULL,
    contract_recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    cell_count INTEGER NOT NULL,
    warnings JSONB NOT NULL,
    explained BOOLEAN NOT NULL,
    submitted_as TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (programme, revision_id),
    CONSTRAINT revisions_numbered UNIQUE (programme, collection, subcontract, month, number),
    CONSTRAINT revisions_nil CHECK (nil = (nil_reason IS NOT NULL)),
    CONSTRAINT revisions_submitted_as CHECK (submitted_as IN ('subcontract', 'integrator'))
);

CREATE TABLE cells (
    programme TEXT COLLATE "C" NOT NULL,
    revision_id BIGINT NOT NULL,
    subcontract TEXT COLLATE "C" NOT NULL,
    pathway TEXT COLLATE "C" NOT NULL,
    segment TEXT COLLATE "C" NOT NULL,
    measure TEXT COLLATE "C" NOT NULL,
    site TEXT COLLATE "C" NOT NULL,
    commissioner TEXT COLLATE "C" NOT NULL,
    category TEXT COLLATE "C" NOT NULL,
    state TEXT NOT NULL,
    numerator NUMERIC,
    denominator NUMERIC,
    by_rest BOOLEAN NOT NULL,
    outside_assignment BOOLEAN NOT NULL,
    reason TEXT,
    explanation_code TEXT,
    explanation TEXT,
    PRIMARY KEY (programme, revision_id, measure, pathway, segment, site, commissioner, category),
    CONSTRAINT cells_state CHECK (state IN ('value', 'not_collected', 'not_applicable')),
    CONSTRAINT cells_value CHECK ((state = 'value') = (numerator IS NOT NULL)),
    CONSTRAINT cells_denominator CHECK (denominator IS NULL OR numerator IS NOT NULL),
    CONSTRAINT cells_reason CHECK (CASE state WHEN 'value' THEN reason IS NULL WHEN 'not_collected' THEN reason IS NOT NULL ELSE true END),
    CONSTRAINT cells_counts CHECK (numerator >= 0 AND denominator >= 0)
);
"""

# One look at all the rows of a statement costs a tenth of the insert; a foreign key for each row, five times it.
CHECK = """
CREATE FUNCTION cells_belong() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT programme, revision_id, subcontract FROM added) AS stated
        WHERE NOT EXISTS (
            SELECT FROM revisions
            WHERE revisions.programme = stated.programme AND revisions.revision_id = stated.revision_id
                AND revisions.subcontract = stated.subcontract
        )
    ) THEN
        RAISE foreign_key_violation USING MESSAGE = 'a cell belongs to no revision of its subcontract', CONSTRAINT = 'cells_belong';
    END IF;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    op.execute(CHECK)
    op.execute(
        "CREATE TRIGGER cells_belong AFTER INSERT ON cells REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION cells_belong()"
    )
    for table in ("returns", "revisions", "cells"):
        own = of_subcontract("subcontract")
        wall(table, using=own, check=own)
    grant_facts("returns")
    grant("revisions", "SELECT", "INSERT")
    grant("cells", "SELECT", "INSERT")


def downgrade() -> None:
    op.execute("DROP TABLE cells, revisions, returns")
    op.execute("DROP FUNCTION cells_belong()")
