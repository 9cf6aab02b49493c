"""Queries: where each stands, and what was said in its thread."""

from alembic import op

from migrations.walls import grant, grant_facts, inherited, of_subcontract, wall

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE queries (
    programme TEXT COLLATE "C" NOT NULL,
    collection TEXT COLLATE "C" NOT NULL,
    subcontract TEXT COLLATE "C" NOT NULL,
    month INTEGER NOT NULL,
    number INTEGER NOT NULL,
    state TEXT NOT NULL,
    origin TEXT NOT NULL,
    revision INTEGER NOT NULL,
    cells JSONB NOT NULL,
    due_on DATE NOT NULL,
    asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    asked_by TEXT COLLATE "C" NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by TEXT COLLATE "C",
    PRIMARY KEY (programme, collection, subcontract, month, number, recorded_at),
    CONSTRAINT queries_state CHECK (state IN ('open', 'answered', 'closed')),
    CONSTRAINT queries_origin CHECK (origin IN ('review', 'comparison')),
    CONSTRAINT queries_closed_pair CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CONSTRAINT queries_closed_later CHECK (closed_at > recorded_at)
);
CREATE UNIQUE INDEX queries_open ON queries (programme, collection, subcontract, month, number) WHERE closed_at IS NULL;
CREATE INDEX queries_awaited ON queries (programme, due_on) WHERE closed_at IS NULL AND state = 'open';
CREATE TABLE query_messages (
    programme TEXT COLLATE "C" NOT NULL,
    collection TEXT COLLATE "C" NOT NULL,
    subcontract TEXT COLLATE "C" NOT NULL,
    month INTEGER NOT NULL,
    query INTEGER NOT NULL,
    number INTEGER NOT NULL,
    act TEXT NOT NULL,
    party TEXT NOT NULL,
    text TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (programme, collection, subcontract, month, query, number),
    CONSTRAINT query_messages_act CHECK (act IN ('asked', 'answered', 'settled', 'withdrawn')),
    CONSTRAINT query_messages_party CHECK (party IN ('integrator', 'subcontract', 'service'))
);
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    for table in ("queries", "query_messages"):
        own = of_subcontract("subcontract")
        wall(table, using=own, check=own)
        op.execute(f"CREATE POLICY {table}_inherited ON {table} FOR SELECT USING ({inherited('subcontract')})")
    grant_facts("queries")
    grant("query_messages", "SELECT", "INSERT")


def downgrade() -> None:
    op.execute("DROP TABLE query_messages, queries")
