"""The database's walls by themselves (A2): of every table, who sees and who writes which rows, said once more in Python and compared.

A new table that belongs to somebody joins `OWNERS` with one line: whose its rows are, and who writes them. Its rows are made up here.
"""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, text

from app.db.rows import SHARED_TABLES
from app.db.tenancy import INSTALLATION, NOBODY, Tenant
from app.db.walls import differing
from tests.support.databases import Server

Row = Mapping[str, Any]
Says = Callable[[Tenant, Row], bool]

PARTIES: Final[Mapping[str, Tenant]] = {
    "nobody": NOBODY,
    "the prime": Tenant("p", "*", "*", "c1"),
    "another prime": Tenant("q", "*", "*", "c2"),
    "whoever spans programmes, outside any": Tenant("*", "*", "*", "c3"),
    "a subcontract": Tenant("p", "s1", "", "c4"),
    "its sibling": Tenant("p", "s2", "", "c5"),
    "its heir": Tenant("p", "s3", "", "c6", inherited_subcontracts=("s1", "s4")),
    "its namesake": Tenant("q", "s1", "", "c7"),
    "a commissioner": Tenant("p", "", "k1", "c8"),
    "its heir, a commissioner": Tenant("p", "", "k3", "c9", inherited_commissioners=("k1",)),
    "its namesake, a commissioner": Tenant("q", "", "k1", "c10"),
    "whoever manages the prime's clients": Tenant("p", "*", "*", "*"),
    "a subcontract that is taken for who manages them": Tenant("p", "s1", "", "*"),
    "the installation": INSTALLATION,
}
SETTINGS: Final = ("programme", "subcontract", "commissioner", "client")

OWNING: Final[Mapping[str, tuple[Any, ...]]] = {
    "programme": ("p", "q"),
    "subcontract": ("s1", "s2", "s3"),
    "sender": ("s1", "s2", "*"),
    "other_reporter": (None, "s1", "s2"),
    "commissioner": ("k1", "k2", "k3"),
    "client": ("c1", "c2", "c4"),
    "id": ("c1", "c2", "c4"),
}
"""The values that made-up rows have in the columns that say whose they are."""


@dataclass(frozen=True)
class Owners:
    """Whose the rows of a table are: by which columns, who sees one, and who writes one."""

    columns: Mapping[str, tuple[Any, ...]]
    sees: Says
    writes: Says
    odd: int = 9
    """In how many columns at most a row has another value than the first."""

    def rows(self) -> list[dict[str, Any]]:
        made = [dict(zip(self.columns, values, strict=True)) for values in itertools.product(*self.columns.values())]
        return [row for row in made if sum(row[name] != values[0] for name, values in self.columns.items()) <= self.odd]


def _here(tenant: Tenant, row: Row) -> bool:
    return bool(tenant.programme) and tenant.programme == row["programme"]


def _whole(tenant: Tenant, row: Row) -> bool:
    return _here(tenant, row) and tenant.subcontract == "*"


def _here_or_all(tenant: Tenant, row: Row) -> bool:
    return _here(tenant, row) or tenant.programme == "*"


def _by(*names: str, **values: tuple[Any, ...]) -> dict[str, tuple[Any, ...]]:
    return {name: OWNING[name] for name in names} | values


def of_programme(*, read_by_all: bool = False) -> Owners:
    """The programme's own: its staff write it, and read it alone or with all its parties."""
    return Owners(_by("programme"), _here if read_by_all else _whole, _whole)


def of_subcontract(column: str = "subcontract", *, inherited: bool = True, written_by_prime_alone: bool = False) -> Owners:
    """One subcontract's: it and the staff of its programme; whoever succeeded it reads."""

    def own(tenant: Tenant, row: Row) -> bool:
        return _here(tenant, row) and tenant.subcontract in {row[column], "*"}

    def sees(tenant: Tenant, row: Row) -> bool:
        return own(tenant, row) or (inherited and _here(tenant, row) and row[column] in tenant.inherited_subcontracts)

    return Owners(_by("programme", column), sees, _whole if written_by_prime_alone else own)


