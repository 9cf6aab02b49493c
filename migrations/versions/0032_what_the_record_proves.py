"""Events say how far their client reached, nobody changes them, each party reads its own, and checkpoints sign where chains stood."""

from alembic import op

from migrations.walls import COMMISSIONER, OF_PROGRAMME, PROGRAMME, SUBCONTRACT, grant, wall

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

APPEND_ONLY = ("events", "contract_changes", "publications", "renditions", "checkpoints")

CHECKPOINTS = """
CREATE TABLE checkpoints (
    programme TEXT COLLATE "C" NOT NULL,
    sequence BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    statement BYTEA NOT NULL,
    key_id TEXT COLLATE "C" NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (programme, sequence)
)
"""
REFUSE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are added, never changed or taken away', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$
"""

# Whoever sees the whole programme reads its chain, and what the programme's clients did elsewhere: tokens they took, acts they were refused.
ANYWHERE = f"{OF_PROGRAMME} OR {PROGRAMME} = '*'"
WHOLE = f"({ANYWHERE} OR client_programme = {PROGRAMME}) AND {SUBCONTRACT} = '*'"
# A party reads what is about it in its programme, and what its own clients did.
ABOUT = f"{OF_PROGRAMME} AND (subject ->> 'subcontract' = {SUBCONTRACT} OR subject ->> 'commissioner' = {COMMISSIONER})"
BY = f"client_programme = {PROGRAMME} AND (client_subcontract = {SUBCONTRACT} OR client_commissioner = {COMMISSIONER})"
CHECK = f"programme = '*' OR {ANYWHERE}"


def upgrade() -> None:
    for name in ("client_programme", "client_subcontract", "client_commissioner"):
        op.execute(f'ALTER TABLE events ADD COLUMN {name} TEXT COLLATE "C"')
    op.execute("CREATE INDEX events_by_moment ON events (recorded_at, programme, sequence)")
    op.execute(f"ALTER POLICY events_wall ON events USING ({WHOLE}) WITH CHECK ({CHECK})")
    op.execute(f"CREATE POLICY events_own ON events FOR SELECT USING (({ABOUT}) OR ({BY}))")
    op.execute(CHECKPOINTS)
    wall("checkpoints", using=f"({ANYWHERE}) AND {SUBCONTRACT} = '*'", check=f"({ANYWHERE}) AND {SUBCONTRACT} = '*'")
    grant("checkpoints", "SELECT", "INSERT")
    op.execute(REFUSE)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    for table in APPEND_ONLY:
        op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
    op.execute("DROP FUNCTION refuse_change")
    op.execute("DROP TABLE checkpoints")
    op.execute("DROP POLICY events_own ON events")
    op.execute(f"ALTER POLICY events_wall ON events USING (({ANYWHERE}) AND {SUBCONTRACT} = '*') WITH CHECK ({CHECK})")
    op.execute("DROP INDEX events_by_moment")
    op.execute("ALTER TABLE events DROP COLUMN client_programme, DROP COLUMN client_subcontract, DROP COLUMN client_commissioner")
