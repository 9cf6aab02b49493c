"""What is published is walled by audience: each reads its own rendition and the public's, and nothing can be changed."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from app.db.audit import lenders
from app.db.session import open_session
from app.db.tenancy import Tenant
from app.kernel.months import Month
from app.publications import store
from app.publications.domain import OF_PROGRAMME, OF_PUBLIC, Audience
from app.publications.renditions import Readership, Writer, rendition_of
from app.publications.row_queries import QueryName
from app.publications.row_query_store import threads
from tests.support.databases import Database

MOMENT = datetime(2026, 12, 1, tzinfo=UTC)
MONTH = Month.parse("2026-10")
INTEGRATOR = Tenant("p", "*", "*", "c")
AUDIENCES = (OF_PROGRAMME, OF_PUBLIC, *(Audience("commissioner", code) for code in ("05W", "05G")), Audience("subcontract", "SC-A"))


def publish(database: Database, sequence: int, *, shown: bool) -> None:
    with open_session(database.engine, INTEGRATOR) as session:
        shared = {"sequence": sequence, "month": MONTH, "kind": "first", "status": "provisional", "as_of": MOMENT}
        shared |= {"published_at": MOMENT, "published_by": "publisher"}
        row = {"commissioner": "05W", "subcontract": "SC-A", "excludes": None}
        for audience in AUDIENCES:
            writer = Writer(Readership(audience, frozenset({"05W"})), [])
            writer.add("all", "month", [])
            writer.add("all", "quarter", [(row, "{}"), (row, "{}")])
            made = rendition_of(writer.body(), {}, {}, schema_version="1.0", sign=None)
            store.add_rendition(session, "p", shared, store.Issued(made, None, 0, b""))
        published = store.Publication(
            sequence, MONTH, "first", "provisional", None, "", "", MOMENT, "0", "4", 0, shown, b"{}", "0", "0", "key",
            MOMENT, "editor", MOMENT, "checker", MOMENT, "publisher",
        )  # fmt: skip
        store.add_publication(session, "p", published)
        session.commit()


def seen_by(database: Database, tenant: Tenant) -> tuple[set[Audience], set[int]]:
    with open_session(database.engine, tenant) as session:
        renditions = {Audience(*row) for row in session.execute(text("SELECT audience_kind, audience FROM renditions"))}
        return renditions, set(session.execute(text("SELECT sequence FROM publications")).scalars())


def test_each_audience_is_shown_its_own_by_the_database_alone(database: Database) -> None:
    publish(database, 1, shown=True)
    publish(database, 2, shown=False)
    assert seen_by(database, INTEGRATOR) == (set(AUDIENCES), {1, 2})
    stoke = Audience("commissioner", "05W")
    assert seen_by(database, Tenant("p", "", "05W", "c")) == ({stoke, OF_PUBLIC}, {1})
    assert seen_by(database, Tenant("p", "", "NEW", "c", (), ("05W",))) == ({stoke, OF_PUBLIC}, {1})
    assert seen_by(database, Tenant("p", "SC-A", "", "c")) == ({Audience("subcontract", "SC-A"), OF_PUBLIC}, set())
    assert seen_by(database, Tenant("p", "SC-B", "", "c", ("SC-A",))) == ({Audience("subcontract", "SC-A"), OF_PUBLIC}, set())
    assert seen_by(database, Tenant("other", "*", "*", "c")) == (set(), set())
    assert seen_by(database, Tenant()) == (set(), set())
    with open_session(database.engine, INTEGRATOR) as session:
        (one, other) = store.parts(session, "p", stoke, 1)
        assert store.rows_of(session, "p", stoke, 1, one) == b"[]"
        assert store.rows_of(session, "p", stoke, 1, other) == b"[{},{}]"


@pytest.mark.parametrize(
    "statement", ["UPDATE renditions SET month = 1", "DELETE FROM publications", "UPDATE signing_keys SET key_id = ''"]
)
def test_what_was_published_cannot_be_changed(database: Database, statement: str) -> None:
    with open_session(database.engine, INTEGRATOR) as session, pytest.raises(ProgrammingError, match="permission denied"):
        session.execute(text(statement))


def test_a_whole_listing_may_be_of_more_than_a_statement_has_parameters(module_database: Database) -> None:
    names = [QueryName("05W", 1, number) for number in range(1, 25_000)]
    with open_session(module_database.engine, INTEGRATOR) as session:
        assert set(threads(session, "p", names)) == set(names)
        assert lenders(session, "p", [MOMENT + timedelta(seconds=seconds) for seconds in range(70_000)]) == {}
