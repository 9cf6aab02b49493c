"""Which keys of the database could tell of another's row: a unique key and a foreign key see past the walls, whoever asks.

A party that may write one row and does not see another learns from the database's refusal that the other is there, where nothing in the key keeps the
two apart. Found by the owners' table of `tests/safety/walls.py` over the keys that the migrated database has; a new such key joins `TELLS_NOTHING`
with the reason, or gets a column that says whose its row is.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, text

from tests.safety.walls import OWNERS, PARTIES, Row

_CHANCE: Final = (
    "an id is sixteen letters and digits of chance, made by the service: nobody names another's, and nobody states one of their own"
)
_COUNTED_BY_THE_DATABASE: Final = (
    "the number is the next of a sequence: nobody states one, and it stands in no answer, so that nobody can count others' revisions"
)
_OF_A_REVISION: Final = f"begins with the revision's number; {_COUNTED_BY_THE_DATABASE}"
_DIGEST: Final = "a backfill's name is the digest of who sends it and of a key of their choice: nobody else's can be the same"
_SEEN_FIRST: Final = "its wall asks whose the client is: who may write one sees the client"

TELLS_NOTHING: Final[Mapping[str, str]] = {
    "assignments_once": "`combination` is a digest that begins with the programme and subcontract",
    "backfill_results_of_backfill": _DIGEST,
    "backfill_results_pkey": _DIGEST,
    "backfills_pkey": _DIGEST,
    "cells_pkey": _OF_A_REVISION,
    "client_assertions_client": _SEEN_FIRST,
    "client_keys_client": _SEEN_FIRST,
    "client_keys_pkey": _CHANCE,
    "client_public_keys_client": _SEEN_FIRST,
    "client_tokens_client": _SEEN_FIRST,
    "client_tokens_pkey": _CHANCE,
    "clients_pkey": _CHANCE,
    "delegations_pkey": _CHANCE,
    "events_pkey": "the place in the chain is given by the service, with the ledger's row locked; a party is not shown it",
    "revisions_pkey": _COUNTED_BY_THE_DATABASE,
    "submitted_files_pkey": _OF_A_REVISION,
}
"""Of every key that could tell, why it does not."""


class Key(NamedTuple):
    """A unique key or exclusion of a table (which it is then held against itself), or a foreign key of it, by the columns that must fit."""

    name: str
    table: str
    columns: tuple[str, ...]
    held_against: str
    columns_there: tuple[str, ...]


_UNIQUE: Final = text("""
    SELECT index.relname, owner.relname, array(
        SELECT attname::text FROM pg_attribute WHERE attrelid = indrelid AND attnum = ANY ((indkey::int2[])[0:indnkeyatts - 1]) ORDER BY attnum
    ) FROM pg_index JOIN pg_class AS owner ON owner.oid = indrelid JOIN pg_class AS index ON index.oid = indexrelid
    WHERE (indisunique OR indisexclusion) AND owner.relnamespace = current_schema()::regnamespace
""")
_FOREIGN: Final = text("""
    SELECT conname, owner.relname, array(
        SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS part (number, place)
        JOIN pg_attribute ON attrelid = conrelid AND attnum = number ORDER BY place
    ), other.relname, array(
        SELECT attname::text FROM unnest(confkey) WITH ORDINALITY AS part (number, place)
        JOIN pg_attribute ON attrelid = confrelid AND attnum = number ORDER BY place
    ) FROM pg_constraint JOIN pg_class AS owner ON owner.oid = conrelid JOIN pg_class AS other ON other.oid = confrelid
    WHERE contype = 'f' AND owner.relnamespace = current_schema()::regnamespace
""")


def keys_of(connection: Connection) -> Iterator[Key]:
    """Every key of a table that belongs to somebody, held against one that does."""
    unique = [(*found, found[1], found[2]) for found in connection.execute(_UNIQUE).all()]
    for name, table, columns, there, columns_there in [*unique, *connection.execute(_FOREIGN).all()]:
        if table in OWNERS and there in OWNERS:
            yield Key(name, table, tuple(columns), there, tuple(columns_there))


def telling(key: Key) -> str | None:
    """Who could learn by this key of a row that they do not see, and of which; None where nobody could."""
    mine, theirs = OWNERS[key.table], OWNERS[key.held_against]
    fitting = [
        (one, other) for one, other in zip(key.columns, key.columns_there, strict=True) if one in mine.columns and other in theirs.columns
    ]

    def parts(row: Row, side: int) -> tuple[Any, ...]:
        return tuple(row[pair[side]] for pair in fitting)

    for party, tenant in PARTIES.items():
        written = {parts(row, 0) for row in mine.rows() if mine.writes(tenant, row)}
        for row in theirs.rows():
            if not theirs.sees(tenant, row) and parts(row, 1) in written:
                return f"{key.name} of {key.table} {key.columns} tells {party} of {row}"
    return None
