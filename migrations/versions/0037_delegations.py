"""Permissions that clients lend one another for a while, and on whose behalf a return was signed."""

from alembic import op

from migrations.walls import CLIENT, COMMISSIONER, OF_PROGRAMME, PROGRAMME, SUBCONTRACT, grant, wall

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE delegations (
    programme TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    permission TEXT COLLATE "C" NOT NULL,
    granted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    granted_by TEXT COLLATE "C" NOT NULL,
    delegate TEXT COLLATE "C" NOT NULL,
    subcontract TEXT COLLATE "C",
    commissioner TEXT COLLATE "C",
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    revoked_by TEXT COLLATE "C",
    PRIMARY KEY (programme, id),
    CONSTRAINT delegations_revoked_pair CHECK ((revoked_at IS NULL) = (revoked_by IS NULL)),
    CONSTRAINT delegations_expire_later CHECK (expires_at > granted_at),
    CONSTRAINT delegations_another CHECK (granted_by <> delegate)
);
CREATE INDEX delegations_of_delegate ON delegations (delegate);
CREATE INDEX delegations_of_lender ON delegations (granted_by);
ALTER TABLE sign_offs ADD COLUMN on_behalf_of TEXT COLLATE "C"
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        op.execute(statement)
    party = f"{OF_PROGRAMME} AND ({SUBCONTRACT} = '*' OR subcontract = {SUBCONTRACT} OR commissioner = {COMMISSIONER})"
    # Who is calling is found out before any programme is known, and a client is ended with all that it lent and was lent.
    installation = f"{PROGRAMME} = '*' AND {SUBCONTRACT} = '*' AND {CLIENT} = '*'"
    either = f"({party}) OR ({installation})"
    wall("delegations", using=either, check=either)
    grant("delegations", "SELECT", "INSERT", "UPDATE (revoked_at, revoked_by)")


def downgrade() -> None:
    op.execute("ALTER TABLE sign_offs DROP COLUMN on_behalf_of")
    op.execute("DROP TABLE delegations")
