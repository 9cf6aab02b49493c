"""Migrations on a real database, and everything that forbids the service to start on one."""

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Engine, make_url, text

from app.db import roles
from app.db.embedded import running
from app.db.engine import make_engine
from app.db.schema import head, head_problem, migrate, start_problems
from app.settings import CannotStart, Settings
from tests.support.databases import Database, Server
from tests.support.postgres15 import IS_THERE, postgres15

SHAPE = text(r"""
    SELECT 'column', table_name, column_name, data_type, is_nullable || coalesce(column_default, '') FROM information_schema.columns
    WHERE table_schema = 'public'
    UNION ALL SELECT 'policy', tablename, policyname, cmd, coalesce(qual, '') || coalesce(with_check, '') FROM pg_policies
    UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, contype::text, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT 'index', tablename, indexname, '', indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT 'grant', table_name, grantee, privilege_type, '' FROM information_schema.role_table_grants WHERE table_schema = 'public'
    UNION ALL SELECT 'function', proname, '', '', regexp_replace(prosrc, '\s+', ' ', 'g') FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname, '', pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT 'relation', relname, relkind::text, relrowsecurity::text, relforcerowsecurity::text FROM pg_class
    WHERE relnamespace = 'public'::regnamespace
    ORDER BY 1, 2, 3, 4, 5
""")


def shape(engine: Engine) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(SHAPE)]


def only_problem(engine: Engine) -> str:
    problems = start_problems(engine)
    assert len(problems) == 1, problems
    assert "\n" not in problems[0]
    assert problems[0].endswith(".")
    return problems[0]


def change(database: Database, *statements: str) -> None:
    with database.superuser_engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


# Up, down, and in the way.


def test_each_migration_goes_up_down_and_up_alone(empty_database: Database) -> None:
    owner, seen = empty_database.urls.owner, empty_database.superuser_engine
    revisions = [f"{number:04}" for number in range(1, int(head() or 0) + 1)]
    shapes = {}
    for revision in revisions:
        migrate(owner, to=revision)
        shapes[revision] = shape(seen)
    for below, revision in reversed(list(pairwise(revisions))):
        migrate(owner, to="-1")
        assert shape(seen) == shapes[below], f"{revision}, down"
    migrate(owner, to="base")
    assert [row for row in shape(seen) if "alembic_version" not in str(row)] == []
    for revision in revisions:
        migrate(owner, to=revision)
        assert shape(seen) == shapes[revision], f"{revision}, up again"
    assert head_problem(empty_database.engine) is None


def test_everything_belongs_to_the_owners_group(database: Database) -> None:
    with database.engine.connect() as connection:
        owners = connection.execute(text("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'")).scalars().all()
    assert owners == [roles.OWNER]


def test_four_may_migrate_at_once(empty_database: Database) -> None:

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: migrate(empty_database.urls.owner), range(4)))
    assert start_problems(empty_database.engine) == []


def test_a_blocked_migration_gives_up_and_changes_nothing(database: Database) -> None:
    before = shape(database.superuser_engine)
    with database.superuser_engine.begin() as holder:
        holder.execute(text("SELECT count(*) FROM ledger"))
        begun = time.monotonic()
        with pytest.raises(CannotStart, match="gave up and changed nothing"):
            migrate(database.urls.owner, to="base")
        assert time.monotonic() - begun < 30
    # What came before the blocked migration in the chain was done; bringing it back to head gives what there was.
    migrate(database.urls.owner)
    assert shape(database.superuser_engine) == before


