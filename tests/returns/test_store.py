"""The tables of returns: who sees which rows with the application's own filters off, and what may not be written."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.db.session import open_session
from app.db.tenancy import Tenant
from app.returns import store
from app.returns.expectation import expected_return
from app.returns.submission import Submission
from tests.returns.conftest import Programme, set_up
from tests.returns.programme import CWT, HOSPICE, MIXED, PROGRAMME, cwt_body, hospice_body, mixed_body, whole_contract
from tests.support.databases import Database

TABLES = ("returns", "revisions", "cells", "submitted_files")


def session_of(programme: Programme, *, subcontract: str, of: str = PROGRAMME) -> Session:
    return open_session(programme.database.engine, Tenant(programme=of, subcontract=subcontract, commissioner="", client="test"))


@pytest.fixture(scope="module")
def sent(module_database: Database) -> Iterator[Programme]:
    """Two returns that nothing below changes."""
    with set_up(module_database) as programme:
        assert programme.submit(CWT, cwt_body()).status_code == 201
        assert programme.submit(HOSPICE, hospice_body()).status_code == 201
        yield programme


@pytest.mark.parametrize(
    ("subcontract", "of", "seen"),
    [
        ("*", PROGRAMME, {"SC-RJE", "SC-H9901"}),
        ("SC-RJE", PROGRAMME, {"SC-RJE"}),
        ("SC-RL4", PROGRAMME, set()),
        ("", PROGRAMME, set()),
        ("*", "another", set()),
        ("*", "", set()),
    ],
)
def test_row_level_security_alone_shows_each_its_own(sent: Programme, subcontract: str, of: str, seen: set[str]) -> None:
    with session_of(sent, subcontract=subcontract, of=of) as session:
        for table in TABLES:
            assert set(session.execute(text(f"SELECT DISTINCT subcontract FROM {table}")).scalars()) == seen


def test_nobody_writes_for_another(sent: Programme) -> None:
    columns = ", ".join(column.name for column in store.REVISIONS.c if column.name not in {"revision_id", "number"})
    others = columns.replace("subcontract", "'SC-RL4'")
    copy = f"INSERT INTO revisions ({columns}, number) SELECT {others}, 2 FROM revisions"
    with session_of(sent, subcontract="SC-RJE") as session, pytest.raises(DBAPIError, match="row-level security"):
        session.execute(text(copy))


def heir(programme: Programme, *, of: str = PROGRAMME, inherited: tuple[str, ...] = ("SC-RJE",)) -> Session:
    return open_session(programme.database.engine, Tenant(of, "SC-RL4", client="test", inherited_subcontracts=inherited))


@pytest.mark.parametrize(
    ("of", "inherited", "seen"),
    [
        (PROGRAMME, (), set()),
        (PROGRAMME, ("SC-RJE",), {"SC-RJE"}),
        (PROGRAMME, ("SC-RJE", "SC-H9901"), {"SC-RJE", "SC-H9901"}),
        (PROGRAMME, ("*",), set()),
        ("another", ("SC-RJE",), set()),
        ("", ("SC-RJE",), set()),
    ],
)
def test_an_heir_sees_what_it_inherited_and_nothing_else(sent: Programme, of: str, inherited: tuple[str, ...], seen: set[str]) -> None:
    own = {"SC-RL4"} if of == PROGRAMME else set()
    with heir(sent, of=of, inherited=inherited) as session:
        for table in TABLES:
            assert set(session.execute(text(f"SELECT DISTINCT subcontract FROM {table}")).scalars()) == seen
        assert set(session.execute(text("SELECT reference FROM subcontracts")).scalars()) == own | seen
        assert set(session.execute(text("SELECT DISTINCT subcontract FROM assignments")).scalars()) == own | seen
        for table in ("requirements", "events", "month_results"):
            assert session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() == 0


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO revisions ({columns}, number) SELECT {columns}, 2 FROM revisions",
        "INSERT INTO cells SELECT programme, revision_id, subcontract, 'another', {cells} FROM cells",
        "INSERT INTO submitted_files SELECT programme, revision_id + 1000, subcontract, file_name, deflated FROM submitted_files",
        "INSERT INTO returns SELECT programme, collection, subcontract, month + 1, {returns} FROM returns",
    ],
)
def test_an_heir_adds_nothing_to_what_it_inherited(sent: Programme, statement: str) -> None:
    columns = ", ".join(column.name for column in store.REVISIONS.c if column.name not in {"revision_id", "number"})
    rest = {"cells": list(store.CELLS.c)[4:], "returns": list(store.RETURNS.table.c)[4:]}
    named = {table: ", ".join(column.name for column in of) for table, of in rest.items()}
    with heir(sent) as session, pytest.raises(DBAPIError, match="row-level security"):
        session.execute(text(statement.format(columns=columns, **named)))


@pytest.mark.parametrize("table", ["returns", "subcontracts", "assignments"])
def test_an_heir_ends_nothing_that_it_inherited(sent: Programme, table: str) -> None:
    whose = "reference" if table == "subcontracts" else "subcontract"
    statement = f"UPDATE {table} SET closed_at = recorded_at + interval '1 day', closed_by = 'test' WHERE {whose} = 'SC-RJE'"
    with heir(sent) as session:
        assert session.execute(text(statement)).rowcount == 0  # type: ignore[attr-defined]  # the result of an UPDATE has a cursor's count
        assert session.execute(text(f"SELECT FROM {table} WHERE {whose} = 'SC-RJE' FOR UPDATE")).all() == []


def test_a_cell_belongs_to_a_revision_of_its_subcontract(sent: Programme) -> None:
    move = "INSERT INTO cells SELECT programme, revision_id + 1000, subcontract, {} FROM cells".format(
        ", ".join(column.name for column in list(store.CELLS.c)[3:])
    )
    with session_of(sent, subcontract="*") as session, pytest.raises(DBAPIError, match="belongs to no revision"):
        session.execute(text(move))


@pytest.mark.parametrize("of_another", [False, True])
def test_what_is_laid_down_for_no_revision_of_its_subcontract_is_not_kept(sent: Programme, of_another: bool) -> None:
    cells = ", ".join(column.name for column in list(store.CELLS.c)[3:])
    columns = ", ".join(column.name for column in store.REVISIONS.c if column.name not in {"revision_id", "number"})
    with session_of(sent, subcontract="*") as session:
        file = "INSERT INTO submitted_files SELECT programme, revision_id + 1000, 'SC-RL4', file_name, deflated FROM submitted_files"
        session.execute(text(file))
        session.execute(text(f"INSERT INTO cells SELECT programme, revision_id + 1000, 'SC-RL4', {cells} FROM cells"))
        if of_another:
            session.execute(
                text(f"INSERT INTO revisions (revision_id, number, {columns}) SELECT revision_id + 1000, 2, {columns} FROM revisions")
            )
        with pytest.raises(DBAPIError, match="submitted_files_of_revision"):
            session.commit()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE cells SET numerator = 0",
        "DELETE FROM cells",
        "UPDATE revisions SET number = 7",
        "DELETE FROM revisions",
        "UPDATE submitted_files SET deflated = ''",
        "DELETE FROM submitted_files",
        "UPDATE returns SET status = 'accepted', accepted_revision = 1",
        "DELETE FROM returns",
    ],
)
def test_what_was_recorded_is_never_changed(sent: Programme, statement: str) -> None:
    with session_of(sent, subcontract="*") as session, pytest.raises(DBAPIError, match="permission denied"):
        session.execute(text(statement))


def test_what_is_stored_comes_back_as_it_was(programme: Programme) -> None:
    programme.submit(MIXED, mixed_body())
    expected = expected_return(whole_contract(), MIXED)
    assert expected is not None
    with session_of(programme, subcontract="SC-MIX") as session:
        (revision,) = store.revisions(session, PROGRAMME, MIXED)
        cells = store.cells(session, PROGRAMME, revision.revision_id)
        assert store.revisions(session, PROGRAMME, MIXED, number=2) == ()
        assert store.received(session, PROGRAMME, CWT) is None
    assert [cell.key for cell in cells] == list(expected.cells)
    assert {str(cell.numerator) for cell in cells} == {"0", "1", "3", "4", "7", "8", "12", "12.125"}
    assert isinstance(Submission(None, "", cells, ()), Submission)


def test_the_cells_that_a_change_of_the_contract_would_leave_without_a_duty(programme: Programme) -> None:
    body = mixed_body()
    strays = [
        {"measure": "M-RATIO", "site": "lung", "commissioner": commissioner, "numerator": 1, "denominator": 1}
        for commissioner in ("05G", "UNKNOWN")
    ]
    programme.submit(MIXED, {"cells": [*body["cells"], *strays]})
    programme.submit(CWT, cwt_body())
    programme.accept(CWT)
    programme.submit(CWT, cwt_body(1))
    contract = whole_contract()
    expected = expected_return(contract, MIXED)
    assert expected is not None
    with session_of(programme, subcontract="*") as session:
        reported = list(store.reported_cells(session, PROGRAMME))
        changed = list(store.reported_cells(session, PROGRAMME, unchanged=lambda key, sha256: key == MIXED and sha256 == expected.sha256))
    assert [(key, number) for key, number, _ in reported] == [(CWT, 1), (CWT, 2), (MIXED, 1)]
    assert reported[-1][2] == frozenset(expected.cells)
    assert [key for key, _, _ in changed] == [CWT, CWT]
