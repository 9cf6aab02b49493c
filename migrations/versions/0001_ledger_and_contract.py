"""The ledger, the chain of events, and the facts of the contract, each behind its wall."""

from alembic import op

from migrations.walls import OF_PROGRAMME, PROGRAMME, SUBCONTRACT, WHOLE_PROGRAMME, grant, grant_facts, of_subcontract, wall

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Facts that every party of the programme may know of.
OPEN_FACTS = ("commissioners", "phases", "sites", "measures", "pathways", "segments", "collections")

TABLES = """
CREATE TABLE ledger (
    programme TEXT COLLATE "C" NOT NULL,
    last_recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_event_sequence BIGINT NOT NULL,
    last_event_sha256 TEXT NOT NULL,
    PRIMARY KEY (programme)
);

CREATE TABLE contract_changes (
    programme TEXT COLLATE "C" NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (programme, recorded_at)
);

CREATE TABLE assignments (
    programme TEXT COLLATE "C" NOT NULL,
    subcontract TEXT COLLATE "C" NOT NULL,
    pathway TEXT COLLATE "C" NOT NULL,
    segment TEXT COLLATE "C" NOT NULL,
    site TEXT COLLATE "C" NOT NULL,
    commissioner TEXT COLLATE "C" NOT NULL,
    from_month INTEGER NOT NULL,
    to_month INTEGER,
    line TEXT NOT NULL,
    every_site BOOLEAN NOT NULL,
    every_commissioner BOOLEAN NOT NULL,
    share NUMERIC,
    line_volume NUMERIC,
    volume NUMERIC,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by TEXT COLLATE "C",
    combination BIGINT GENERATED ALWAYS AS (
        hashtextextended(programme || chr(31) || subcontract || chr(31) || pathway || chr(31) || segment || chr(31) || site
            || chr(31) || commissioner, 0)
    ) STORED,
    months INT4RANGE GENERATED ALWAYS AS (int4range(from_month, to_month, '[]')) STORED,
    PRIMARY KEY (programme, subcontract, pathway, segment, site, commissioner, from_month, recorded_at),
    CONSTRAINT assignments_closed_pair CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CONSTRAINT assignments_closed_later CHECK (closed_at > recorded_at),
    CONSTRAINT assignments_months CHECK (to_month >= from_month),
    -- One subcontract never holds one segment, site and commissioner twice in a month.
    CONSTRAINT assignments_once EXCLUDE USING gist (int8range(combination, combination, '[]') WITH =, months WITH &&)
        WHERE (closed_at IS NULL)
);
CREATE UNIQUE INDEX assignments_open ON assignments (programme, subcontract, pathway, segment, site, commissioner, from_month) WHERE closed_at IS NULL;

CREATE TABLE measures (
    programme TEXT COLLATE "C" NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    version INTEGER NOT NULL,
    from_month INTEGER,
    name TEXT NOT NULL,
    numerator TEXT,
    denominator TEXT,
    kind TEXT,
    direction TEXT,
    numeric_kind TEXT NOT NULL,
    aggregation TEXT NOT NULL,
    proportion BOOLEAN NOT NULL,
    basis TEXT NOT NULL,
    unit TEXT,
    split_by JSONB NOT NULL,
    breakdown JSONB NOT NULL,
    site_map JSONB NOT NULL,
    unknown JSONB NOT NULL,
    statistic TEXT,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by TEXT COLLATE "C",
    PRIMARY KEY (programme, code, version, recorded_at),
    CONSTRAINT measures_closed_pair CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CONSTRAINT measures_closed_later CHECK (closed_at > recorded_at)
);
CREATE UNIQUE INDEX measures_open ON measures (programme, code, version) WHERE closed_at IS NULL;

CREATE TABLE organisations (
    ods_code TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by TEXT COLLATE "C",
    PRIMARY KEY (ods_code, recorded_at),
    CONSTRAINT organisations_closed_pair CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CONSTRAINT organisations_closed_later CHECK (closed_at > recorded_at)
);
CREATE UNIQUE INDEX organisations_open ON organisations (ods_code) WHERE closed_at IS NULL;

CREATE TABLE pathways (
    programme TEXT COLLATE "C" NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by TEXT COLLATE "C",
    PRIMARY KEY (programme, code, recorded_at),
    CONSTRAINT pathways_closed_pair CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CONSTRAINT pathways_closed_later CHECK (closed_at > recorded_at)
);
CREATE UNIQUE INDEX pathways_open ON pathways (programme, code) WHERE closed_at IS NULL;

CREATE TABLE segments (
    programme TEXT COLLATE "C" NOT NULL,
    pathway TEXT COLLATE "C" NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    setting TEXT COLLATE "C",
    measures JSONB NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by TEXT COLLATE "C",
    PRIMARY KEY (programme, pathway, code, recorded_at),
    CONSTRAINT segments_closed_pair CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CONSTRAINT segments_closed_later CHECK (closed_at > recorded_at)
);
CREATE UNIQUE INDEX segments_open ON segments (programme, pathway, code) WHERE closed_at IS NULL;

CREATE TABLE programmes (
    programme TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    prime TEXT COLLATE "C" NOT NULL,
    starts_on DATE NOT NULL,
    ends_on DATE NOT NULL,
    value_pence BIGINT,
    contract_year_starts TEXT,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by TEXT COLLATE "C",
    PRIMARY KEY (programme, recorded_at),
    CONSTRAINT programmes_closed_pair CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CONSTRAINT programmes_closed_later CHECK (closed_at > recorded_at)
);
CREATE UNIQUE INDEX programmes_open ON programmes (programme) WHERE closed_at IS NULL;

CREATE TABLE commissioners (
    programme TEXT COLLATE "C" NOT NULL,
    ods_code TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    parent TEXT COLLATE "C",
    from_month INTEGER,
    to_month INTEGER,
    whole BOOLEAN NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by TEXT COLLATE "C",
    PRIMARY KEY (programme, ods_code, recorded_at),
    CONSTRAINT commissioners_closed_pair CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CONSTRAINT commissioners_closed_later CHECK (closed_at > recorded_at)
);
CREATE UNIQUE INDEX commissioners_open ON commissioners (programme, ods_code) WHERE closed_at IS NULL;

CREATE TABLE phases (
    programme TEXT COLLATE "C" NOT NULL,
    number INTEGER NOT NULL,
    name TEXT NOT NULL,
    from_month INTEGER,
    to_month INTEGER,
    payment TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by TEXT COLLATE "C",
    PRIMARY KEY (programme, number, recorded_at),
    CONSTRAINT phases_closed_pair CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CONSTRAINT phases_closed_later CHECK (closed_at > recorded_at)
);
CREATE UNIQUE INDEX phases_open ON phases (programme, number) WHERE closed_at IS NULL;

CREATE TABLE sites (
    programme TEXT COLLATE "C" NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    parent TEXT COLLATE "C",
    from_month INTEGER,
    to_month INTEGER,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by TEXT COLLATE "C",
    PRIMARY KEY (programme, code, recorded_at),
    CONSTRAINT sites_closed_pair CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CONSTRAINT sites_closed_later CHECK (closed_at > recorded_at)
);
CREATE UNIQUE INDEX sites_open ON sites (programme, code) WHERE closed_at IS NULL;

CREATE TABLE requirements (
    programme TEXT COLLATE "C" NOT NULL,
    measure TEXT COLLATE "C" NOT NULL,
    schedule_ref TEXT,
    weight NUMERIC,
    judged_on TEXT NOT NULL,
    applies_to JSONB NOT NULL,
    targets JSONB NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by TEXT COLLATE "C",
    PRIMARY KEY (programme, measure, recorded_at),
    CONSTRAINT requirements_closed_pair CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CONSTRAINT requirements_closed_later CHECK (closed_at > recorded_at)
);
CREATE UNIQUE INDEX requirements_open ON requirements (programme, measure) WHERE closed_at IS NULL;

CREATE TABLE subcontracts (
    programme TEXT COLLATE "C" NOT NULL,
    reference TEXT COLLATE "C" NOT NULL,
    organisation TEXT COLLATE "C" NOT NULL,
    sector TEXT NOT NULL,
    settings JSONB NOT NULL,
    starts_on DATE NOT NULL,
    ends_on DATE NOT NULL,
    annual_value_pence BIGINT,
    status TEXT,
    contacts JSONB NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by TEXT COLLATE "C",
    PRIMARY KEY (programme, reference, recorded_at),
    CONSTRAINT subcontracts_closed_pair CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CONSTRAINT subcontracts_closed_later CHECK (closed_at > recorded_at),
    CONSTRAINT subcontracts_status CHECK (status IN ('heads_of_terms', 'agreed', 'signed', 'live', 'suspended', 'notice', 'terminated', 'expired'))
);
CREATE UNIQUE INDEX subcontracts_open ON subcontracts (programme, reference) WHERE closed_at IS NULL;

CREATE TABLE collections (
    programme TEXT COLLATE "C" NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    measures JSONB NOT NULL,
    every TEXT NOT NULL,
    due JSONB NOT NULL,
    close JSONB NOT NULL,
    "freeze" JSONB NOT NULL,
    sign_off TEXT NOT NULL,
    auto_accept BOOLEAN NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by TEXT COLLATE "C",
    PRIMARY KEY (programme, code, recorded_at),
    CONSTRAINT collections_closed_pair CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CONSTRAINT collections_closed_later CHECK (closed_at > recorded_at)
);
CREATE UNIQUE INDEX collections_open ON collections (programme, code) WHERE closed_at IS NULL;

CREATE TABLE events (
    programme TEXT COLLATE "C" NOT NULL,
    sequence BIGINT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    client_name TEXT NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    action TEXT COLLATE "C" NOT NULL,
    subject JSONB NOT NULL,
    details JSONB NOT NULL,
    request_id TEXT,
    previous_sha256 TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    PRIMARY KEY (programme, sequence)
);
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    anyone = f"programme = '*' OR {OF_PROGRAMME} OR {PROGRAMME} = '*'"
    wall("ledger", using=anyone, check=anyone)
    grant("ledger", "SELECT", "INSERT", "UPDATE")
    wall("contract_changes", using=f"{OF_PROGRAMME} OR {PROGRAMME} = '*'", check=WHOLE_PROGRAMME)
    grant("contract_changes", "SELECT", "INSERT")
    # Anyone who acts adds an event; only who sees the whole programme reads them.
    wall("events", using=f"({OF_PROGRAMME} OR {PROGRAMME} = '*') AND {SUBCONTRACT} = '*'", check=anyone)
    grant("events", "SELECT", "INSERT")
    wall("programmes", using=f"{OF_PROGRAMME} OR {PROGRAMME} = '*'", check=WHOLE_PROGRAMME)
    for table in OPEN_FACTS:
        wall(table, using=OF_PROGRAMME, check=WHOLE_PROGRAMME)
    wall("requirements", using=WHOLE_PROGRAMME, check=WHOLE_PROGRAMME)
    wall("subcontracts", using=of_subcontract("reference"), check=WHOLE_PROGRAMME)
    wall("assignments", using=of_subcontract("subcontract"), check=WHOLE_PROGRAMME)
    for table in ("organisations", "programmes", *OPEN_FACTS, "requirements", "subcontracts", "assignments"):
        grant_facts(table)


def downgrade() -> None:
    op.execute(
        "DROP TABLE assignments, subcontracts, requirements, collections, segments, pathways, measures, sites, phases, commissioners"
    )
    op.execute("DROP TABLE programmes, organisations, events, contract_changes, ledger")