def of_commissioner() -> Owners:
    def own(tenant: Tenant, row: Row) -> bool:
        return _here(tenant, row) and ("*" in {tenant.subcontract, tenant.commissioner} or tenant.commissioner == row["commissioner"])

    def sees(tenant: Tenant, row: Row) -> bool:
        return own(tenant, row) or (_here(tenant, row) and row["commissioner"] in tenant.inherited_commissioners)

    return Owners(_by("programme", "commissioner"), sees, own)


def of_client(column: str = "client", *, managed: bool = True) -> Owners:
    """One client's: itself, and whoever manages the clients of its programme. Clients c1 and c4 are p's, c2 is q's."""

    def own(tenant: Tenant, row: Row) -> bool:
        reached = not managed or tenant.programme == "*" or {"c1": "p", "c2": "q", "c4": "p"}[row[column]] == tenant.programme
        return tenant.client == row[column] or (tenant.client == "*" and (not managed or (reached and tenant.subcontract == "*")))

    return Owners(_by(column), own, own)


def _client(tenant: Tenant, row: Row) -> bool:
    manages = tenant.client == tenant.subcontract == "*" and tenant.programme in {row["programme"], "*"}
    return tenant.client == row["id"] or manages


def _assignment(tenant: Tenant, row: Row) -> bool:
    parties = {row["subcontract"], row["other_reporter"]} - {None}
    return _here(tenant, row) and (tenant.subcontract in {*parties, "*"} or not parties.isdisjoint(tenant.inherited_subcontracts))


def _rendition(tenant: Tenant, row: Row) -> bool:
    mine = {
        "programme": (),
        "subcontract": (tenant.subcontract, *tenant.inherited_subcontracts),
        "commissioner": (tenant.commissioner, *tenant.inherited_commissioners),
        "public": (),
    }[row["audience_kind"]]
    return _here(tenant, row) and (tenant.subcontract == "*" or row["audience_kind"] == "public" or row["audience"] in {*mine} - {""})


def _disputes(tenant: Tenant, row: Row) -> bool:
    mine = {f"subcontract.{tenant.subcontract}", f"commissioner.{tenant.commissioner}"} | (
        {"commissioner.all"} if tenant.commissioner else set()
    )
    return _whole(tenant, row) or (_here(tenant, row) and row["party"] in mine)


def _disputed(tenant: Tenant, row: Row) -> bool:
    left = {f"subcontract.{code}" for code in tenant.inherited_subcontracts} | {
        f"commissioner.{code}" for code in tenant.inherited_commissioners
    }
    return _disputes(tenant, row) or (_here(tenant, row) and row["party"] in left)


def _publication(tenant: Tenant, row: Row) -> bool:
    return _whole(tenant, row) or (_here(tenant, row) and row["subcontracts_shown"] and bool(tenant.commissioner))


def _event(tenant: Tenant, row: Row) -> bool:
    of_all = row["programme"] == "*" and row["action"].startswith(("calendar_day.", "organisation.", "succession."))
    mine = {tenant.subcontract, tenant.commissioner} - {""}
    about = _here(tenant, row) and not mine.isdisjoint(row["subject"].values())
    ours = bool(tenant.programme) and row["client_programme"] == tenant.programme
    by = ours and not mine.isdisjoint({row["client_subcontract"], row["client_commissioner"]})
    return about or by or (tenant.subcontract == "*" and (of_all or ours or _here_or_all(tenant, row)))


def _records(tenant: Tenant, row: Row) -> bool:
    return row["programme"] == "*" or _here_or_all(tenant, row)


def _whole_or_all(tenant: Tenant, row: Row) -> bool:
    return tenant.subcontract == "*" and _here_or_all(tenant, row)


def _delegation(tenant: Tenant, row: Row) -> bool:
    party = _here(tenant, row) and ({tenant.subcontract, tenant.commissioner} - {""}) & {row["subcontract"], row["commissioner"]}
    manages = tenant.programme == tenant.subcontract == tenant.client == "*"
    return bool(party) or _whole(tenant, row) or manages


