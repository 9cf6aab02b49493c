"""Public keys of clients, tokens given for what they sign, and who sees which client."""

from alembic import op

from migrations.walls import CLIENT, grant, wall

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

PROGRAMME = "(SELECT nullif(current_setting('mainstem.programme', true), ''))"

TABLES = """
CREATE TABLE client_public_keys (
    client TEXT COLLATE "C" NOT NULL,
    kid TEXT COLLATE "C" NOT NULL,
    thumbprint TEXT COLLATE "C" NOT NULL,
    algorithm TEXT COLLATE "C" NOT NULL,
    members JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    revoked_by TEXT COLLATE "C",
    PRIMARY KEY (client, kid, created_at),
    CONSTRAINT client_public_keys_client FOREIGN KEY (client) REFERENCES clients (id),
    CONSTRAINT client_public_keys_algorithm CHECK (algorithm IN ('RS512', 'PS256', 'ES256', 'EdDSA')),
    CONSTRAINT client_public_keys_revoked_pair CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);
CREATE UNIQUE INDEX client_public_keys_live ON client_public_keys (client, kid) WHERE revoked_at IS NULL;

CREATE TABLE client_assertions (
    client TEXT COLLATE "C" NOT NULL,
    jti_sha256 TEXT COLLATE "C" NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (client, jti_sha256),
    CONSTRAINT client_assertions_client FOREIGN KEY (client) REFERENCES clients (id)
);

CREATE TABLE client_tokens (
    id TEXT COLLATE "C" NOT NULL,
    client TEXT COLLATE "C" NOT NULL,
    sha256 TEXT NOT NULL,
    thumbprint TEXT COLLATE "C" NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT client_tokens_client FOREIGN KEY (client) REFERENCES clients (id)
);
CREATE INDEX client_tokens_of_client ON client_tokens (client, expires_at);
"""

# Whoever manages clients sees those of the programmes that it reaches; everybody else its own row.
MANAGED = f"({CLIENT} = '*' AND {PROGRAMME} IN (programme, '*'))"
OF_MANAGED = f"({CLIENT} = '*' AND EXISTS (SELECT FROM clients WHERE clients.id = client))"


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    for table in ("client_public_keys", "client_assertions", "client_tokens"):
        own = f"{CLIENT} = client OR {OF_MANAGED}"
        wall(table, using=own, check=own)
    grant("client_public_keys", "SELECT", "INSERT", "UPDATE (revoked_at, revoked_by)")
    grant("client_assertions", "SELECT", "INSERT", "DELETE")
    grant("client_tokens", "SELECT", "INSERT", "DELETE")
    for table, own in (("clients", f"{CLIENT} = id OR {MANAGED}"), ("client_keys", f"{CLIENT} = client OR {OF_MANAGED}")):
        op.execute(f"ALTER POLICY {table}_wall ON {table} USING ({own}) WITH CHECK ({own})")


def downgrade() -> None:
    for table, column in (("clients", "id"), ("client_keys", "client")):
        own = f"{CLIENT} IN ({column}, '*')"
        op.execute(f"ALTER POLICY {table}_wall ON {table} USING ({own}) WITH CHECK ({own})")
    op.execute("DROP TABLE client_tokens, client_assertions, client_public_keys")
