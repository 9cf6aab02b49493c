"""The very bytes of what was submitted, behind the wall of their return."""

from alembic import op

from migrations.walls import grant, inherited, of_subcontract, wall

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE submitted_files (
    programme TEXT COLLATE "C" NOT NULL,
    revision_id BIGINT NOT NULL,
    subcontract TEXT COLLATE "C" NOT NULL,
    file_name TEXT,
    deflated BYTEA NOT NULL,
    PRIMARY KEY (programme, revision_id),
    CONSTRAINT submitted_files_of_revision FOREIGN KEY (programme, revision_id) REFERENCES revisions (programme, revision_id)
)
"""


def upgrade() -> None:
    op.execute(TABLE)
    # It is compressed before it comes: the server need not try.
    op.execute("ALTER TABLE submitted_files ALTER COLUMN deflated SET STORAGE EXTERNAL")
    own = of_subcontract("subcontract")
    wall("submitted_files", using=own, check=own)
    op.execute(f"CREATE POLICY submitted_files_inherited ON submitted_files FOR SELECT USING ({inherited('subcontract')})")
    grant("submitted_files", "SELECT", "INSERT")


def downgrade() -> None:
    op.execute("DROP TABLE submitted_files")