def _subcontract(tenant: Tenant, row: Row) -> bool:
    # Of the assignments made up below, s1 and s2 report for one another and for s3, and nobody reports for s4.
    mine = {tenant.subcontract, *tenant.inherited_subcontracts}
    reported_for = {"s1", "s2", "s3"} if mine & {"s1", "s2"} else set()
    return _whole(tenant, row) or (_here(tenant, row) and row["reference"] in mine | reported_for)


_AND_ALL: Final = {"programme": ("p", "q", "*")}
_ACTIONS: Final = ("return.accepted", "calendar_day.proclaimed", "organisation.put", "succession.put")
_OF_EVENTS: Final[Mapping[str, tuple[Any, ...]]] = {
    "client_programme": (None, "p", "q"),
    "client_subcontract": (None, "s1"),
    "client_commissioner": (None, "k1"),
    "subject": ({}, {"subcontract": "s1"}, {"commissioner": "k1"}),
}
_KINDS: Final = ("programme", "subcontract", "commissioner", "public")

OWNERS: Final[Mapping[str, Owners]] = {
    **{
        name: of_programme(read_by_all=True)
        for name in ("collections", "commissioners", "measures", "pathways", "phases", "segments", "sites")
    },
    **{
        name: of_programme()
        for name in (
            "baselines", "handover_comparisons", "handovers", "imports", "measure_proposals", "month_results", "phase_decisions",
            "publication_drafts", "publication_preparations", "report_rows", "requirements", "settlement_acts", "settlement_inputs",
            "settlement_rules", "settlements",
        )
    },
    **{
        name: of_subcontract()
        for name in ("cells", "queries", "query_messages", "returns", "revisions", "sign_offs", "submitted_files")
    },
    "reopenings": of_subcontract(written_by_prime_alone=True),
    "subcontracts": Owners(_by("programme", reference=("s1", "s2", "s3", "s4")), _subcontract, _whole),
    "backfills": of_subcontract("sender", inherited=False),
    "backfill_results": of_subcontract("sender", inherited=False),
    "assignments": Owners(_by("programme", "subcontract", "other_reporter"), _assignment, _whole),
    "row_queries": of_commissioner(),
    "row_query_messages": of_commissioner(),
    "publications": Owners(_by("programme", subcontracts_shown=(True, False)), _publication, _whole),
    **{
        name: Owners(_by("programme", audience_kind=_KINDS, audience=("s1", "s2", "k1", "k2", "")), _rendition, _whole)
        for name in ("renditions", "settlement_statements")
    },
    "settlement_disputes": Owners(
        _by("programme", party=("integrator", "subcontract.s1", "subcontract.s2", "commissioner.k1", "commissioner.k2", "commissioner.all")),
        _disputed,
        _disputes,
    ),
    "delegations": Owners(
        _by("programme", subcontract=("s1", "s2", "*", None), commissioner=("k1", "*", None)), _delegation, _delegation, odd=2
    ),
    "programmes": Owners(_by("programme"), _here_or_all, _whole),
    "clients": Owners(_by("id", "programme"), _client, _client),
    **{name: of_client() for name in ("client_assertions", "client_keys", "client_public_keys", "client_tokens")},
    "idempotency_keys": of_client(managed=False),
    "ledger": Owners(_AND_ALL, _records, _records),
    "events": Owners({**_AND_ALL, "action": _ACTIONS, **_OF_EVENTS}, _event, _records, odd=3),
    "checkpoints": Owners(_AND_ALL, _whole_or_all, _whole_or_all),
    "contract_changes": Owners(_AND_ALL, _here_or_all, _whole_or_all),
    "figure_audits": Owners(_by("programme"), _whole_or_all, _whole_or_all),
}  # fmt: skip
"""Of every table that belongs to somebody, to whom."""

