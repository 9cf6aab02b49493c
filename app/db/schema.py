"""The schema: bringing it to head, and what stops the service from working on a database."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from psycopg import errors
from sqlalchemy import Connection, Engine, NullPool, create_engine, exc, text

from app.db import roles
from app.db.engine import driver_url
from app.db.rows import SHARED_TABLES
from app.db.server_roles import set_up_roles
from app.db.walls import differing, ways_round
from app.settings import CannotStart

if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATIONS: Final = Path(__file__).parents[2] / "migrations"

_LOCK_KEY: Final = 7_062_025_001
"""The advisory lock of whoever migrates; any number that nothing else uses."""

# A migration that waits for a lock holds up everyone behind it, so it gives up first. One that must compute for longer says so itself.
_LOCK_TIMEOUT: Final = "3s"
_STATEMENT_TIMEOUT: Final = "60s"
# Another's migration is not in the way, it is the same work: wait for it.
_OTHERS_MIGRATION: Final = "60s"


def alembic_config(connection: Connection | None = None) -> "Config":
    # What migrates is loaded when something is migrated: it is a tenth of what any program takes to start, and 10 MB.
    from alembic.config import Config

    config = Config()
    root = str(_MIGRATIONS.parent).replace("%", "%%")
    config.set_main_option("script_location", f"{root}/migrations")
    # A migration may import what stands beside it.
    config.set_main_option("prepend_sys_path", root)
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@functools.cache
def _known() -> frozenset[str]:
    """The revisions that this program has: each file begins with its own, and they stand in one line (`tests/house/test_migrations.py`)."""
    return frozenset(file.name[:4] for file in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


def head() -> str:
    """The revision that this program works on."""
    return max(_known())


def migrate(
    owner_url: str, *, application_url: str | None = None, to: str = "head", progress: Callable[[str], None] = lambda _: None
) -> None:
    """Bring the schema to a revision, forwards or (`to="base"`, `to="-1"`) backwards, each migration in a transaction of its own.

    `application_url` names the role that the service will use: where the owner may, missing roles are created.
    """
    from alembic import command, util

    with _owner_connection(owner_url) as connection:
        set_up_roles(connection, application_url)
        connection.execute(text(f"SET ROLE {roles.OWNER}"))
        connection.execute(text(f"SET lock_timeout = '{_OTHERS_MIGRATION}'"))
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK_KEY})
        connection.execute(text(f"SET lock_timeout = '{_LOCK_TIMEOUT}'"))
        connection.execute(text(f"SET statement_timeout = '{_STATEMENT_TIMEOUT}'"))
        connection.commit()
        config = alembic_config(connection)
        config.attributes["progress"] = progress
        try:
            if to == "base" or to.startswith("-"):
                command.downgrade(config, to)
            else:
                command.upgrade(config, to)
        except util.CommandError as error:
            raise CannotStart(f"The schema cannot be migrated: {error}. Is this program older than the database?") from None
        if connection.execute(text("SELECT to_regclass('alembic_version') IS NOT NULL")).scalar_one():
            connection.execute(text(f"GRANT SELECT ON alembic_version TO {roles.APPLICATION}"))
        connection.commit()


@contextmanager
def _owner_connection(owner_url: str) -> Iterator[Connection]:
    engine = create_engine(
        driver_url(owner_url), poolclass=NullPool, connect_args={"connect_timeout": 10, "application_name": "mainstem migrate"}
    )
    try:
        with engine.connect() as connection:
            too_old = version_problem(connection)
            if too_old is not None:
                raise CannotStart(too_old)
            yield connection
    except exc.DBAPIError as error:
        raise CannotStart(_migration_sentence(error)) from error
    finally:
        engine.dispose()


def _migration_sentence(error: exc.DBAPIError) -> str:
    if isinstance(error.orig, errors.LockNotAvailable):
        return "The migration gave up and changed nothing: something else holds what it needs to lock. Run `mainstem migrate` again when it is quieter."
    if isinstance(error.orig, errors.QueryCanceled):
        return "The migration took too long, was given up, and changed nothing."
    hint = ' Has an administrator made it? README.md, "Running it for real", has the lines.' if _is_login_refused(error) else ""
    return database_sentence(error) + hint


def _is_login_refused(error: exc.DBAPIError) -> bool:
    # The server says the same of a wrong password and of a role that is not there; the driver keeps no code of a refused connection.
    said = str(error.orig)
    return "password authentication failed" in said or ("role " in said and "does not exist" in said)


def database_sentence(error: exc.DBAPIError) -> str:
    """What the database said, in one line and without the statement."""
    said = " ".join(line.strip() for line in str(error.orig).splitlines() if line.strip() and not line.startswith(("LINE", "CONTEXT", " ")))
    if error.connection_invalidated or getattr(error.orig, "sqlstate", None) is None:
        return f"The database cannot be reached: {said.removeprefix('connection failed: ').rstrip('.')}."
    return f"The database refused: {said.rstrip('.')}."


class Check(StrEnum):
    """What is looked at; anybody may be told which of them failed."""

    DATABASE = "database"
    SCHEMA = "schema"
    ROLE = "role"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, for the operator alone: the sentence names roles, addresses and tables."""

    check: Check
    sentence: str
    about_walls: bool = False
    """Whether it is about walls that are not as they were built: what they should have kept can still be proved."""