def test_a_dispute_that_the_next_of_its_line_hid_stands_again(database: Database) -> None:
    """As the release before kept them: a line disputed, answered, resolved and disputed again, each version closed by the next."""
    seen, days = text("SELECT number, reason, resolution FROM settlement_disputes WHERE closed_at IS NULL ORDER BY number"), range(1, 5)
    before = f"-{int(head() or 0) - 42}"
    migrate(database.urls.owner, to=before)
    kept = [("first", None, None, None), ("first", "So.", None, 1), ("first", "So.", "Ended.", 1), ("second", None, None, None)]
    for day, (reason, answer, resolution, opened) in zip(days, kept, strict=True):
        closed_at, opened_at = f"2027-01-0{day + 1}" if day < len(kept) else None, opened and f"2027-01-0{opened}"
        values: dict[str, object] = {
            "answer": answer,
            "answered_at": answer and "2027-01-02",
            "answered_by": answer and "b",
            "resolution": resolution,
        }
        values |= {"opened_at": opened_at, "opened_by": opened and "a", "closed_at": closed_at, "closed_by": closed_at and "b"}
        values |= {"programme": "p", "contract_year": 1, "run": 1, "party": "subcontract.s", "element": "gain", "reason": reason}
        values |= {"recorded_at": f"2027-01-0{day}", "recorded_by": "b" if opened else "a"}
        places = ", ".join(f":{name}" for name in values)
        with database.superuser_engine.begin() as connection:
            connection.execute(text(f"INSERT INTO settlement_disputes ({', '.join(values)}) VALUES ({places})"), values)
    for _ in range(2):
        migrate(database.urls.owner)
        with database.superuser_engine.begin() as connection:
            assert list(connection.execute(seen)) == [(1, "first", "Ended."), (2, "second", None)]
        migrate(database.urls.owner, to=before)
        with database.superuser_engine.begin() as connection:
            standing = connection.execute(text("SELECT reason, closed_at FROM settlement_disputes ORDER BY recorded_at")).all()
        assert [(reason, closed and closed.day) for reason, closed in standing] == [
            ("first", 2),
            ("first", 3),
            ("first", 4),
            ("second", None),
        ]


# What forbids to start.


def test_a_migrated_database_is_fit_to_serve(database: Database) -> None:
    assert start_problems(database.engine) == []


def test_an_empty_database_names_the_command(empty_database: Database) -> None:
    assert head() is not None
    assert head_problem(empty_database.engine) == "The database has no tables yet: run `mainstem migrate`."


def test_a_schema_that_is_behind_or_ahead_is_refused(database: Database) -> None:
    migrate(database.urls.owner, to="-1")
    assert only_problem(database.engine).endswith("run `mainstem migrate`.")
    migrate(database.urls.owner)
    change(database, "UPDATE alembic_version SET version_num = '9999'")
    assert "is newer than this program" in only_problem(database.engine)
    with pytest.raises(CannotStart, match="older than the database"):
        migrate(database.urls.owner)


@contextlib.contextmanager
def login(server: Server, database: Database, attributes: str = "", *, member_of: str = roles.APPLICATION) -> Iterator[Engine]:
    """An engine as a role of the test's own."""
    name = f"test_{uuid4().hex}"
    server.run(f"CREATE ROLE {name} LOGIN PASSWORD 'test' {attributes} IN ROLE {member_of}")
    url = make_url(database.urls.application).set(username=name, password="test").render_as_string(hide_password=False)
    engine = make_engine(url, database.settings)
    try:
        yield engine
    finally:
        engine.dispose()
        change(database, f"DROP OWNED BY {name}")
        server.run(f"DROP ROLE {name}")


def test_a_superuser_is_refused(server: Server, database: Database) -> None:
    with login(server, database, "SUPERUSER") as engine:
        assert "is a superuser" in only_problem(engine)


def test_a_role_that_bypasses_row_security_is_refused(server: Server, database: Database) -> None:
    with login(server, database, "BYPASSRLS") as engine:
        assert "is BYPASSRLS" in only_problem(engine)


def test_a_role_that_may_become_such_a_one_is_refused(server: Server, database: Database) -> None:
    with login(server, database, member_of=f"{roles.APPLICATION}, {roles.LOGINS[roles.BACKUP]}") as engine:
        assert "may become mainstem_backup_login, which is BYPASSRLS" in only_problem(engine)


