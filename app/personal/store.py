"""Looking for somebody in every column that may name people, and striking them out. Run as the owner of the tables: the service itself may not.

What is looked for and where comes from `domain.HOLDS`; tables and columns are the program's own names, never a caller's.
"""

import contextlib
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from sqlalchemy import LargeBinary, Table, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app.db.rows import metadata
from app.personal.domain import ERASED, HOLDS, Holds, Kind

INSTALLATION_TABLES: Final = frozenset({"clients", "idempotency_keys", "successions"})
"""Those that belong to no one programme."""
STAYS: Final = frozenset({"events", "ledger", "contract_changes", "checkpoints", "publications", "renditions", "programmes", "clients"})
"""Of a programme whose records are let go: the audit record, what was published, and whose contract it was until when."""
_FILES: Final = {"submitted_files": "deflated", "idempotency_keys": "body"}
_ONE_CONTACT: Final = """
    UPDATE subcontracts SET contacts = (
        SELECT jsonb_agg(CASE WHEN contact::text ~* :pattern
            THEN jsonb_build_object('role', contact -> 'role', 'name', cast(:erased AS text), 'email', NULL, 'phone', NULL) ELSE contact END ORDER BY place)
        FROM jsonb_array_elements(contacts) WITH ORDINALITY AS each(contact, place))
    WHERE contacts::text ~* :pattern
"""


def take_time(session: Session) -> None:
    """Years of records are looked through: for this transaction a statement takes as long as it takes."""
    session.execute(text("SET LOCAL statement_timeout = 0"))


def columns_of(*kinds: Holds, shared: bool) -> Iterator[tuple[Table, str]]:
    """Tables and columns that hold these, of one programme or of the installation."""
    for name, holds in HOLDS.items():
        table, column = name.split(".")
        if holds in kinds and (table in INSTALLATION_TABLES) == shared:
            yield metadata.tables[table], column


def find(session: Session, table: Table, column: str, person: str) -> list[dict[str, Any]]:
    """Where a column names somebody: the row's key, and what it says."""
    keys = [key.name for key in table.primary_key]
    if isinstance(table.c[column].type, LargeBinary):
        rows = session.execute(text(f"SELECT {', '.join(keys)}, {column} FROM {table.name} WHERE {column} IS NOT NULL")).all()  # noqa: S608 - only names of our own tables and columns are put in
        return [{"key": _key(keys, row), "value": None} for row in rows if _holds(bytes(row[-1]), person)]
    query = f"SELECT {', '.join(keys)}, {column}::text FROM {table.name} WHERE {column}::text ~* :pattern ORDER BY {', '.join(keys)}"  # noqa: S608 - only names of our own tables and columns are put in
    rows = session.execute(text(query), {"pattern": _pattern(table, column, person)}).all()
    return [{"key": _key(keys, row), "value": row[-1]} for row in rows]


def strike_out(session: Session, table: Table, column: str, person: str) -> int:
    """Put ERASED wherever a column names somebody: a contact or an author whole, of other words the name. How many rows it was."""
    values = {"pattern": _pattern(table, column, person), "erased": ERASED}
    name = table.name
    if column == "contacts":
        return _changed(session, _ONE_CONTACT, values)
    if HOLDS[f"{name}.{column}"] is Holds.PEOPLE:
        return _changed(session, f"UPDATE {name} SET {column} = :erased WHERE {column} ~* :pattern", values)  # noqa: S608 - only names of our own tables and columns are put in
    cast = "::jsonb" if isinstance(table.c[column].type, JSONB) else ""
    replaced = f"regexp_replace({column}::text, :pattern, :erased, 'gi'){cast}"
    return _changed(session, f"UPDATE {name} SET {column} = {replaced} WHERE {column}::text ~* :pattern", values)  # noqa: S608 - only names of our own tables and columns are put in


def take_away_files(session: Session, table: str, person: str) -> int:
    """Delete every row of files or kept answers that names somebody, in its name or within."""
    keys, gone = [key.name for key in metadata.tables[table].primary_key], 0
    columns = [column for each, column in columns_of(Holds.FILES, shared=table in INSTALLATION_TABLES) if each.name == table]
    for key in {
        tuple(found["key"].values()): found["key"] for column in columns for found in find(session, metadata.tables[table], column, person)
    }.values():
        where = " AND ".join(f"{name} = :{name}" for name in keys)
        gone += _changed(session, f"DELETE FROM {table} WHERE {where}", key)  # noqa: S608 - only names of our own tables and columns are put in
    return gone