def start_findings(engine: Engine) -> list[Finding]:
    """Everything that forbids the service to work on this database with this role; also that it cannot be reached."""
    try:
        behind = head_problem(engine)
        return ([] if behind is None else [Finding(Check.SCHEMA, behind)]) + _safety_findings(engine, at_head=behind is None)
    except exc.TimeoutError:
        return [Finding(Check.DATABASE, "Every connection that this process keeps to the database is in use.")]
    except exc.DBAPIError as error:
        hint = " If the role is not there yet, `mainstem migrate` makes it." if _is_login_refused(error) else ""
        return [Finding(Check.DATABASE, database_sentence(error) + hint)]


def start_problems(engine: Engine) -> list[str]:
    """The findings' sentences."""
    return [finding.sentence for finding in start_findings(engine)]


_REPEATS = text("""
    SELECT quote_ident(current_database()) AS name, current_setting('log_min_messages') NOT IN ('log', 'fatal', 'panic') AS of_errors, current_setting('log_parameter_max_length') <> '0' AND (
        current_setting('log_statement') <> 'none' OR current_setting('log_min_duration_statement') <> '-1'
        OR current_setting('log_min_duration_sample') <> '-1') AS of_statements
""")


def log_problems(engine: Engine) -> list[str]:
    """Where the database's own log may repeat what was sent; of a database that can be reached."""
    with engine.connect() as connection:
        name, of_errors, of_statements = connection.execute(_REPEATS).one()
    said = list[str]()
    if of_errors:
        said.append(
            f"PostgreSQL's log may repeat what was sent, in the words of an error: have an administrator run ALTER DATABASE {name} SET log_min_messages = 'log'."
        )
    if of_statements:
        said.append(
            f"PostgreSQL's log repeats what is sent with statements: have an administrator run ALTER DATABASE {name} SET log_parameter_max_length = 0."
        )
    return said


def head_problem(engine: Engine) -> str | None:
    """What is wrong with the schema's revision, if anything."""
    with engine.connect() as connection:
        if connection.execute(text("SELECT to_regclass('alembic_version') IS NULL")).scalar_one():
            return "The database has no tables yet: run `mainstem migrate`."
        if not connection.execute(text("SELECT has_table_privilege('alembic_version', 'SELECT')")).scalar_one():
            return (
                f"The role {connection.execute(text('SELECT current_user')).scalar_one()} has no rights on the tables: run `mainstem migrate` "
                f"with the owner in MAINSTEM_OWNER_DATABASE_URL, or have an administrator make it a member of {roles.APPLICATION}."
            )
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    if found == [head()]:
        return None
    if found and found[0] not in _known():
        return f"The database's schema ({found[0]}) is newer than this program ({head()}): use the program that migrated it."
    return f"The database's schema ({found[0] if found else 'empty'}) is behind this program ({head()}): run `mainstem migrate`."


def version_problem(connection: Connection) -> str | None:
    version = connection.dialect.server_version_info
    if version is not None and version < (15,):
        return f"The database is PostgreSQL {version[0]}, and Mainstem needs 15 or later."
    return None


