"""A contract year is settled once, and what was declared can be withdrawn."""

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE settlement_acts ADD COLUMN reason TEXT, ADD COLUMN settles INTEGER")
    op.execute("ALTER TABLE settlement_acts DROP CONSTRAINT settlement_acts_three_people, DROP CONSTRAINT settlement_acts_act")
    op.execute(
        "CREATE UNIQUE INDEX settlement_acts_three_people ON settlement_acts (programme, contract_year, run, number, recorded_by)"
        " WHERE act <> 'withdrawn'"
    )
    op.execute(
        "ALTER TABLE settlement_acts ADD CONSTRAINT settlement_acts_settled_once UNIQUE (programme, settles),"
        " ADD CONSTRAINT settlement_acts_act CHECK (act IN ('declared', 'approved', 'finance_approved', 'withdrawn')),"
        " ADD CONSTRAINT settlement_acts_reason CHECK ((act = 'withdrawn') = (reason IS NOT NULL)),"
        " ADD CONSTRAINT settlement_acts_settles CHECK (settles IS NULL OR (settles = contract_year AND act = 'finance_approved'))"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE settlement_acts NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM settlement_acts WHERE act = 'withdrawn'")
    op.execute("ALTER TABLE settlement_acts FORCE ROW LEVEL SECURITY")
    op.execute("DROP INDEX settlement_acts_three_people")
    op.execute("ALTER TABLE settlement_acts DROP CONSTRAINT settlement_acts_act, DROP COLUMN reason, DROP COLUMN settles")
    op.execute(
        "ALTER TABLE settlement_acts"
        " ADD CONSTRAINT settlement_acts_three_people UNIQUE (programme, contract_year, run, number, recorded_by),"
        " ADD CONSTRAINT settlement_acts_act CHECK (act IN ('declared', 'approved', 'finance_approved'))"
    )
