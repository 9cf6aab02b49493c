"""Walls that are not those that the migrations built, and ways round them, are each named to whoever starts the service or asks `mainstem doctor`."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, make_url

from app.db import roles
from app.db.schema import start_problems
from app.db.walls import BUILT, NEWEST_TRIED, built, differing, standing, ways_round
from tests.db.test_schema import change, login, only_problem
from tests.safety.walls import unnamed
from tests.support.databases import Database, Server
from tests.test_cli import mainstem

SERVES = roles.LOGINS[roles.APPLICATION]


@pytest.fixture
def superuser(module_database: Database) -> Iterator[Connection]:
    """What it does is rolled back."""
    with module_database.superuser_engine.connect() as connection:
        yield connection
        connection.rollback()


def told(connection: Connection, *statements: str) -> list[str]:
    """What the service's role is told after these statements of a superuser's."""
    for statement in statements:
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql(f"SET LOCAL SESSION AUTHORIZATION {SERVES}")
    return [*differing(connection), *ways_round(connection)]


def test_the_file_is_what_the_migrations_build(superuser: Connection) -> None:
    superuser.exec_driver_sql(f"SET LOCAL SESSION AUTHORIZATION {SERVES}")
    assert standing(superuser) == built(), "run python -m tests.db.built --write"
    lines = BUILT.read_text(encoding="utf-8").splitlines()
    assert lines == sorted(lines)


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("CREATE POLICY everybody ON cells USING (true)", "the policy everybody is added"),
        (f"CREATE POLICY everybody ON cells TO {roles.APPLICATION} USING (true)", "the policy everybody is added"),
        ("DROP POLICY cells_inherited ON cells", "the policy cells_inherited is missing"),
        ("ALTER POLICY cells_wall ON cells USING (programme <> '')", "the policy cells_wall is changed"),
        ("ALTER POLICY cells_wall ON cells TO mainstem_owner", "the policy cells_wall is missing"),
        ("ALTER TABLE cells DISABLE TRIGGER cells_belong", "the trigger cells_belong is changed"),
        ("ALTER TABLE events DISABLE TRIGGER USER", "the trigger events_append_only is changed"),
        ("ALTER TABLE events ENABLE REPLICA TRIGGER events_append_only", "the trigger events_append_only is changed"),
        ("DROP TRIGGER events_append_only ON events", "the trigger events_append_only is missing"),
        (
            "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
            "the trigger events_append_only is changed",
        ),
        (
            "CREATE TRIGGER quiet BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            "the trigger quiet is added",
        ),
        ("CREATE RULE quiet AS ON INSERT TO events DO INSTEAD NOTHING", "the rule quiet is added"),
        ("ALTER TABLE sign_offs DISABLE TRIGGER ALL", "the foreign key sign_offs_of_revision is changed"),
        (f"GRANT UPDATE, DELETE ON events TO {SERVES}", "the right to DELETE is added; the right to UPDATE is added"),
        (f"GRANT DELETE ON events TO {roles.APPLICATION}", "the right to DELETE is added"),
        ("GRANT TRUNCATE ON events TO PUBLIC", "the right to TRUNCATE is added"),
        (f"GRANT UPDATE (details) ON events TO {roles.APPLICATION}", "the right to UPDATE details is added"),
        (f"REVOKE INSERT ON events FROM {roles.APPLICATION}", "the right to INSERT is missing"),
    ],
)
def test_a_wall_that_is_not_as_built_is_named(superuser: Connection, statement: str, named: str) -> None:
    said = [sentence for sentence in told(superuser, statement) if named in sentence]
    assert len(said) == 1
    assert said[0].startswith("The walls of the table ")


def test_a_policy_that_is_dropped_or_loosened_is_named(superuser: Connection) -> None:
    # Each of them is a text that differs: a part of them shows it, and `make safety` tries all.
    assert not list(unnamed(superuser, every=12))


@pytest.mark.parametrize("later", [(NEWEST_TRIED + 1,), (NEWEST_TRIED + 1, 0)], ids=["beta", "released"])
def test_words_that_a_later_version_may_say_otherwise_are_not_compared_there(superuser: Connection, later: tuple[int, ...]) -> None:
    is_version = superuser.dialect.server_version_info
    superuser.dialect.server_version_info = later
    try:
        reworded = "ALTER POLICY cells_wall ON cells USING (programme <> '')"
        assert told(superuser, reworded) == []
        superuser.exec_driver_sql("RESET SESSION AUTHORIZATION")
        assert "the trigger events_append_only is changed" in told(superuser, "ALTER TABLE events DISABLE TRIGGER USER")[0]
    finally:
        # The dialect is the engine's, and so every test's here.
        superuser.dialect.server_version_info = is_version


def test_how_a_server_is_told_to_write_names_changes_no_wall(superuser: Connection) -> None:
    assert told(superuser, "SET LOCAL quote_all_identifiers = on") == []


SCHEMA = "CREATE SCHEMA kept; GRANT USAGE ON SCHEMA kept TO PUBLIC"
COPY = "CREATE SCHEMA kept; CREATE TABLE kept.returns AS SELECT * FROM returns"
PEEK = "CREATE FUNCTION {} RETURNS bigint SECURITY DEFINER LANGUAGE sql AS 'SELECT count(*) FROM returns'"


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("CREATE VIEW seen AS SELECT * FROM returns; GRANT SELECT (status) ON seen TO PUBLIC", "The view seen is not a security_invoker"),
        (f"CREATE VIEW seen AS SELECT * FROM returns; GRANT DELETE ON seen TO {SERVES}", "The view seen is not a security_invoker"),
        (
            f"{SCHEMA}; CREATE MATERIALIZED VIEW kept.seen AS SELECT * FROM returns; GRANT SELECT ON kept.seen TO {SERVES}",
            "The view kept.seen is not",
        ),
        (
            f"{COPY}; GRANT USAGE ON SCHEMA kept TO {SERVES}; GRANT SELECT ON kept.returns TO PUBLIC",
            "may use kept.returns in another schema",
        ),
        (f"{COPY}; GRANT USAGE ON SCHEMA kept TO PUBLIC; GRANT SELECT (status) ON kept.returns TO {SERVES}", "may use kept.returns in"),
        (f"{COPY}; GRANT pg_read_all_data TO {SERVES}", "may use kept.returns in another schema"),
        (PEEK.format("peek(of text)"), "may call peek(text), which does as postgres may (SECURITY DEFINER)"),
        (f"CREATE SCHEMA kept; GRANT USAGE ON SCHEMA kept TO {SERVES}; {PEEK.format('kept.peek()')}", "may call kept.peek(), which"),
    ],
)
def test_a_way_round_the_walls_is_named(superuser: Connection, statement: str, named: str) -> None:
    (said,) = told(superuser, statement)
    assert named in said


def test_what_administrators_do_for_others_is_their_affair(superuser: Connection) -> None:
    said = told(
        superuser,
        "CREATE ROLE watches_over; CREATE POLICY watched ON cells FOR SELECT TO watches_over USING (true)",
        "GRANT SELECT, UPDATE, DELETE ON events TO watches_over",
        f"{COPY}; GRANT USAGE ON SCHEMA kept TO watches_over; GRANT SELECT ON kept.returns TO watches_over, PUBLIC",
        f"{PEEK.format('kept.peek()')}; {PEEK.format('peek()')}; REVOKE EXECUTE ON FUNCTION peek() FROM PUBLIC",
        "CREATE VIEW seen AS SELECT * FROM returns; GRANT SELECT ON seen TO watches_over",
        f"CREATE VIEW mine WITH (security_invoker = on) AS SELECT * FROM returns; GRANT SELECT ON mine TO {SERVES}",
        f"CREATE SCHEMA helps; GRANT USAGE ON SCHEMA helps TO {SERVES}; CREATE FUNCTION helps.one() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        # As an extension's own are, such as those of pg_stat_statements.
        f"CREATE VIEW statistics AS SELECT 1; GRANT SELECT ON statistics TO {SERVES}; ALTER EXTENSION plpgsql ADD VIEW statistics",
        "CREATE TABLE places AS SELECT 1; GRANT SELECT ON places TO PUBLIC; ALTER EXTENSION plpgsql ADD TABLE places",
        f"{PEEK.format('counted()')}; ALTER EXTENSION plpgsql ADD FUNCTION counted()",
    )
    assert said == []


@pytest.mark.parametrize(
    ("attributes", "member_of", "named"),
    [
        ("REPLICATION", roles.APPLICATION, "is REPLICATION, so it may copy the server"),
        ("CREATEROLE", roles.APPLICATION, "is CREATEROLE, so it may become others"),
        ("", f"{roles.APPLICATION}, pg_write_all_data", "may become pg_write_all_data, which is above the rights on tables"),
    ],
)
def test_a_role_of_more_power_is_refused(server: Server, database: Database, attributes: str, member_of: str, named: str) -> None:
    with login(server, database, attributes, member_of=member_of) as engine:
        assert named in only_problem(engine)


def test_a_role_that_owns_the_schema_is_refused(database: Database) -> None:
    change(database, f"ALTER SCHEMA public OWNER TO {SERVES}")
    assert "owns the schema (itself)" in only_problem(database.engine)


def test_triggers_that_the_session_would_not_fire_are_a_reason_to_refuse(database: Database) -> None:
    change(database, f'ALTER DATABASE "{database.name}" SET session_replication_role = replica')
    assert "session_replication_role is not origin" in only_problem(database.engine)


def test_serve_refuses_and_doctor_names_each(database: Database) -> None:
    change(database, "ALTER TABLE events DISABLE TRIGGER USER", PEEK.format("peek()"), "CREATE POLICY everybody ON cells USING (true)")
    settings = {
        "MAINSTEM_DATABASE_URL": database.urls.application,
        "MAINSTEM_OWNER_DATABASE_URL": database.urls.owner,
    }
    assert make_url(database.urls.application).username == SERVES
    served, doctor = mainstem("serve", "--port", "0", **settings), mainstem("doctor", **settings)
    assert (served.returncode, doctor.returncode) == (1, 1)
    for said in ("table events ", "table cells ", "may call peek()"):
        assert said in served.stderr
        assert said in doctor.stdout
    assert len(start_problems(database.engine)) == 3
