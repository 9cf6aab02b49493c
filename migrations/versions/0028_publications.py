"""Publications: drafts, what was published, a rendition of it for each audience, and the keys that it is signed with."""

from alembic import op

from migrations.walls import COMMISSIONER, OF_PROGRAMME, WHOLE_PROGRAMME, grant, grant_facts, of_audience, wall

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE signing_keys (
    key_id TEXT COLLATE "C" NOT NULL,
    public_key TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    retired_at TIMESTAMP WITH TIME ZONE,
    retired_by TEXT COLLATE "C",
    PRIMARY KEY (key_id),
    CONSTRAINT signing_keys_retired_pair CHECK ((retired_at IS NULL) = (retired_by IS NULL))
);
CREATE TABLE publication_drafts (
    programme TEXT COLLATE "C" NOT NULL,
    month INTEGER NOT NULL,
    version INTEGER NOT NULL,
    commentary TEXT NOT NULL,
    as_of TIMESTAMP WITH TIME ZONE NOT NULL,
    inputs_sha256 TEXT NOT NULL,
    edited_at TIMESTAMP WITH TIME ZONE NOT NULL,
    edited_by TEXT COLLATE "C" NOT NULL,
    checked_at TIMESTAMP WITH TIME ZONE,
    checked_by TEXT COLLATE "C",
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by TEXT COLLATE "C",
    PRIMARY KEY (programme, month, recorded_at),
    CONSTRAINT publication_drafts_checked_pair CHECK ((checked_at IS NULL) = (checked_by IS NULL)),
    CONSTRAINT publication_drafts_another CHECK (checked_by <> edited_by),
    CONSTRAINT publication_drafts_closed_pair CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CONSTRAINT publication_drafts_closed_later CHECK (closed_at > recorded_at)
);
CREATE UNIQUE INDEX publication_drafts_open ON publication_drafts (programme, month) WHERE closed_at IS NULL;
CREATE TABLE publications (
    programme TEXT COLLATE "C" NOT NULL,
    sequence INTEGER NOT NULL,
    month INTEGER NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    supersedes INTEGER,
    reason TEXT NOT NULL,
    commentary TEXT NOT NULL,
    as_of TIMESTAMP WITH TIME ZONE NOT NULL,
    inputs_sha256 TEXT NOT NULL,
    method_version TEXT COLLATE "C" NOT NULL,
    rows_changed INTEGER NOT NULL,
    subcontracts_shown BOOLEAN NOT NULL,
    manifest BYTEA NOT NULL,
    manifest_sha256 TEXT NOT NULL,
    previous_sha256 TEXT NOT NULL,
    key_id TEXT COLLATE "C" NOT NULL,
    edited_at TIMESTAMP WITH TIME ZONE NOT NULL,
    edited_by TEXT COLLATE "C" NOT NULL,
    checked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    checked_by TEXT COLLATE "C" NOT NULL,
    published_at TIMESTAMP WITH TIME ZONE NOT NULL,
    published_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (programme, sequence),
    UNIQUE (programme, supersedes),
    CONSTRAINT publications_kind CHECK (kind IN ('first', 'correction', 'final', 'trend')),
    CONSTRAINT publications_status CHECK (status IN ('provisional', 'final')),
    CONSTRAINT publications_first CHECK ((kind = 'first') = (supersedes IS NULL)),
    CONSTRAINT publications_another CHECK (published_by <> edited_by AND checked_by <> edited_by)
);
CREATE INDEX publications_of_month ON publications (programme, month, sequence);
CREATE TABLE renditions (
    programme TEXT COLLATE "C" NOT NULL,
    sequence INTEGER NOT NULL,
    audience_kind TEXT COLLATE "C" NOT NULL,
    audience TEXT COLLATE "C" NOT NULL,
    month INTEGER NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    supersedes INTEGER,
    reason TEXT,
    rows_changed INTEGER NOT NULL,
    as_of TIMESTAMP WITH TIME ZONE NOT NULL,
    published_at TIMESTAMP WITH TIME ZONE NOT NULL,
    published_by TEXT COLLATE "C" NOT NULL,
    sha256 TEXT NOT NULL,
    length_bytes INTEGER NOT NULL,
    parts JSONB NOT NULL,
    compressed BYTEA NOT NULL,
    differences BYTEA NOT NULL,
    PRIMARY KEY (programme, audience_kind, audience, sequence),
    CONSTRAINT renditions_publication FOREIGN KEY (programme, sequence) REFERENCES publications DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT renditions_audience_kind CHECK (audience_kind IN ('programme', 'commissioner', 'subcontract', 'public')),
    CONSTRAINT renditions_kind CHECK (kind IN ('first', 'correction', 'final', 'trend')),
    CONSTRAINT renditions_status CHECK (status IN ('provisional', 'final'))
);
ALTER TABLE renditions ALTER COLUMN compressed SET STORAGE EXTERNAL, ALTER COLUMN differences SET STORAGE EXTERNAL
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    # Shared by all programmes, and public: what is signed is checked by whoever was given it.
    grant("signing_keys", "SELECT", "INSERT", "UPDATE (retired_at, retired_by)")
    wall("publication_drafts", using=WHOLE_PROGRAMME, check=WHOLE_PROGRAMME)
    grant_facts("publication_drafts")
    # A manifest names every subcontract's returns: commissioners read it where subcontracts are shown to them.
    shown = f"{OF_PROGRAMME} AND subcontracts_shown AND {COMMISSIONER} IS NOT NULL"
    wall("publications", using=f"({WHOLE_PROGRAMME}) OR ({shown})", check=WHOLE_PROGRAMME)
    grant("publications", "SELECT", "INSERT")
    wall("renditions", using=of_audience("audience_kind", "audience"), check=WHOLE_PROGRAMME)
    grant("renditions", "SELECT", "INSERT")


def downgrade() -> None:
    op.execute("DROP TABLE renditions, publications, publication_drafts, signing_keys")