def test_an_owner_of_the_tables_is_refused(server: Server, database: Database) -> None:
    owner = make_engine(database.urls.owner, database.settings)
    assert "owns tables (as a member of mainstem_owner)" in only_problem(owner)
    owner.dispose()
    with login(server, database) as engine:
        with engine.connect() as connection:
            role = connection.execute(text("SELECT current_user")).scalar_one()
        change(database, f"ALTER TABLE ledger OWNER TO {role}")
        assert "owns tables (itself)" in only_problem(engine)
        change(database, f"ALTER TABLE ledger OWNER TO {roles.OWNER}")


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE programmes DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE programmes NO FORCE ROW LEVEL SECURITY",
        "CREATE TABLE new_things (programme text)",
    ],
)
def test_a_table_without_a_wall_is_refused(database: Database, statement: str) -> None:
    change(database, statement)
    name = "new_things" if "new_things" in statement else "programmes"
    assert f"not enabled and forced on {name}:" in only_problem(database.engine)


@pytest.mark.parametrize("kind", ["VIEW", "MATERIALIZED VIEW"])
def test_a_view_that_sees_as_its_owner_is_refused(database: Database, kind: str) -> None:
    change(
        database,
        "CREATE VIEW mine WITH (security_invoker = true) AS SELECT * FROM programmes",
        f"CREATE {kind} everybodys AS SELECT * FROM programmes",
        f"GRANT SELECT ON mine, everybodys TO {roles.APPLICATION}",
    )
    assert only_problem(database.engine).startswith("The view everybodys is not a security_invoker")


def test_a_role_without_rights_is_told_what_to_run(server: Server, database: Database) -> None:
    with login(server, database, member_of=roles.BACKUP) as engine:
        change(database, f"REVOKE {roles.BACKUP} FROM {make_url(engine.url).username}")
        assert "has no rights on the tables" in only_problem(engine)


def test_synchronous_commit_off_is_refused(database: Database) -> None:
    change(database, f'ALTER DATABASE "{database.name}" SET synchronous_commit = off')
    assert "has synchronous_commit off" in only_problem(database.engine)


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_a_server_that_could_lose_an_answer_is_refused(tmp_path: Path, setting: str) -> None:
    settings = Settings(data=tmp_path / "data")
    with running(settings) as urls:
        migrate(urls.owner)
    with (tmp_path / "data" / "postgres-18" / "postgresql.conf").open("a") as configuration:
        configuration.write(f"{setting} = off\n")
    with running(settings) as urls:
        engine = make_engine(urls.application, settings)
        assert f"has {setting} off" in only_problem(engine)
        engine.dispose()


def test_a_database_that_is_away_is_a_sentence(database: Database) -> None:
    wrong: dict[str, Callable[[], str]] = {
        "does not exist": lambda: database.urls.application.replace(database.name, "no_such_database"),
        "password authentication failed": lambda: database.urls.application.replace("@/", "x@/"),
        "No such file or directory": lambda: "postgresql://role@/database?host=/no/such/folder",
    }
    for said, url in wrong.items():
        engine = make_engine(url(), database.settings)
        problem = only_problem(engine)
        assert said in problem
        assert problem.startswith("The database cannot be reached")
        engine.dispose()
    with pytest.raises(CannotStart, match=r"password authentication failed .* README\.md"):
        migrate(database.urls.owner.replace("@/", "x@/"))
    with pytest.raises(CannotStart, match="cannot be reached"):
        migrate("postgresql://role@127.0.0.1:1/database")
    with pytest.raises(CannotStart, match="cannot be read"):
        migrate("postgresql://role@host:not-a-port/database")


# On a server that is not ours.


def test_the_role_that_is_named_for_the_application_is_made(server: Server, empty_database: Database) -> None:
    name = f"test_{uuid4().hex}"
    url = make_url(empty_database.urls.application).set(username=name, password="a password").render_as_string(hide_password=False)
    migrate(str(empty_database.urls.superuser), application_url=url)
    engine = make_engine(url, empty_database.settings)
    assert start_problems(engine) == []
    engine.dispose()
    server.run(f"DROP ROLE {name}")


