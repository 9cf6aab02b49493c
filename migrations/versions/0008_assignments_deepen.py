"""Assignments name who reports them and who waived their setting; shares never pass 100; pathways name their sites."""

from alembic import op

from migrations.walls import OF_PROGRAMME, SUBCONTRACT, WHOLE_PROGRAMME, of_subcontract

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# Whoever reports an assignment sees it as its deliverer does; null: the deliverer.
OWN = f"{OF_PROGRAMME} AND {SUBCONTRACT} IN (subcontract, coalesce(other_reporter, subcontract), '*')"

# One look at all the rows of a statement. The lock lets one after the other look, each at what the one before committed: two
# sessions that do not see each other's rows could pass 100 together. Place by place (LATERAL), through the index, whatever the
# planner knows of a table that was just filled; within a place a running sum over the months in which shares begin and end.
CHECK = """
CREATE FUNCTION assignments_share_sums() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    shared TEXT;
BEGIN
    FOR shared IN SELECT DISTINCT programme FROM stated WHERE closed_at IS NULL AND share IS NOT NULL ORDER BY 1 LOOP
        PERFORM pg_advisory_xact_lock(hashtextextended('assignments' || chr(31) || shared, 0));
        IF EXISTS (
            SELECT FROM (
                SELECT DISTINCT pathway, segment, site, commissioner FROM stated
                WHERE programme = shared AND closed_at IS NULL AND share IS NOT NULL
            ) AS place
            CROSS JOIN LATERAL (
                SELECT sum(change) OVER (ORDER BY month, change) AS held
                FROM assignments AS fact,
                    LATERAL (VALUES (fact.from_month, fact.share), (coalesce(fact.to_month, 2147483646) + 1, -fact.share)) AS edge (month, change)
                WHERE fact.programme = shared AND fact.pathway = place.pathway AND fact.segment = place.segment
                    AND fact.site = place.site AND fact.commissioner = place.commissioner
                    AND fact.closed_at IS NULL AND fact.share IS NOT NULL
            ) AS running
            WHERE running.held > 100
        ) THEN
            RAISE check_violation USING MESSAGE = 'the shares of a place pass 100', CONSTRAINT = 'assignments_share_sums';
        END IF;
    END LOOP;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.execute(
        'ALTER TABLE assignments ADD COLUMN other_reporter TEXT COLLATE "C", ADD COLUMN waiver_reason TEXT, ADD COLUMN waiver_approver TEXT,'
        " ADD CONSTRAINT assignments_share CHECK (share BETWEEN 0 AND 100),"
        " ADD CONSTRAINT assignments_reporter CHECK (other_reporter <> subcontract),"
        " ADD CONSTRAINT assignments_waiver_pair CHECK ((waiver_reason IS NULL) = (waiver_approver IS NULL))"
    )
    op.execute(
        "CREATE INDEX assignments_shared ON assignments (programme, pathway, segment, site, commissioner)"
        " WHERE closed_at IS NULL AND share IS NOT NULL"
    )
    op.execute(f"ALTER POLICY assignments_wall ON assignments USING ({OWN}) WITH CHECK ({WHOLE_PROGRAMME})")
    op.execute(CHECK)
    for event in ("INSERT", "UPDATE"):
        op.execute(
            f"CREATE TRIGGER assignments_share_sums_{event.lower()} AFTER {event} ON assignments REFERENCING NEW TABLE AS stated"
            " FOR EACH STATEMENT EXECUTE FUNCTION assignments_share_sums()"
        )
    op.execute("ALTER TABLE pathways ADD COLUMN sites JSONB NOT NULL DEFAULT 'null'")
    # Activity outside assignments is rare and asked for over all months.
    op.execute("CREATE INDEX cells_outside_assignment ON cells (programme, revision_id) WHERE outside_assignment")


def downgrade() -> None:
    op.execute("DROP INDEX cells_outside_assignment")
    op.execute("ALTER TABLE pathways DROP COLUMN sites")
    for event in ("insert", "update"):
        op.execute(f"DROP TRIGGER assignments_share_sums_{event} ON assignments")
    op.execute("DROP FUNCTION assignments_share_sums()")
    op.execute(f"ALTER POLICY assignments_wall ON assignments USING ({of_subcontract('subcontract')})")
    op.execute("DROP INDEX assignments_shared")
    op.execute("ALTER TABLE assignments DROP COLUMN other_reporter, DROP COLUMN waiver_reason, DROP COLUMN waiver_approver")
    op.execute("ALTER TABLE assignments DROP CONSTRAINT assignments_share")
