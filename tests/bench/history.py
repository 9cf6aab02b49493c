"""A programme with years of months behind it, written by PostgreSQL in bulk: 100 subcontracts that state 200 cells each, every month."""

from datetime import UTC, datetime
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql

from app.calendar.contract import Contract
from app.calendar.expected import ReturnKey
from app.kernel.months import Month
from app.returns.expectation import expected_return

PROGRAMME: Final = "history"
COLLECTION: Final = "monthly"
MONTHS: Final = 100
"""With 20,000 cells a month: two million cells."""
LAST: Final = Month.parse("2026-06")
FIRST: Final = LAST.plus(1 - MONTHS)
CELLS_OF_MONTH: Final = 20_000

_SUBCONTRACTS: Final = 100
_SITES: Final = 15
_STEPS: Final = 4
"""Segments of each pathway; each asks for one measure by route and one without."""
_COMMISSIONERS: Final = tuple(f"C{number}" for number in range(5))
_ROUTES: Final = ("urgent", "breast_symptomatic", "screening", "upgrade")
_MEASURES: Final = 60
_SEGMENTS_OF_EACH: Final = 8


def document() -> dict[str, Any]:
    """15 sites with a pathway each, 60 segments, 60 measures, 5 populations; each subcontract delivers eight segments for all of them."""
    term = {"starts_on": FIRST.first_day.isoformat(), "ends_on": LAST.plus(60).last_day.isoformat()}
    routes = {"code": "route", "categories": [{"code": code} for code in _ROUTES]}
    measures = [f"M-{number:02d}" for number in range(_MEASURES)]
    shared = {"proportion": True, "unit": "percent", "direction": "higher"}
    return {
        "programme": {"code": PROGRAMME, "name": "History", "prime": "X9901", **term},
        "organisations": [
            {"ods_code": "X9901", "name": "Prime", "kind": "other"},
            *({"ods_code": f"X{number:03d}", "name": f"Provider {number}", "kind": "acute_trust"} for number in range(_SUBCONTRACTS)),
        ],
        "commissioners": [{"ods_code": code, "name": code} for code in _COMMISSIONERS],
        "sites": [{"code": f"site-{number:02d}", "name": f"Site {number}"} for number in range(_SITES)],
        "measures": [
            {"code": code, "name": code, **shared, **({} if number % 2 else {"breakdown": routes})} for number, code in enumerate(measures)
        ],
        "pathways": [
            {
                "code": f"site-{site:02d}",
                "name": f"Pathway {site}",
                "segments": [
                    {"code": f"step-{step}", "name": f"Step {step}", "measures": _measures_of(site * _STEPS + step)}
                    for step in range(_STEPS)
                ],
            }
            for site in range(_SITES)
        ],
        "collections": [{"code": COLLECTION, "name": "Monthly", "measures": measures, "due": {"working_day": 10}, "auto_accept": True}],
        "requirements": [{"measure": code, "targets": [{"standard": "0.85"}]} for code in measures],
        "subcontracts": [
            {"reference": reference(number), "organisation": f"X{number:03d}", "sector": "acute", **term} for number in range(_SUBCONTRACTS)
        ],
        "assignments": [_assignment(number, each) for number in range(_SUBCONTRACTS) for each in range(_SEGMENTS_OF_EACH)],
    }


def reference(number: int) -> str:
    return f"SC-{number:03d}"


def _measures_of(segment: int) -> list[str]:
    """An even measure is split by route, an odd one is not."""
    return [f"M-{segment // 2 * 2:02d}", f"M-{(segment // 2 * 2 + 31) % _MEASURES:02d}"]


def _assignment(number: int, each: int) -> dict[str, Any]:
    segment = (number * _SEGMENTS_OF_EACH + each) % (_SITES * _STEPS)
    site = f"site-{segment // _STEPS:02d}"
    place = {"pathway": site, "segment": f"step-{segment % _STEPS}", "sites": [site]}
    return {"subcontract": reference(number), **place, "expected_volume": 20 + each}


