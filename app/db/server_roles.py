"""The roles on a server that is not ours: made where the connection may, else named for the administrator."""

from psycopg import errors
from sqlalchemy import Connection, exc, text

from app.db import roles
from app.db.engine import driver_url
from app.settings import CannotStart


def set_up_roles(connection: Connection, application_url: str | None) -> None:
    """Have the group roles, be a member of the owners, and have the application's login; or say what an administrator must run."""
    needed = _missing(connection, application_url)
    if not needed:
        connection.commit()
        return
    try:
        for statement in needed:
            connection.exec_driver_sql(statement)
        # A grant that the connection may not make can be a mere warning.
        done = not _missing(connection, application_url)
    except exc.DBAPIError as error:
        if not isinstance(error.orig, errors.InsufficientPrivilege):
            raise
        done = False
    if done:
        connection.commit()
        return
    connection.rollback()
    shown = "; ".join(_missing(connection, application_url, shown=True))
    raise CannotStart(
        f"The database lacks roles or rights that this connection may not give. Have an administrator run, in this database: {shown};"
    )


def _missing(connection: Connection, application_url: str | None, *, shown: bool = False) -> list[str]:
    """The statements that are still to be run; `shown` leaves the password out."""
    quote = connection.dialect.identifier_preparer.quote_identifier
    me: str = connection.execute(text("SELECT current_user")).scalar_one()
    found = set(connection.execute(text("SELECT rolname FROM pg_roles")).scalars())
    needed = [f"CREATE ROLE {role} NOLOGIN" for role in roles.GROUPS if role not in found]
    if roles.OWNER not in found or not _is_member(connection, me, roles.OWNER):
        needed.append(f"GRANT {roles.OWNER} TO {quote(me)}")
    may_create = text("SELECT has_schema_privilege(:role, current_schema(), 'CREATE')")
    if roles.OWNER not in found or not connection.execute(may_create, {"role": roles.OWNER}).scalar_one():
        schema: str = connection.execute(text("SELECT coalesce(current_schema(), 'public')")).scalar_one()
        needed.append(f"GRANT USAGE, CREATE ON SCHEMA {quote(schema)} TO {roles.OWNER}")
    return needed + _missing_login(connection, application_url, me=me, found=found, shown=shown)


def _missing_login(connection: Connection, application_url: str | None, *, me: str, found: set[str], shown: bool) -> list[str]:
    address = None if application_url is None else driver_url(application_url)
    if address is None or address.username is None or address.username == me:
        return []
    quote = connection.dialect.identifier_preparer.quote_identifier
    name = address.username
    needed = []
    if name not in found:
        if shown or address.password is None:
            secret = " PASSWORD '…'" if shown and address.password is not None else ""
        else:
            driver = connection.connection.driver_connection
            assert driver is not None
            verifier: bytes = driver.pgconn.encrypt_password(address.password.encode(), name.encode(), b"scram-sha-256")
            secret = f" PASSWORD '{verifier.decode()}'"
        needed.append(f"CREATE ROLE {quote(name)} LOGIN{secret}")
    if name not in found or roles.APPLICATION not in found or not _is_member(connection, name, roles.APPLICATION):
        needed.append(f"GRANT {roles.APPLICATION} TO {quote(name)}")
    return needed


def _is_member(connection: Connection, role: str, group: str) -> bool:
    version = connection.dialect.server_version_info
    # From 16 a member may be one that cannot act as the group.
    kind = "SET" if version is not None and version >= (16,) else "MEMBER"
    statement = text("SELECT pg_has_role(:role, :group, :kind)")
    return bool(connection.execute(statement, {"role": role, "group": group, "kind": kind}).scalar_one())