_POWERS = text("""
    SELECT rolname, CASE WHEN rolsuper THEN 'a superuser' WHEN rolbypassrls THEN 'BYPASSRLS' WHEN rolreplication THEN 'REPLICATION, so it may copy the server'
        WHEN rolcreaterole THEN 'CREATEROLE, so it may become others' ELSE 'above the rights on tables' END AS what
    FROM pg_roles
    WHERE (rolsuper OR rolbypassrls OR rolreplication OR rolcreaterole OR rolname IN (
            'pg_write_all_data', 'pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files'))
        AND (rolname IN (current_user, session_user) OR pg_has_role(session_user, oid, 'MEMBER'))
    ORDER BY rolname NOT IN (current_user, session_user), rolname
""")
_TABLES = text("""
    SELECT relname, relrowsecurity AND relforcerowsecurity AS walled, owner.rolname AS owner, pg_has_role(session_user, relowner, 'MEMBER') AS owned
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace JOIN pg_roles AS owner ON owner.oid = relowner
    WHERE nspname = ANY (current_schemas(false)) AND relkind IN ('r', 'p', 'f')
        -- A partition that the application cannot name is reached through its parent's wall only.
        AND (NOT relispartition OR has_table_privilege(pg_class.oid, 'SELECT, INSERT, UPDATE, DELETE'))
        AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e')
    ORDER BY relname
""")
_SCHEMA_OWNERS = text("""
    SELECT rolname FROM pg_namespace JOIN pg_roles ON pg_roles.oid = nspowner
    WHERE nspname = ANY (current_schemas(false)) AND pg_has_role(session_user, nspowner, 'MEMBER')
""")
_DURABLE = ("fsync", "full_page_writes", "synchronous_commit")


def _safety_findings(engine: Engine, *, at_head: bool) -> list[Finding]:
    """What would let this role past the walls between tenants, or lose what was answered for."""
    with engine.connect() as connection:
        too_old = version_problem(connection)
        found = [] if too_old is None else [Finding(Check.DATABASE, too_old)]
        role: str = connection.execute(text("SELECT session_user")).scalar_one()
        powers = connection.execute(_POWERS).all()
        found += [Finding(Check.ROLE, _power_sentence(role, other, what)) for other, what in powers[:1]]
        tables = connection.execute(_TABLES).all()
        owned = "tables" if any(table.owned for table in tables) else "the schema"
        owners = sorted({table.owner for table in tables if table.owned} or {*connection.execute(_SCHEMA_OWNERS).scalars()})
        if owners and not powers:
            owned_by = "itself" if owners == [role] else f"as a member of {', '.join(owners)}"
            found.append(
                Finding(Check.ROLE, f"The role {role} owns {owned} ({owned_by}), so it could take their walls down: {_OTHER_ROLE}")
            )
        bare = [table.relname for table in tables if not table.walled and table.relname not in SHARED_TABLES | {"alembic_version"}]
        if bare:
            sentence = (
                f"Row-level security is not enabled and forced on {', '.join(bare)}: every programme could read every other's rows there."
            )
            found.append(Finding(Check.SCHEMA, sentence))
        # Whoever is more than the service's role has every right and sees through everything: that has been said.
        if at_head and not powers and not owners:
            found += [Finding(Check.SCHEMA, sentence, about_walls=True) for sentence in (*differing(connection), *ways_round(connection))]
        off = [name for name in _DURABLE if connection.execute(text(f"SHOW {name}")).scalar_one() == "off"]
        if off:
            sentence = f"The server has {' and '.join(off)} off, so it could lose what was already answered for: switch it on."
            found.append(Finding(Check.DATABASE, sentence))
        if connection.execute(text("SHOW session_replication_role")).scalar_one() != "origin":
            sentence = "The role's session_replication_role is not origin, so no trigger guards what is only ever added to: have an administrator RESET it."
            found.append(Finding(Check.DATABASE, sentence))
        return found


_OTHER_ROLE: Final = "name one that owns nothing in MAINSTEM_DATABASE_URL and the owner in MAINSTEM_OWNER_DATABASE_URL; `mainstem migrate` makes it if it may."


def _power_sentence(role: str, other: str, what: str) -> str:
    who = f"is {what}" if role == other else f"may become {other}, which is {what}"
    return f"The role {role} {who}, and the walls between tenants do not hold for it: {_OTHER_ROLE}"
