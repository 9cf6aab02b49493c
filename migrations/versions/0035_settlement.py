"""Settlement: rules and inputs of contract years, runs with their acts, disputes, and the statements of parties."""

from alembic import op

from migrations.walls import WHOLE_PROGRAMME, grant, grant_facts, of_audience, wall

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

FACT = """
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by TEXT COLLATE "C","""
TABLES = f"""
CREATE TABLE settlement_rules (
    programme TEXT COLLATE "C" NOT NULL,
    contract_year INTEGER NOT NULL,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    rules JSONB NOT NULL,
    rules_sha256 TEXT NOT NULL,
    reason TEXT NOT NULL,
    proposed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    proposed_by TEXT COLLATE "C" NOT NULL,{FACT}
    PRIMARY KEY (programme, contract_year, version, recorded_at),
    CONSTRAINT settlement_rules_state CHECK (state IN ('proposed', 'approved')),
    CONSTRAINT settlement_rules_another CHECK (state = 'proposed' OR recorded_by <> proposed_by),
    CONSTRAINT settlement_rules_closed_pair CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CONSTRAINT settlement_rules_closed_later CHECK (closed_at > recorded_at)
);
CREATE UNIQUE INDEX settlement_rules_open ON settlement_rules (programme, contract_year, version) WHERE closed_at IS NULL;
CREATE TABLE settlement_inputs (
    programme TEXT COLLATE "C" NOT NULL,
    contract_year INTEGER NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    number INTEGER NOT NULL,
    state TEXT NOT NULL,
    value NUMERIC NOT NULL,
    source TEXT NOT NULL,
    stated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    stated_by TEXT COLLATE "C" NOT NULL,{FACT}
    PRIMARY KEY (programme, contract_year, kind, code, number, recorded_at),
    CONSTRAINT settlement_inputs_state CHECK (state IN ('proposed', 'approved')),
    CONSTRAINT settlement_inputs_kind CHECK (kind IN ('expected_cost', 'actual_cost', 'factor')),
    CONSTRAINT settlement_inputs_another CHECK (state = 'proposed' OR recorded_by <> stated_by),
    CONSTRAINT settlement_inputs_closed_pair CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CONSTRAINT settlement_inputs_closed_later CHECK (closed_at > recorded_at)
);
CREATE UNIQUE INDEX settlement_inputs_open ON settlement_inputs (programme, contract_year, kind, code, number) WHERE closed_at IS NULL;
CREATE TABLE settlement_disputes (
    programme TEXT COLLATE "C" NOT NULL,
    contract_year INTEGER NOT NULL,
    run INTEGER NOT NULL,
    party TEXT COLLATE "C" NOT NULL,
    element TEXT COLLATE "C" NOT NULL,
    reason TEXT NOT NULL,{FACT}
    PRIMARY KEY (programme, contract_year, run, party, element, recorded_at),
    CONSTRAINT settlement_disputes_closed_pair CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CONSTRAINT settlement_disputes_closed_later CHECK (closed_at > recorded_at)
);
CREATE UNIQUE INDEX settlement_disputes_open ON settlement_disputes (programme, contract_year, run, party, element) WHERE closed_at IS NULL;
CREATE TABLE settlements (
    programme TEXT COLLATE "C" NOT NULL,
    contract_year INTEGER NOT NULL,
    run INTEGER NOT NULL,
    number INTEGER NOT NULL,
    kind TEXT NOT NULL,
    mode TEXT NOT NULL,
    rules_version INTEGER NOT NULL,
    method_version TEXT COLLATE "C" NOT NULL,
    reason TEXT NOT NULL,
    causes JSONB NOT NULL,
    publications JSONB NOT NULL,
    amounts JSONB NOT NULL,
    content_sha256 TEXT NOT NULL,
    content BYTEA NOT NULL,
    PRIMARY KEY (programme, contract_year, run, number),
    CONSTRAINT settlements_kind CHECK (kind IN ('provisional', 'final')),
    CONSTRAINT settlements_mode CHECK (mode IN ('off', 'shadow', 'live'))
);
CREATE TABLE settlement_acts (
    programme TEXT COLLATE "C" NOT NULL,
    contract_year INTEGER NOT NULL,
    run INTEGER NOT NULL,
    number INTEGER NOT NULL,
    act TEXT COLLATE "C" NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (programme, contract_year, run, number, act),
    CONSTRAINT settlement_acts_three_people UNIQUE (programme, contract_year, run, number, recorded_by),
    CONSTRAINT settlement_acts_act CHECK (act IN ('declared', 'approved', 'finance_approved'))
);
CREATE TABLE settlement_statements (
    programme TEXT COLLATE "C" NOT NULL,
    contract_year INTEGER NOT NULL,
    run INTEGER NOT NULL,
    version INTEGER NOT NULL,
    audience_kind TEXT COLLATE "C" NOT NULL,
    audience TEXT COLLATE "C" NOT NULL,
    content_sha256 TEXT NOT NULL,
    content BYTEA NOT NULL,
    issued_at TIMESTAMP WITH TIME ZONE NOT NULL,
    issued_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (programme, contract_year, run, audience_kind, audience, version),
    CONSTRAINT settlement_statements_audience_kind CHECK (audience_kind IN ('programme', 'commissioner', 'subcontract', 'public'))
)
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        op.execute(statement)
    for table in ("settlement_rules", "settlement_inputs", "settlement_disputes"):
        wall(table, using=WHOLE_PROGRAMME, check=WHOLE_PROGRAMME)
        grant_facts(table)
    for table in ("settlements", "settlement_acts"):
        wall(table, using=WHOLE_PROGRAMME, check=WHOLE_PROGRAMME)
        grant(table, "SELECT", "INSERT")
    wall("settlement_statements", using=of_audience("audience_kind", "audience"), check=WHOLE_PROGRAMME)
    grant("settlement_statements", "SELECT", "INSERT")


def downgrade() -> None:
    op.execute("DROP TABLE settlement_statements, settlement_acts, settlements, settlement_disputes, settlement_inputs, settlement_rules")
