"""A party disputes its own lines itself, and reads what is answered and how it was resolved."""

from alembic import op

from migrations.walls import COMMISSIONER, INHERITED, INHERITED_COMMISSIONERS, OF_PROGRAMME, SUBCONTRACT, WHOLE_PROGRAMME

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

TOGETHER = f"party = 'commissioner.all' AND {COMMISSIONER} IS NOT NULL"
OWN = f"party = 'subcontract.' || {SUBCONTRACT} OR party = 'commissioner.' || {COMMISSIONER} OR ({TOGETHER})"
THEIRS = f"{OF_PROGRAMME} AND ({SUBCONTRACT} = '*' OR {OWN})"
LEFT = (
    f"{OF_PROGRAMME} AND (starts_with(party, 'subcontract.') AND substr(party, 13) = ANY {INHERITED}"
    f" OR starts_with(party, 'commissioner.') AND substr(party, 14) = ANY {INHERITED_COMMISSIONERS})"
)


def upgrade() -> None:
    # The default stays, for the release before this one says nothing of it.
    op.execute(
        "ALTER TABLE settlement_disputes ADD COLUMN by_party BOOLEAN NOT NULL DEFAULT false, ADD COLUMN answer TEXT,"
        ' ADD COLUMN answered_at TIMESTAMP WITH TIME ZONE, ADD COLUMN answered_by TEXT COLLATE "C",'
        " DROP CONSTRAINT settlement_disputes_resolved,"
        " ADD CONSTRAINT settlement_disputes_resolved CHECK ((answer IS NULL AND resolution IS NULL) = (opened_at IS NULL)),"
        " ADD CONSTRAINT settlement_disputes_answered CHECK ((answer IS NULL) = (answered_at IS NULL)),"
        " ADD CONSTRAINT settlement_disputes_answered_pair CHECK ((answered_at IS NULL) = (answered_by IS NULL))"
    )
    op.execute(f"ALTER POLICY settlement_disputes_wall ON settlement_disputes USING ({THEIRS}) WITH CHECK ({THEIRS})")
    op.execute(f"CREATE POLICY settlement_disputes_inherited ON settlement_disputes FOR SELECT USING ({LEFT})")


def downgrade() -> None:
    op.execute("DROP POLICY settlement_disputes_inherited ON settlement_disputes")
    op.execute(f"ALTER POLICY settlement_disputes_wall ON settlement_disputes USING ({WHOLE_PROGRAMME}) WITH CHECK ({WHOLE_PROGRAMME})")
    op.execute("ALTER TABLE settlement_disputes DROP CONSTRAINT settlement_disputes_resolved, NO FORCE ROW LEVEL SECURITY")
    # Of what was answered and is open still, only that it is open can be said.
    op.execute("UPDATE settlement_disputes SET opened_at = NULL, opened_by = NULL WHERE resolution IS NULL")
    op.execute(
        "ALTER TABLE settlement_disputes FORCE ROW LEVEL SECURITY, DROP COLUMN by_party, DROP COLUMN answer,"
        " DROP COLUMN answered_at, DROP COLUMN answered_by,"
        " ADD CONSTRAINT settlement_disputes_resolved CHECK ((resolution IS NULL) = (opened_at IS NULL))"
    )
    # A permission that the release before does not know, it could not read.
    op.execute("ALTER TABLE delegations NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM delegations WHERE permission = 'line_dispute'")
    op.execute("ALTER TABLE delegations FORCE ROW LEVEL SECURITY")
