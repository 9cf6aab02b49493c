"""A successor reads what belonged to its predecessors; what is written stays with a tenant's own subcontract."""

from alembic import op

from migrations.walls import inherited

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# By table, the columns of which one names the subcontract that a row belongs to.
COLUMNS = {
    "subcontracts": ("reference",),
    "assignments": ("subcontract", "other_reporter"),
    "returns": ("subcontract",),
    "revisions": ("subcontract",),
    "cells": ("subcontract",),
}


def upgrade() -> None:
    for table, columns in COLUMNS.items():
        op.execute(f"CREATE POLICY {table}_inherited ON {table} FOR SELECT USING ({inherited(*columns)})")


def downgrade() -> None:
    for table in COLUMNS:
        op.execute(f"DROP POLICY {table}_inherited ON {table}")
