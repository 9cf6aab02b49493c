"""Who may do what in the database: an owner that migrates, an application that owns nothing, a backup that only reads."""

from collections.abc import Mapping
from typing import Final, LiteralString

import psycopg
from psycopg import sql

OWNER: Final = "mainstem_owner"
APPLICATION: Final = "mainstem_application"
BACKUP: Final = "mainstem_backup"
GROUPS: Final = (OWNER, APPLICATION, BACKUP)

LOGINS: Final[Mapping[str, str]] = {
    OWNER: "mainstem_owner_login",
    APPLICATION: "mainstem_application_login",
    BACKUP: "mainstem_backup_login",
}
"""The roles that programs log in as on the embedded server, each a member of its group."""

DATABASE: Final = "mainstem"

Connection = psycopg.Connection[tuple[object, ...]]


def exists(connection: Connection, role: str) -> bool:
    return connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone() is not None


def create_groups(connection: Connection) -> None:
    """Create the group roles that are missing. Others may be doing the same to another database of the server."""
    for role in GROUPS:
        if not exists(connection, role):
            _create(connection, sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))


def create_login(connection: Connection, role: str, password: str, *, group: str, attributes: LiteralString = "") -> None:
    """Create a role that may log in, unless it is there, and make it a member of its group. The password travels encrypted."""
    if not exists(connection, role):
        verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
        statement = sql.SQL("CREATE ROLE {} LOGIN {} PASSWORD {}")
        _create(connection, statement.format(sql.Identifier(role), sql.SQL(attributes), sql.Literal(verifier)))
    connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), sql.Identifier(role)))


def prepare_embedded(connection: Connection, passwords: Mapping[str, str]) -> None:
    """Create roles and database on the embedded server, as its superuser, unless all is there. The database comes last."""
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone() is not None:
        return
    create_groups(connection)
    # Row security would hide rows from a backup, or stop it; and a base backup is a replication.
    connection.execute(sql.SQL("GRANT pg_read_all_data TO {}").format(sql.Identifier(BACKUP)))
    for group, login in LOGINS.items():
        attributes: LiteralString = "BYPASSRLS REPLICATION" if group == BACKUP else ""
        create_login(connection, login, passwords[login], group=group, attributes=attributes)
    create_database(connection, DATABASE, template="template0")


def create_database(connection: Connection, name: str, *, template: str) -> None:
    """Create a database that belongs to the owners' group: its members may make tables there, nobody else may."""
    statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}")
    connection.execute(statement.format(sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(template)))


def _create(connection: Connection, statement: sql.Composed) -> None:
    try:
        with connection.transaction():
            connection.execute(statement)
    except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        return  # Another process was quicker.
