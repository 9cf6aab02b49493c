"""A line can be in dispute more than once: each dispute of it has a number and stands beside those before."""

from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

LINE = "programme, contract_year, run, party, element"


def _keyed(key: str) -> None:
    op.execute(
        "ALTER TABLE settlement_disputes DROP CONSTRAINT settlement_disputes_pkey,"
        f" ADD CONSTRAINT settlement_disputes_pkey PRIMARY KEY ({key}, recorded_at)"
    )
    op.execute("DROP INDEX settlement_disputes_open")
    op.execute(f"CREATE UNIQUE INDEX settlement_disputes_open ON settlement_disputes ({key}) WHERE closed_at IS NULL")


def upgrade() -> None:
    # The default stays, for the release before this one says nothing of it.
    op.execute("ALTER TABLE settlement_disputes ADD COLUMN number INTEGER NOT NULL DEFAULT 1")
    op.execute("ALTER TABLE settlement_disputes NO FORCE ROW LEVEL SECURITY")
    # Each version that says of itself who opened it began another dispute of its line.
    op.execute(
        f"WITH numbered AS (SELECT {LINE}, recorded_at, count(*) FILTER (WHERE opened_at IS NULL)"
        f" OVER (PARTITION BY {LINE} ORDER BY recorded_at) AS place FROM settlement_disputes)"
        " UPDATE settlement_disputes AS line SET number = place FROM numbered"
        f" WHERE ({', '.join(f'line.{name}' for name in LINE.split(', '))}, line.recorded_at)"
        f" = ({', '.join(f'numbered.{name}' for name in LINE.split(', '))}, numbered.recorded_at)"
    )
    _keyed(f"{LINE}, number")
    # What was resolved was closed by the dispute after it, and stands.
    op.execute("UPDATE settlement_disputes SET closed_at = NULL, closed_by = NULL WHERE resolution IS NOT NULL")
    op.execute("ALTER TABLE settlement_disputes FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.execute("ALTER TABLE settlement_disputes NO FORCE ROW LEVEL SECURITY")
    op.execute(
        "UPDATE settlement_disputes AS line SET closed_at = later.recorded_at, closed_by = later.recorded_by FROM settlement_disputes AS later"
        " WHERE line.closed_at IS NULL AND later.number = line.number + 1 AND later.opened_at IS NULL AND"
        f" ({', '.join(f'line.{name}' for name in LINE.split(', '))}) = ({', '.join(f'later.{name}' for name in LINE.split(', '))})"
    )
    _keyed(LINE)
    op.execute("ALTER TABLE settlement_disputes DROP COLUMN number")
    op.execute("ALTER TABLE settlement_disputes FORCE ROW LEVEL SECURITY")