def contract_ends_on(session: Session, programme: str) -> date | None:
    """The day on which a programme's contract ends, as it stands now; None where there is none."""
    query = "SELECT ends_on FROM programmes WHERE closed_at IS NULL AND programme = :programme"
    ends_on: date | None = session.execute(text(query), {"programme": programme}).scalar_one_or_none()
    return ends_on


def let_go(session: Session, kind: Kind) -> dict[str, int]:
    """Let one kind of the tenant's programme's records go; how many rows of which tables it was."""
    if kind is Kind.RECORDS:
        return {table: _changed(session, f"DELETE FROM {table}", {}) for table in _records(session)}  # noqa: S608 - only names of our own tables and columns are put in
    if kind is Kind.FILES:
        return {"submitted_files": _changed(session, "DELETE FROM submitted_files", {})}
    done: dict[str, int] = {}
    for table, column in columns_of(Holds(kind), shared=False):
        empty = "[]" if column == "contacts" else ERASED
        if isinstance(table.c[column].type, JSONB) and column != "contacts":
            # Words within lines of the contract go with the contract.
            continue
        statement = f"UPDATE {table.name} SET {column} = :empty WHERE {column} IS NOT NULL AND {column} <> :empty"  # noqa: S608 - only names of our own tables and columns are put in
        done[table.name] = done.get(table.name, 0) + _changed(session, statement.replace(":empty", f"'{empty}'"), {})
    return done


def erase_clients(session: Session, *, client: str | None = None, programme: str | None = None) -> int:
    """Put ERASED for the names of revoked clients: one, or all of a programme."""
    where = "id = :client" if client is not None else "programme = :programme"
    statement = f"UPDATE clients SET name = :erased WHERE {where} AND revoked_at IS NOT NULL AND name <> :erased"  # noqa: S608 - only names of our own tables and columns are put in
    return _changed(session, statement, {"erased": ERASED, "client": client, "programme": programme})


def client_row(session: Session, client: str) -> dict[str, Any] | None:
    """What is known of a client; None where there is none."""
    row = session.execute(text("SELECT * FROM clients WHERE id = :client"), {"client": client}).mappings().one_or_none()
    return None if row is None else dict(row)


def acts_of(session: Session, client: str) -> list[dict[str, Any]]:
    """Every event of a client that the tenant sees."""
    query = "SELECT programme, sequence, recorded_at, action FROM events WHERE recorded_by = :client ORDER BY programme, sequence"
    return [dict(row) for row in session.execute(text(query), {"client": client}).mappings()]


def keys_of(session: Session, client: str) -> list[dict[str, Any]]:
    query = "SELECT id, created_at, expires_at, revoked_at, last_used_at FROM client_keys WHERE client = :client ORDER BY created_at"
    return [dict(row) for row in session.execute(text(query), {"client": client}).mappings()]


def _records(session: Session) -> list[str]:
    """The tables of a programme that may be let go, those that refer to others before them."""
    names = {name for name, table in metadata.tables.items() if "programme" in table.primary_key.columns} - STAYS
    query = "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint WHERE contype = 'f' AND conrelid <> confrelid"
    refers = [(child, parent) for child, parent in session.execute(text(query)) if parent in names]
    ordered: list[str] = []
    while waiting := sorted(names - set(ordered)):
        free = [name for name in waiting if all(child in ordered or child not in names for child, parent in refers if parent == name)]
        if not free or any(parent in free and child in STAYS for child, parent in refers):
            raise RuntimeError("tables refer to each other, or what stays refers to what goes")
        ordered += free
    return ordered


def _key(names: list[str], row: Any) -> dict[str, Any]:
    return dict(zip(names, row, strict=False))


def _pattern(table: Table, column: str, person: str) -> str:
    inner = json.dumps(person, ensure_ascii=False)[1:-1] if isinstance(table.c[column].type, JSONB) else person
    return re.escape(inner)


def _holds(content: bytes, person: str) -> bool:
    """Whether bytes name somebody: as they are, deflated, or within a workbook."""
    with contextlib.suppress(zlib.error):
        content = zlib.decompress(content)
    parts = [content]
    if content.startswith(b"PK"):
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as workbook:
                parts = [workbook.read(name) for name in workbook.namelist()]
        except zipfile.BadZipFile:
            pass
    wanted = {form.casefold() for form in (person, json.dumps(person)[1:-1], person.replace("&", "&amp;"))}
    return any(form in part.decode("utf-8", "replace").casefold() for part in parts for form in wanted)


def _changed(session: Session, statement: str, values: dict[str, Any]) -> int:
    return session.execute(text(statement), values).rowcount  # type: ignore[attr-defined,no-any-return]  # a statement that changes rows has their number