_COLUMNS: Final = text("""
    SELECT quote_ident(attname) AS name, format_type(atttypid, atttypmod) AS kind, has_column_privilege('mainstem_application', attrelid, attnum, 'UPDATE') AS changed
    FROM pg_attribute WHERE attrelid = CAST(:table AS regclass) AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
""")
_TABLES: Final = text(
    "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace ORDER BY relname"
)
_LOOSENED: Final = text("SELECT conname FROM pg_constraint WHERE conrelid = CAST(:table AS regclass) AND contype IN ('c', 'f', 'x')")
_TAKEN: Final = """
CREATE FUNCTION taken(statement text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE changed bigint;
BEGIN
    EXECUTE statement;
    GET DIAGNOSTICS changed = ROW_COUNT;
    RAISE EXCEPTION USING ERRCODE = 'UNDO1', MESSAGE = changed::text;
EXCEPTION WHEN SQLSTATE 'UNDO1' THEN RETURN SQLERRM <> '0';
WHEN insufficient_privilege THEN RETURN false;
-- A wall is asked before a key: what is there already came past it.
WHEN unique_violation THEN RETURN true;
END $$
"""
_VALUES: Final[Mapping[str, Callable[[int], str]]] = {
    "text": lambda number: f"'v{number}'",
    "text[]": lambda number: "'{}'",
    "integer": str,
    "bigint": str,
    "smallint": str,
    "numeric": str,
    "boolean": lambda _: "true",
    "date": lambda number: f"date '2026-01-01' + {number}",
    "timestamp with time zone": lambda number: f"timestamptz '2026-01-01 00:00Z' + {number} * interval '1 day'",
    "jsonb": lambda _: "'{}'",
    "bytea": lambda _: "''",
    "uuid": lambda number: f"'00000000-0000-0000-0000-{number:012d}'",
}


def _literal(value: Any) -> str:
    if isinstance(value, dict):
        return f"'{json.dumps(value)}'"
    return "NULL" if value is None else repr(value) if isinstance(value, str) else str(value).lower()


def walled(connection: Connection) -> list[str]:
    """The tables that belong to somebody."""
    return [name for name in connection.execute(_TABLES).scalars() if name not in SHARED_TABLES | {"alembic_version"}]


@dataclass(frozen=True)
class Table:
    """A table with rows of everybody's in it."""

    name: str
    owners: Owners
    columns: Mapping[str, str]
    changed: str | None
    """A column that the application may change, if it may change any."""

    def insert(self, row: Row, number: int) -> str:
        values = {name: _VALUES[kind](number) for name, kind in self.columns.items()} | {name: _literal(row[name]) for name in row}
        return f"INSERT INTO {self.name} ({', '.join(values)}) OVERRIDING SYSTEM VALUE VALUES ({', '.join(values.values())})"

    def update(self, row: Row) -> str:
        where = " AND ".join(f"{name} IS NOT DISTINCT FROM {_literal(value)}" for name, value in row.items())
        return f"UPDATE {self.name} SET {self.changed} = {self.changed} WHERE {where}"


def fill(connection: Connection) -> list[Table]:
    """As the superuser: put rows of everybody's into every table, whatever its own rules on them; the walls stand as they were migrated."""
    connection.exec_driver_sql(_TAKEN)
    tables = []
    # First the constraints of all of them: some speak of others.
    for name in walled(connection):
        connection.exec_driver_sql(f"ALTER TABLE {name} DISABLE TRIGGER ALL")
        for constraint in connection.execute(_LOOSENED, {"table": name}).scalars().all():
            connection.exec_driver_sql(f"ALTER TABLE {name} DROP CONSTRAINT {constraint}")
    for name in walled(connection):
        found = connection.execute(_COLUMNS, {"table": name}).all()
        changed = next((column for column, _, may in found if may and column not in OWNERS[name].columns), None)
        table = Table(name, OWNERS[name], {column: kind for column, kind, _ in found}, changed)
        for number, row in enumerate(table.owners.rows(), start=1):
            if name == "clients" and row["programme"] != {"c1": "p", "c2": "q", "c4": "p"}[row["id"]]:
                continue
            connection.exec_driver_sql(table.insert(row, number))
        tables.append(table)
    return tables


