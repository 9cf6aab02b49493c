"""The wall of assignments reads the same after a dump was restored: alternatives beside each other, where three in a list are nested once and then no more."""

from alembic import op

from migrations.walls import OF_PROGRAMME, SUBCONTRACT

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    parties = " OR ".join(f"{SUBCONTRACT} = {party}" for party in ("subcontract", "coalesce(other_reporter, subcontract)", "'*'"))
    op.execute(f"ALTER POLICY assignments_wall ON assignments USING ({OF_PROGRAMME} AND ({parties}))")


def downgrade() -> None:
    listed = f"{SUBCONTRACT} IN (subcontract, coalesce(other_reporter, subcontract), '*')"
    op.execute(f"ALTER POLICY assignments_wall ON assignments USING ({OF_PROGRAMME} AND {listed})")
