"""A subcontract that reports for another reads when that one delivers: what it owes follows it."""

from alembic import op

from migrations.walls import INHERITED, OF_PROGRAMME, PROGRAMME, SUBCONTRACT

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    reported = (
        "SELECT assignments.subcontract FROM assignments"
        f" WHERE assignments.programme = {PROGRAMME}"
        f" AND (assignments.other_reporter = {SUBCONTRACT} OR assignments.other_reporter = ANY {INHERITED})"
    )
    op.execute(f"CREATE POLICY subcontracts_reported_for ON subcontracts FOR SELECT USING ({OF_PROGRAMME} AND reference IN ({reported}))")


def downgrade() -> None:
    op.execute("DROP POLICY subcontracts_reported_for ON subcontracts")
