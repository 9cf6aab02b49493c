"""Queries of commissioners about published rows: where each stands, and what was said in its thread."""

from alembic import op

from migrations.walls import COMMISSIONER, INHERITED_COMMISSIONERS, OF_PROGRAMME, SUBCONTRACT, grant, grant_facts, wall

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE row_queries (
    programme TEXT COLLATE "C" NOT NULL,
    commissioner TEXT COLLATE "C" NOT NULL,
    sequence INTEGER NOT NULL,
    number INTEGER NOT NULL,
    month INTEGER NOT NULL,
    state TEXT NOT NULL,
    about JSONB NOT NULL,
    due_on DATE NOT NULL,
    asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    asked_by TEXT COLLATE "C" NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by TEXT COLLATE "C",
    PRIMARY KEY (programme, commissioner, sequence, number, recorded_at),
    CONSTRAINT row_queries_state CHECK (state IN ('open', 'answered', 'closed')),
    CONSTRAINT row_queries_closed_pair CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CONSTRAINT row_queries_closed_later CHECK (closed_at > recorded_at)
);
CREATE UNIQUE INDEX row_queries_open ON row_queries (programme, commissioner, sequence, number) WHERE closed_at IS NULL;
CREATE TABLE row_query_messages (
    programme TEXT COLLATE "C" NOT NULL,
    commissioner TEXT COLLATE "C" NOT NULL,
    sequence INTEGER NOT NULL,
    query INTEGER NOT NULL,
    number INTEGER NOT NULL,
    act TEXT NOT NULL,
    party TEXT NOT NULL,
    text TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (programme, commissioner, sequence, query, number),
    CONSTRAINT row_query_messages_act CHECK (act IN ('asked', 'answered', 'settled', 'withdrawn')),
    CONSTRAINT row_query_messages_party CHECK (party IN ('commissioner', 'integrator'))
)
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        op.execute(statement)
    own = f"{OF_PROGRAMME} AND ({SUBCONTRACT} = '*' OR commissioner = {COMMISSIONER})"
    for table in ("row_queries", "row_query_messages"):
        wall(table, using=own, check=own)
        inherited = f"{OF_PROGRAMME} AND commissioner = ANY {INHERITED_COMMISSIONERS}"
        op.execute(f"CREATE POLICY {table}_inherited ON {table} FOR SELECT USING ({inherited})")
    grant_facts("row_queries")
    grant("row_query_messages", "SELECT", "INSERT")


def downgrade() -> None:
    op.execute("DROP TABLE row_query_messages, row_queries")
