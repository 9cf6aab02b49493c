"""Subcontracts say what happened when, how long and for how much they go on, who approved them and which papers they hold."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

LISTS = ("status_history", "value_by_year", "assurance", "variations")
ONES = ("extension", "commissioner_approval")


def upgrade() -> None:
    columns = [f"ADD COLUMN {name} JSONB NOT NULL DEFAULT '[]'" for name in LISTS]
    columns += [f"ADD COLUMN {name} JSONB NOT NULL DEFAULT 'null'" for name in ONES]
    op.execute(f"ALTER TABLE subcontracts {', '.join(columns)}, ADD COLUMN material BOOLEAN NOT NULL DEFAULT FALSE")


def downgrade() -> None:
    op.execute(f"ALTER TABLE subcontracts {', '.join(f'DROP COLUMN {name}' for name in (*LISTS, *ONES, 'material'))}")
