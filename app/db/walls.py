"""The walls as the migrations built them, held against those that stand, and every way round them that is open to the service's role."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import Connection, text

BUILT: Final = Path(__file__).parents[2] / "migrations/walls.tsv"
"""Table, kind, name, state and words of each part; `python -m tests.db.built --write` writes it from a freshly migrated database."""

NEWEST_TRIED: Final = 18
"""PostgreSQL says a policy's and a trigger's words back alike from 15 to this; of a later version they are not compared."""


class Part(NamedTuple):
    """What a wall is made of: a policy, a trigger, a rule, a foreign key, or a right of the service's role."""

    table: str
    kind: str
    name: str


class Is(NamedTuple):
    """How a part is: whether it works, and on what, in one word or two; then in PostgreSQL's words."""

    state: str
    words: str


Walls = Mapping[Part, Is]

# Policies and rights of others, such as of whoever backs up or watches, are the administrator's affair: only what concerns the role or one of its groups counts.
# So is what came with an extension, which knows nothing of our tables.
_STANDING = text("""
    WITH holders AS (SELECT oid FROM pg_roles WHERE pg_has_role(session_user, oid, 'MEMBER') UNION SELECT 0),
    ours AS (
        SELECT oid, relname, relacl FROM pg_class
        WHERE relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('alembic_version')) AND relkind IN ('r', 'p', 'S')
            AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e')
    )
    SELECT relname, 'policy', polname, concat_ws(' ', CASE WHEN polpermissive THEN 'permissive' ELSE 'restrictive' END,
            CASE polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END),
        concat_ws(' ', 'USING ' || pg_get_expr(polqual, polrelid), 'WITH CHECK ' || pg_get_expr(polwithcheck, polrelid))
    FROM pg_policy JOIN ours ON polrelid = ours.oid WHERE polroles && ARRAY(SELECT oid FROM holders)
    UNION ALL
    SELECT relname, 'trigger', tgname, concat_ws(' ', tgenabled, encode(sha256(convert_to(prosrc, 'UTF8')), 'hex'), nullif(prosecdef, false), proconfig),
        pg_get_triggerdef(pg_trigger.oid, true)
    FROM pg_trigger JOIN ours ON tgrelid = ours.oid JOIN pg_proc ON pg_proc.oid = tgfoid WHERE NOT tgisinternal
    UNION ALL
    SELECT relname, 'foreign key', conname, string_agg(DISTINCT tgenabled::text, ' '), ''
    FROM pg_trigger JOIN pg_constraint ON pg_constraint.oid = tgconstraint JOIN ours ON conrelid = ours.oid WHERE contype = 'f' GROUP BY relname, conname
    UNION ALL
    SELECT relname, 'rule', rulename, ev_enabled::text, '' FROM pg_rewrite JOIN ours ON ev_class = ours.oid
    UNION
    SELECT relname, 'right to', privilege_type, '', '' FROM ours, aclexplode(relacl) WHERE grantee IN (SELECT oid FROM holders)
    UNION
    SELECT relname, 'right to', privilege_type || ' ' || attname, '', '' FROM ours JOIN pg_attribute ON attrelid = ours.oid, aclexplode(attacl)
    WHERE attacl IS NOT NULL AND grantee IN (SELECT oid FROM holders)
""")

_WAYS_ROUND = text("""
    WITH mine AS (SELECT oid FROM pg_roles WHERE pg_has_role(session_user, oid, 'MEMBER')),
    places AS (SELECT oid, oid = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('alembic_version')) AS is_ours FROM pg_namespace
        WHERE nspname !~ '^pg_|^information_schema$' AND EXISTS (SELECT FROM mine WHERE has_schema_privilege(mine.oid, pg_namespace.oid, 'USAGE'))),
    of_extensions AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e')
    SELECT CASE WHEN relkind IN ('v', 'm') THEN 'view' ELSE 'table' END AS kind, relation.oid::regclass::text AS name, '' AS owner
    FROM pg_class AS relation JOIN places ON places.oid = relnamespace
    WHERE (relkind = 'm' OR relkind IN ('r', 'p', 'f') AND NOT is_ours OR relkind = 'v' AND NOT EXISTS (
            SELECT FROM pg_options_to_table(reloptions) WHERE option_name = 'security_invoker' AND option_value::boolean))
        AND EXISTS (SELECT FROM mine WHERE has_any_column_privilege(mine.oid, relation.oid, 'SELECT, INSERT, UPDATE')
            OR has_table_privilege(mine.oid, relation.oid, 'DELETE, TRUNCATE'))
        AND NOT EXISTS (SELECT FROM of_extensions WHERE classid = 'pg_class'::regclass AND objid = relation.oid)
    UNION ALL
    SELECT 'function', called.oid::regprocedure::text, pg_get_userbyid(proowner) FROM pg_proc AS called JOIN places ON places.oid = pronamespace
    WHERE prosecdef AND prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
        AND EXISTS (SELECT FROM mine WHERE has_function_privilege(mine.oid, called.oid, 'EXECUTE'))
        AND NOT EXISTS (SELECT FROM of_extensions WHERE classid = 'pg_proc'::regclass AND objid = called.oid)
    ORDER BY 1, 2
""")


def standing(connection: Connection) -> Walls:
    """What stands in the database, as far as it concerns whoever is connected."""
    # Names are quoted where they must be, however the server is told to write them.
    connection.execute(text("SET LOCAL quote_all_identifiers = off"))
    return {Part(*row[:3]): Is(row[3], re.sub(r"\s+", " ", row[4])) for row in connection.execute(_STANDING)}


def built() -> Walls:
    """What the migrations build."""
    lines = BUILT.read_text(encoding="utf-8").splitlines()
    return {Part(table, kind, name): Is(state, words) for table, kind, name, state, words in (line.split("\t") for line in lines)}


def differing(connection: Connection) -> Iterator[str]:
    """Of each table whose walls are not those that were built, a sentence that names what differs."""
    version = connection.dialect.server_version_info
    stand, were_built = standing(connection), built()
    if version is not None and version >= (NEWEST_TRIED + 1,):
        stand, were_built = ({part: Is(of.state, "") for part, of in walls.items()} for walls in (stand, were_built))
    differences = defaultdict[str, list[str]](list)
    for part in sorted(stand.keys() | were_built.keys()):
        if stand.get(part) != were_built.get(part):
            what = "added" if part not in were_built else "missing" if part not in stand else "changed"
            differences[part.table].append(f"the {part.kind} {part.name} is {what}")
    for table, said in differences.items():
        yield f"The walls of the table {table} are not those that the migrations built: {'; '.join(said)} (migrations/walls.tsv has each)."


def ways_round(connection: Connection) -> Iterator[str]:
    """Views, functions and tables elsewhere through which the role would see or change what the walls keep from it."""
    for kind, name, owner in connection.execute(_WAYS_ROUND).all():
        if kind == "view":
            yield f"The view {name} is not a security_invoker, so it shows every programme's rows: drop it or make it one."
        elif kind == "table":
            yield f"The service's role may use {name} in another schema, where no wall stands: revoke that from it, its groups and PUBLIC."
        else:
            yield f"The service's role may call {name}, which does as {owner} may (SECURITY DEFINER): revoke that from it, its groups and PUBLIC."