_TEMPLATE: Final = """
CREATE TEMPORARY TABLE expected_cells (
    position int, subcontract text, pathway text, segment text, measure text, site text, commissioner text, category text
);
CREATE TEMPORARY TABLE expected_returns (subcontract text, sha256 text);
"""
_RETURNS: Final = """
INSERT INTO returns (programme, collection, subcontract, month, status, act, latest_revision, accepted_revision, recorded_at, recorded_by)
SELECT %(programme)s, %(collection)s, subcontract, month, 'accepted', 'accepted', 1, 1, %(begins)s::timestamptz
    + (month - %(first)s::int) * interval '1 hour' + row_number() OVER (PARTITION BY month) * interval '1 ms', 'bench'
FROM generate_series(%(first)s::int, %(last)s::int) AS month, expected_returns
"""
_REVISIONS: Final = """
INSERT INTO revisions (programme, collection, subcontract, month, number, nil, note, content_sha256, submitted_sha256, media_type,
    expected_sha256, contract_recorded_at, cell_count, warnings, explained, submitted_as, recorded_at, recorded_by)
SELECT programme, collection, subcontract, month, 1, false, '', encode(sha256(concat(subcontract, month)::bytea), 'hex'), '', 'application/json',
    sha256, %(begins)s, 200, '[]', true, 'subcontract', recorded_at, recorded_by
FROM returns JOIN expected_returns USING (subcontract) WHERE programme = %(programme)s ORDER BY month, subcontract
"""
_CELLS: Final = """
INSERT INTO cells (programme, revision_id, subcontract, pathway, segment, measure, site, commissioner, category, state, numerator, denominator,
    by_rest, outside_assignment)
SELECT programme, revision_id, subcontract, pathway, segment, measure, site, commissioner, category, 'value',
    whole * (40 + (position * 13 + revision_id) %% 61) / 100, whole, false, false
FROM revisions JOIN expected_cells USING (subcontract), LATERAL (SELECT 1 + (position * 7 + revision_id * 11) %% 60 AS whole) AS drawn
WHERE programme = %(programme)s ORDER BY revision_id, measure, pathway, segment, site, commissioner, category
"""


def write(connection: psycopg.Connection, contract: Contract) -> int:
    """Every return of every month, accepted, with all its cells; how many cells. The connection is the superuser's: no wall, no check."""
    expected = [(key, expected_return(contract, key)) for key in _returns_of(contract)]
    begins = datetime(FIRST.year - 1, 1, 1, tzinfo=UTC)
    values = {"programme": PROGRAMME, "collection": COLLECTION, "first": FIRST.ordinal, "last": LAST.ordinal, "begins": begins}
    connection.execute("SET session_replication_role = replica")
    connection.execute(_TEMPLATE)
    cursor = connection.cursor()
    with cursor.copy("COPY expected_returns FROM STDIN") as copy:
        for key, owed in expected:
            copy.write_row((key.subcontract, owed.sha256 if owed else None))
    with cursor.copy("COPY expected_cells FROM STDIN") as copy:
        rows = ((key.subcontract, *cell) for key, owed in expected if owed for cell in owed.cells)
        for position, row in enumerate(rows):
            copy.write_row((position, *row))
    connection.execute(_RETURNS, values)
    connection.execute(_REVISIONS, values)
    written = connection.execute(_CELLS, values).rowcount
    connection.commit()
    return written


_COPIES: Final[tuple[LiteralString, ...]] = ("returns", "revisions", "cells")


def write_again(connection: psycopg.Connection, programme: str) -> None:
    """The same months of another programme in the same tables."""
    for table in _COPIES:
        columns = connection.execute(
            "SELECT string_agg(column_name, ', ' ORDER BY ordinal_position) FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name = %s AND column_name <> 'programme'",
            (table,),
        ).fetchone()
        assert columns is not None
        names = sql.SQL(columns[0])
        copied = sql.SQL(
            "INSERT INTO {table} (programme, {names}) OVERRIDING SYSTEM VALUE SELECT {other}, {names} FROM {table} WHERE programme = {own}"
        ).format(table=sql.Identifier(table), names=names, other=sql.Literal(programme), own=sql.Literal(PROGRAMME))
        connection.execute(copied)
    connection.commit()


def tidy(connection: psycopg.Connection) -> None:
    """As a database is that autovacuum has been to."""
    connection.autocommit = True
    connection.execute("VACUUM ANALYZE returns, revisions, cells")
    connection.autocommit = False


def _returns_of(contract: Contract) -> list[ReturnKey]:
    return [ReturnKey(COLLECTION, subcontract, LAST) for subcontract in sorted(contract.subcontract)]
