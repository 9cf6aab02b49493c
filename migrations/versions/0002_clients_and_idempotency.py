"""Clients, their keys, and the first answers kept for idempotency keys."""

from alembic import op

from migrations.walls import CLIENT, grant, wall

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE clients (
    id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    programme TEXT COLLATE "C" NOT NULL,
    subcontract TEXT COLLATE "C",
    commissioner TEXT COLLATE "C",
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    revoked_by TEXT COLLATE "C",
    PRIMARY KEY (id),
    CONSTRAINT clients_role CHECK (role IN ('administrator', 'contract_manager', 'analyst', 'finance', 'preparer', 'approver',
        'commissioner_lead', 'commissioner', 'auditor')),
    CONSTRAINT clients_revoked_pair CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);

CREATE TABLE client_keys (
    id TEXT COLLATE "C" NOT NULL,
    client TEXT COLLATE "C" NOT NULL,
    sha256 TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    revoked_by TEXT COLLATE "C",
    last_used_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id),
    CONSTRAINT client_keys_client FOREIGN KEY (client) REFERENCES clients (id),
    CONSTRAINT client_keys_revoked_pair CHECK ((revoked_at IS NULL) = (revoked_by IS NULL)),
    CONSTRAINT client_keys_expire_later CHECK (expires_at > created_at)
);
CREATE INDEX client_keys_of_client ON client_keys (client);

CREATE TABLE idempotency_keys (
    client TEXT COLLATE "C" NOT NULL,
    key_sha256 TEXT COLLATE "C" NOT NULL,
    fingerprint TEXT NOT NULL,
    first_used_at TIMESTAMP WITH TIME ZONE NOT NULL,
    status INTEGER,
    headers JSONB,
    body BYTEA,
    PRIMARY KEY (client, key_sha256),
    CONSTRAINT idempotency_keys_answered CHECK (num_nulls(status, headers, body) IN (0, 3))
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (client, first_used_at);
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    for table, column in (("clients", "id"), ("client_keys", "client"), ("idempotency_keys", "client")):
        own = f"{CLIENT} IN ({column}, '*')"
        wall(table, using=own, check=own)
    grant("clients", "SELECT", "INSERT", "UPDATE (revoked_at, revoked_by)")
    grant("client_keys", "SELECT", "INSERT", "UPDATE (revoked_at, revoked_by, last_used_at)")
    grant("idempotency_keys", "SELECT", "INSERT", "UPDATE", "DELETE")


def downgrade() -> None:
    op.execute("DROP TABLE idempotency_keys, client_keys, clients")
