"""Whoever delivers at a wider site delivers at each of its parts: shares are summed there, in the months in which both are in scope."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_FUNCTION = """
CREATE OR REPLACE FUNCTION assignments_share_sums() RETURNS trigger LANGUAGE plpgsql {planned} AS $$
DECLARE
    shared TEXT;
BEGIN
    FOR shared IN SELECT DISTINCT programme FROM stated WHERE closed_at IS NULL AND share IS NOT NULL ORDER BY 1 LOOP
        PERFORM pg_advisory_xact_lock(hashtextextended('assignments' || chr(31) || shared, 0));
        IF EXISTS ({passed}) THEN
            RAISE check_violation USING MESSAGE = 'the shares of a place pass 100', CONSTRAINT = 'assignments_share_sums';
        END IF;
    END LOOP;
    RETURN NULL;
END $$
"""

# The planner knows nothing of a table that was just filled, and joining all of it anew for each place takes minutes.
_THROUGH_THE_INDEX = "SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off"

# Commissioners are named at their lowest level only, so that none of them adds to another. A line that names a place and a wider one holds
# its share once. Place by place (LATERAL), through the index, as before.
_WITH_WIDER = """
WITH RECURSIVE above (place, site) AS (
    (SELECT site, site FROM stated WHERE programme = shared UNION SELECT code, code FROM sites WHERE programme = shared AND closed_at IS NULL)
    UNION
    SELECT above.place, line.parent FROM above JOIN sites AS line ON line.code = above.site
    WHERE line.programme = shared AND line.closed_at IS NULL AND line.parent IS NOT NULL
), within AS MATERIALIZED (
    SELECT above.place, above.site, greatest(0, own.from_month, wider.from_month) AS first, least(2147483646, own.to_month, wider.to_month) AS last
    FROM above
    LEFT JOIN sites AS own ON own.programme = shared AND own.closed_at IS NULL AND own.code = above.place
    LEFT JOIN sites AS wider ON wider.programme = shared AND wider.closed_at IS NULL AND wider.code = above.site
)
SELECT FROM (
    SELECT DISTINCT stated.pathway, stated.segment, within.place AS site, stated.commissioner
    FROM stated JOIN within ON within.site = stated.site
    WHERE stated.programme = shared AND stated.closed_at IS NULL AND stated.share IS NOT NULL
) AS place
LEFT JOIN commissioners AS whom ON whom.programme = shared AND whom.closed_at IS NULL AND whom.ods_code = place.commissioner
CROSS JOIN LATERAL (
    SELECT sum(change) OVER (ORDER BY month, change) AS held
    FROM (
        SELECT fact.share, greatest(fact.from_month, min(within.first), whom.from_month) AS first,
            least(fact.to_month, max(within.last), whom.to_month) AS last
        FROM within, assignments AS fact
        WHERE within.place = place.site AND within.first <= within.last
            AND fact.programme = shared AND fact.pathway = place.pathway AND fact.segment = place.segment
            AND fact.site = within.site AND fact.commissioner = place.commissioner
            AND fact.closed_at IS NULL AND fact.share IS NOT NULL
        GROUP BY fact.subcontract, fact.line, fact.from_month, fact.to_month, fact.share
    ) AS line,
        LATERAL (VALUES (line.first, line.share), (line.last + 1, -line.share)) AS edge (month, change)
    WHERE line.first <= line.last
) AS running
WHERE running.held > 100
"""

_AT_THE_PLACE = """
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
"""


def upgrade() -> None:
    op.execute(_FUNCTION.format(passed=_WITH_WIDER, planned=_THROUGH_THE_INDEX))


def downgrade() -> None:
    op.execute(_FUNCTION.format(passed=_AT_THE_PLACE, planned=""))