def breaches(connection: Connection, table: Table) -> Iterator[str]:
    """What anybody sees or writes of a table that is not theirs, and what they do not of what is."""
    columns = table.owners.columns
    named = ", ".join(f"{name}::text" for name in columns)
    held = connection.exec_driver_sql(f"SELECT {named}, {', '.join(columns)} FROM {table.name}").all()
    rows = [dict(zip(columns, values[len(columns) :], strict=True)) for values in held]
    for party, tenant in PARTIES.items():
        _become(connection, tenant)
        seen = set(connection.exec_driver_sql(f"SELECT {named} FROM {table.name}").all())
        statements = [table.insert(row, 1000 + number) for number, row in enumerate(rows)]
        statements += [table.update(row) for row in rows] if table.changed else []
        taken = connection.execute(
            text("SELECT taken(said) FROM unnest(CAST(:all AS text[])) WITH ORDINALITY AS line (said, place) ORDER BY place"),
            {"all": statements},
        )
        answers = list(taken.scalars())
        connection.exec_driver_sql("RESET ROLE")
        for place, row in enumerate(rows):
            sees, writes = table.owners.sees(tenant, row), table.owners.writes(tenant, row)
            said = {"sees": (held[place][: len(columns)] in seen, sees), "adds": (answers[place], writes)}
            if table.changed:
                said["changes"] = (answers[len(rows) + place], sees and writes)
            for act, (does, should) in said.items():
                if does != should:
                    yield f"{table.name}: {party} {act if does else 'no longer ' + act} {row}"


def _become(connection: Connection, tenant: Tenant) -> None:
    values = {f"mainstem.{name}": getattr(tenant, name) for name in SETTINGS}
    for kind in ("subcontracts", "commissioners"):
        values[f"mainstem.inherited_{kind}"] = ",".join(getattr(tenant, f"inherited_{kind}"))
    for name, value in values.items():
        connection.execute(text("SELECT set_config(:name, :value, true)"), {"name": name, "value": value})
    connection.exec_driver_sql("SET LOCAL ROLE mainstem_application")


def mutations(connection: Connection) -> Iterator[tuple[str, str]]:
    """Every policy of every table taken away, and each of its two conditions given up: the table, and the statement that does it."""
    policies = text(
        "SELECT tablename, policyname, cmd, qual, with_check FROM pg_policies WHERE schemaname = current_schema() ORDER BY 1, 2"
    )
    for table, policy, command, seen, written in connection.execute(policies).all():
        yield table, f"DROP POLICY {policy} ON {table}"
        if seen is not None:
            yield table, f"ALTER POLICY {policy} ON {table} USING (true)"
        if written is not None or command == "INSERT":
            yield table, f"ALTER POLICY {policy} ON {table} WITH CHECK (true)"


def unnoticed(connection: Connection, tables: list[Table], *, every: int = 1, from_place: int = 0) -> Iterator[str]:
    """The mutations that leave no breach: of all of them, or of every so-manieth from one on."""
    by_name = {table.name: table for table in tables}
    for name, statement in itertools.islice(list(mutations(connection)), from_place % every, None, every):
        with connection.begin_nested() as step:
            connection.exec_driver_sql(statement)
            if not any(True for _ in breaches(connection, by_name[name])):
                yield statement
            step.rollback()


def unnamed(connection: Connection, *, every: int = 1) -> Iterator[str]:
    """The mutations that whoever starts the service on such a database is not told of: of all of them, or of every so-manieth."""
    for table, statement in list(itertools.islice(mutations(connection), 0, None, every)):
        with connection.begin_nested() as step:
            connection.exec_driver_sql(statement)
            connection.exec_driver_sql("SET LOCAL SESSION AUTHORIZATION mainstem_application_login")
            if not any(f" table {table} " in sentence for sentence in differing(connection)):
                yield statement
            step.rollback()


def on(server: Server) -> list[str]:
    """What does not hold on a server's own version."""
    with server.database() as database, database.superuser_engine.connect() as connection:
        faults = [breach for table in fill(connection) for breach in breaches(connection, table)]
        connection.rollback()
    return faults
