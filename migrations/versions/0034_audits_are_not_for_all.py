"""What an audit of figures found is for the staff of its programme: a wall that let every party of it through is closed."""

from alembic import op

from migrations.walls import PROGRAMME, SUBCONTRACT

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

BEFORE = f"{PROGRAMME} IN (programme, '*')"


def upgrade() -> None:
    _stand(f"{SUBCONTRACT} = '*' AND {BEFORE}")


def downgrade() -> None:
    _stand(BEFORE)


def _stand(condition: str) -> None:
    op.execute(f"ALTER POLICY figure_audits_wall ON figure_audits USING ({condition}) WITH CHECK ({condition})")