def test_an_owner_that_may_not_make_roles_says_what_an_administrator_must_run(empty_database: Database) -> None:
    url = make_url(empty_database.urls.application).set(username="not_there_yet", password="secret").render_as_string(hide_password=False)
    with pytest.raises(
        CannotStart, match=r"CREATE ROLE \"not_there_yet\" LOGIN PASSWORD '…'; GRANT mainstem_application TO \"not_there_yet\";"
    ) as refusal:
        migrate(empty_database.urls.owner, application_url=url)
    assert "secret" not in str(refusal.value)


def test_an_owner_that_may_make_roles_needs_no_administrator(tmp_path: Path) -> None:
    with running(Settings(data=tmp_path / "data")) as urls:
        # A server that has never heard of us, and an owner who is no superuser.
        with psycopg.connect(str(urls.superuser), autocommit=True) as connection:
            for statement in ("DROP DATABASE mainstem", *(f"DROP ROLE {role}" for role in (*roles.LOGINS.values(), *roles.GROUPS))):
                connection.execute(statement.encode())
            connection.execute("CREATE ROLE keeper LOGIN CREATEROLE PASSWORD 'x'")
            connection.execute("CREATE DATABASE given OWNER keeper")
        owner, application = (
            make_url(urls.owner).set(username=name, password="x", database="given").render_as_string(hide_password=False)
            for name in ("keeper", "service")
        )
        for to in ("head", "base", "head"):
            migrate(owner, application_url=application, to=to)
        engine = make_engine(application, Settings())
        assert start_problems(engine) == []
        engine.dispose()


def test_an_owner_without_the_right_to_make_tables_says_what_an_administrator_must_run(server: Server, empty_database: Database) -> None:
    name = f"test_{uuid4().hex}"
    server.run(f"CREATE ROLE {name} LOGIN PASSWORD 'test' IN ROLE {roles.OWNER}")
    # Its group may no longer, and a grant by somebody who may not either is only a warning.
    change(empty_database, "ALTER SCHEMA public OWNER TO postgres", f"REVOKE CREATE ON SCHEMA public FROM {roles.OWNER}")
    change(empty_database, f'ALTER DATABASE "{empty_database.name}" OWNER TO postgres')
    url = make_url(empty_database.urls.owner).set(username=name, password="test").render_as_string(hide_password=False)
    with pytest.raises(CannotStart, match=f'run, in this database: GRANT USAGE, CREATE ON SCHEMA "public" TO {roles.OWNER};'):
        migrate(url)
    change(empty_database, f"GRANT USAGE, CREATE ON SCHEMA public TO {roles.OWNER}")
    migrate(url)
    assert start_problems(empty_database.engine) == []
    server.run(f"DROP ROLE {name}")


@pytest.mark.skipif(not IS_THERE, reason="the programs of PostgreSQL 15 are not on this machine")
@pytest.mark.parametrize("owner", ["admin", "may_create_roles", "prepared"])
def test_version_15_is_migrated_and_served(tmp_path: Path, owner: str) -> None:
    with postgres15(tmp_path) as admin:
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute("CREATE ROLE may_create_roles LOGIN CREATEROLE; CREATE ROLE prepared LOGIN")
            connection.execute("CREATE DATABASE given OWNER may_create_roles")
        url = make_url(admin).set(username=owner, database="given").render_as_string()
        application = make_url(admin).set(username="service", password="x", database="given").render_as_string(hide_password=False)
        if owner == "prepared":
            with pytest.raises(CannotStart, match="Have an administrator run, in this database: ") as refusal:
                migrate(url, application_url=application)
            told = str(refusal.value).split("in this database: ", 1)[1].replace("'…'", "'x'")
            with psycopg.connect(make_url(admin).set(database="given").render_as_string(), autocommit=True) as connection:
                connection.execute(told.encode())
        migrate(url, application_url=application)
        migrate(url, to="base")
        migrate(url, application_url=application)
        engine = make_engine(application, Settings())
        assert start_problems(engine) == []
        engine.dispose()
