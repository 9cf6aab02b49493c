"""What the rules say of every table of the migrated database (rules 7, 8 and 10), as functions of what PostgreSQL says of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, text

from app.db.rows import SHARED_TABLES

# Moments that are no act of anybody's, with the reason.
NO_ACT: Final = {
    "delegations.expires_at": "until when whoever granted it lends it",
    "ledger.last_recorded_at": "the moment that the next one must be later than",
    "client_keys.expires_at": "a plan of whoever made the key",
    "client_keys.last_used_at": "the client's own doing",
    "client_assertions.expires_at": "as the client's own signature says",
    "client_tokens.expires_at": "ten minutes after it was given",
    "revisions.contract_recorded_at": "names the contract that the revision was read against",
    "reopenings.expires_at": "until when whoever approved it gave leave",
    "idempotency_keys.first_used_at": "the client's own doing",
}
# Belong to nobody in particular: neither walled nor keyed by programme.
OF_THE_INSTALLATION: Final = SHARED_TABLES | {"alembic_version"}
# Walled by client, who may span programmes.
OF_CLIENTS: Final = frozenset({"clients", "client_keys", "client_public_keys", "client_assertions", "client_tokens", "idempotency_keys"})
STATES: Final = re.compile(r"(\A|_)(state|status|outcome)\Z")
# Counts are stored exactly, ratios not at all.
INEXACT: Final = {"real", "double precision", "money"}


@dataclass(frozen=True)
class Column:
    name: str
    kind: str
    collation: str | None
    nullable: bool
    generated: bool


@dataclass(frozen=True)
class TableAsMigrated:
    """A table, its columns in order, the columns of its unique keys and foreign keys, its CHECKs, and whether it is walled."""

    name: str
    columns: tuple[Column, ...]
    unique: tuple[tuple[str, ...], ...]
    foreign: tuple[tuple[str, ...], ...]
    checks: tuple[str, ...]
    walled: bool
    policies: int

    @property
    def by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}


_TABLES = text("""
    SELECT c.oid, c.relname, c.relrowsecurity AND c.relforcerowsecurity AS walled,
        (SELECT count(*) FROM pg_policy WHERE polrelid = c.oid) AS policies
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND n.nspname = current_schema() ORDER BY c.relname
""")
_COLUMNS = text("""
    SELECT attname, format_type(atttypid, atttypmod), (SELECT collname FROM pg_collation WHERE oid = attcollation), NOT attnotnull,
        attgenerated <> ''
    FROM pg_attribute WHERE attrelid = :table AND attnum > 0 AND NOT attisdropped ORDER BY attnum
""")
_UNIQUE = text("""
    SELECT array_agg(attname ORDER BY place) FROM pg_index, unnest(indkey) WITH ORDINALITY AS part(number, place)
    JOIN pg_attribute ON attnum = number WHERE indrelid = :table AND attrelid = :table AND indisunique GROUP BY indexrelid
""")
_FOREIGN = text("""
    SELECT array_agg(attname ORDER BY place) FROM pg_constraint, unnest(conkey) WITH ORDINALITY AS part(number, place)
    JOIN pg_attribute ON attnum = number WHERE conrelid = :table AND attrelid = :table AND contype = 'f' GROUP BY pg_constraint.oid
""")
_CHECKS = text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = :table AND contype = 'c'")


def tables_of(connection: Connection) -> list[TableAsMigrated]:
    """Every table as PostgreSQL describes it."""
    found = []
    for oid, name, walled, policies in connection.execute(_TABLES).all():
        about = {"table": oid}
        found.append(
            TableAsMigrated(
                name=name,
                columns=tuple(Column(*row) for row in connection.execute(_COLUMNS, about)),
                unique=tuple(tuple(names) for (names,) in connection.execute(_UNIQUE, about)),
                foreign=tuple(tuple(names) for (names,) in connection.execute(_FOREIGN, about)),
                checks=tuple(connection.execute(_CHECKS, about).scalars()),
                walled=walled,
                policies=policies,
            )
        )
    return found


def unpaired(table: TableAsMigrated) -> Iterator[str]:
    """Who and when are one pair, held by a CHECK where they may be absent."""
    columns = table.by_name
    for name in columns:
        base, _, half = name.rpartition("_")
        other = f"{base}_{'by' if half == 'at' else 'at'}"
        is_half = (half == "at" and columns[name].kind.startswith("timestamp")) or (half == "by" and columns[name].kind == "text")
        if not is_half or f"{table.name}.{name}" in NO_ACT:
            continue
        if other not in columns:
            yield f"{table.name}.{name} has no {other}"
        elif columns[name].nullable or columns[other].nullable:
            pair = {f"(({one} IS NULL) = ({two} IS NULL))" for one, two in ((name, other), (other, name))}
            if not any(part in check for check in table.checks for part in pair):
                yield f"{table.name}: no CHECK holds {name} and {other} together"


def unlisted_states(table: TableAsMigrated) -> Iterator[str]:
    for column in table.columns:
        listed = any(re.search(rf"\b{column.name}\b.*ARRAY\[", check) for check in table.checks)
        if STATES.search(column.name) and column.kind == "text" and not listed:
            yield f"{table.name}.{column.name}: no CHECK lists its states"


def keys_astray(table: TableAsMigrated) -> Iterator[str]:
    """Keys start with the programme, and text in a key is compared by its bytes."""
    if table.name not in OF_THE_INSTALLATION | OF_CLIENTS:
        for kind, keys in (("unique key", table.unique), ("foreign key", table.foreign)):
            for key in keys:
                if key[0] != "programme":
                    yield f"{table.name}: the {kind} ({', '.join(key)}) does not start with the programme"
    if table.name != "alembic_version":
        for name in sorted({name for key in (*table.unique, *table.foreign) for name in key}):
            if table.by_name[name].kind.startswith(("text", "character")) and table.by_name[name].collation != "C":
                yield f'{table.name}.{name}: a text in a key is COLLATE "C"'


def ill_typed(table: TableAsMigrated) -> Iterator[str]:
    for column in table.columns:
        if column.kind in {"timestamp without time zone", "time without time zone"}:
            yield f"{table.name}.{column.name}: a moment carries a zone"
        if column.kind in INEXACT:
            yield f"{table.name}.{column.name}: {column.kind} is not exact"
        if re.search(r"percent|(\A|_)ratio|_rate\Z", column.name):
            yield f"{table.name}.{column.name}: a ratio is computed, never stored"


def unwalled(table: TableAsMigrated) -> Iterator[str]:
    if table.name not in OF_THE_INSTALLATION and not (table.walled and table.policies):
        yield f"{table.name}: row-level security is not enabled, forced and given a policy"


def faults_of(table: TableAsMigrated) -> list[str]:
    return [fault for rule in (unpaired, unlisted_states, keys_astray, ill_typed, unwalled) for fault in rule(table)]
