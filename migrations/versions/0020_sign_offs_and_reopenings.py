"""Who signed which revision of a return, and the leaves to submit after the freeze."""

from alembic import op

from migrations.walls import WHOLE_PROGRAMME, grant, grant_facts, inherited, of_subcontract, wall

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE sign_offs (
    programme TEXT COLLATE "C" NOT NULL,
    collection TEXT COLLATE "C" NOT NULL,
    subcontract TEXT COLLATE "C" NOT NULL,
    month INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    statement TEXT,
    signed_as TEXT NOT NULL,
    signed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    signed_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (programme, collection, subcontract, month, revision),
    CONSTRAINT sign_offs_of_revision FOREIGN KEY (programme, collection, subcontract, month, revision)
        REFERENCES revisions (programme, collection, subcontract, month, number),
    CONSTRAINT sign_offs_signed_as CHECK (signed_as IN ('subcontract', 'integrator'))
);
CREATE TABLE reopenings (
    programme TEXT COLLATE "C" NOT NULL,
    collection TEXT COLLATE "C" NOT NULL,
    subcontract TEXT COLLATE "C" NOT NULL,
    month INTEGER NOT NULL,
    reason TEXT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by TEXT COLLATE "C",
    PRIMARY KEY (programme, collection, subcontract, month, recorded_at),
    CONSTRAINT reopenings_expires CHECK (expires_at > recorded_at),
    CONSTRAINT reopenings_closed_pair CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CONSTRAINT reopenings_closed_later CHECK (closed_at > recorded_at)
);
CREATE UNIQUE INDEX reopenings_open ON reopenings (programme, collection, subcontract, month) WHERE closed_at IS NULL;
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    own = of_subcontract("subcontract")
    wall("sign_offs", using=own, check=own)
    # Read by whoever owes the return; given and ended by the integrator alone.
    wall("reopenings", using=own, check=WHOLE_PROGRAMME)
    for table in ("sign_offs", "reopenings"):
        op.execute(f"CREATE POLICY {table}_inherited ON {table} FOR SELECT USING ({inherited('subcontract')})")
    grant("sign_offs", "SELECT", "INSERT")
    grant_facts("reopenings")


def downgrade() -> None:
    op.execute("DROP TABLE reopenings, sign_offs")
