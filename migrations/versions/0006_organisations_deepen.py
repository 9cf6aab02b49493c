"""Organisations get identifiers and days, and successions: who goes on from whom. A register's change is every contract's."""

from alembic import op

from migrations.walls import PROGRAMME, SUBCONTRACT, grant_facts

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INSTALLATION = f"{PROGRAMME} = '*' AND {SUBCONTRACT} = '*'"

TABLES = """
-- The default is what the release before says of them, while it still runs.
ALTER TABLE organisations
    ADD COLUMN identifiers JSONB NOT NULL DEFAULT '[]',
    ADD COLUMN legal_from DATE,
    ADD COLUMN legal_to DATE,
    ADD COLUMN operational_from DATE,
    ADD COLUMN operational_to DATE,
    ADD CONSTRAINT organisations_legal_forwards CHECK (legal_to >= legal_from),
    ADD CONSTRAINT organisations_operational_forwards CHECK (operational_to >= operational_from);

CREATE TABLE successions (
    predecessor TEXT COLLATE "C" NOT NULL,
    successor TEXT COLLATE "C" NOT NULL,
    legal_on DATE NOT NULL,
    operational_on DATE NOT NULL,
    note TEXT,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by TEXT COLLATE "C",
    PRIMARY KEY (predecessor, successor, recorded_at),
    CONSTRAINT successions_closed_pair CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CONSTRAINT successions_closed_later CHECK (closed_at > recorded_at),
    CONSTRAINT successions_of_another CHECK (predecessor <> successor)
);
CREATE UNIQUE INDEX successions_open ON successions (predecessor, successor) WHERE closed_at IS NULL;
CREATE INDEX successions_of_successor ON successions (successor);
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    grant_facts("successions")
    # Whoever changes the register changes the contract of every programme that reads it.
    op.execute(f"CREATE POLICY contract_changes_by_register ON contract_changes FOR INSERT WITH CHECK ({INSTALLATION})")
    # Whoever sees a whole programme sees who changed the register, and why; of the installation's chain nothing else.
    op.execute(
        "CREATE POLICY events_of_register ON events FOR SELECT"
        f" USING (programme = '*' AND {SUBCONTRACT} = '*' AND (action LIKE 'organisation.%' OR action LIKE 'succession.%'))"
    )


def downgrade() -> None:
    op.execute("DROP POLICY events_of_register ON events")
    op.execute("DROP POLICY contract_changes_by_register ON contract_changes")
    op.execute("DROP TABLE successions")
    op.execute(
        "ALTER TABLE organisations DROP COLUMN identifiers, DROP COLUMN legal_from, DROP COLUMN legal_to,"
        " DROP COLUMN operational_from, DROP COLUMN operational_to"
    )
