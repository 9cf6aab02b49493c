"""Days that are proclaimed to be worked, or not: shared by all programmes, and part of every contract."""

from alembic import op

from migrations.walls import SUBCONTRACT, grant_facts

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE calendar_days (
    day DATE NOT NULL,
    worked BOOLEAN NOT NULL,
    name TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by TEXT COLLATE "C",
    PRIMARY KEY (day, recorded_at),
    CONSTRAINT calendar_days_closed_pair CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CONSTRAINT calendar_days_closed_later CHECK (closed_at > recorded_at)
)
"""


def upgrade() -> None:
    op.execute(TABLE)
    op.execute("CREATE UNIQUE INDEX calendar_days_open ON calendar_days (day) WHERE closed_at IS NULL")
    grant_facts("calendar_days")
    # Whoever sees a whole programme sees who changed the calendar, and why.
    op.execute(
        "CREATE POLICY events_of_calendar ON events FOR SELECT"
        f" USING (programme = '*' AND {SUBCONTRACT} = '*' AND action LIKE 'calendar_day.%')"
    )


def downgrade() -> None:
    op.execute("DROP POLICY events_of_calendar ON events")
    op.execute("DROP TABLE calendar_days")
