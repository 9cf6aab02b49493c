"""Every client of a programme is seen by whoever manages them and sees the whole programme: a party sees its own alone, whatever it is taken for."""

from alembic import op

from migrations.walls import CLIENT, PROGRAMME, SUBCONTRACT

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

BEFORE = f"{PROGRAMME} IN (programme, '*')"


def upgrade() -> None:
    _stand(f"{BEFORE} AND {SUBCONTRACT} = '*'")


def downgrade() -> None:
    _stand(BEFORE)


def _stand(managed: str) -> None:
    condition = f"{CLIENT} = id OR ({CLIENT} = '*' AND {managed})"
    op.execute(f"ALTER POLICY clients_wall ON clients USING ({condition}) WITH CHECK ({condition})")
