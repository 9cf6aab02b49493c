"""What the database itself refuses of assignments, also from sessions that ask nobody: doubles, and shares above 100."""

from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from tests.support.databases import Database

INSERT = text(
    "INSERT INTO assignments (programme, subcontract, pathway, segment, site, commissioner, from_month, to_month, line, every_site,"
    " every_commissioner, share, other_reporter, recorded_at, recorded_by)"
    " VALUES ('p', :subcontract, 'cancer', 'treatment', :site, '05W', :from_month, :to_month, 'x', false, false, :share, :reporter, :at, 'c')"
)
AT = datetime(2026, 6, 1, tzinfo=UTC)


def fact(
    subcontract: str, share: int | None, *, first: int = 100, last: int | None = None, reporter: str | None = None, site: str = "lung"
) -> dict[str, object]:
    return {"subcontract": subcontract, "share": share, "site": site, "from_month": first, "to_month": last, "reporter": reporter, "at": AT}


def add(engine: Engine, *facts: dict[str, object]) -> None:
    with engine.begin() as connection:
        connection.execute(text("SELECT set_config('mainstem.programme', 'p', true), set_config('mainstem.subcontract', '*', true)"))
        for each in facts:
            connection.execute(INSERT, each)


def refused(engine: Engine, *facts: dict[str, object]) -> str:
    with pytest.raises(IntegrityError) as caught:
        add(engine, *facts)
    name: str | None = caught.value.orig.diag.constraint_name  # type: ignore[union-attr]  # psycopg's own error
    return name or ""


def test_one_place_is_held_and_reported_once_in_a_month(database: Database) -> None:
    add(database.engine, fact("SC-1", None, last=110))
    assert refused(database.engine, fact("SC-1", None, first=105)) == "assignments_once"
    # One reporter: whoever else should report it cannot be written beside it.
    assert refused(database.engine, fact("SC-1", None, first=110, reporter="SC-2")) == "assignments_once"
    assert refused(database.engine, fact("SC-1", None, first=111, reporter="SC-1")) == "assignments_reporter"
    add(database.engine, fact("SC-1", None, first=111, reporter="SC-2"), fact("SC-2", None))


def test_shares_of_a_place_and_month_never_pass_100(database: Database) -> None:
    add(database.engine, fact("SC-1", 60, last=110), fact("SC-2", 40), fact("SC-3", None))
    assert refused(database.engine, fact("SC-4", 1, first=90, last=100)) == "assignments_share_sums"
    add(database.engine, fact("SC-4", 60, first=111), fact("SC-5", 60, first=90, last=99))
    assert refused(database.engine, fact("SC-6", 101, first=200)) == "assignments_share"


def test_shares_of_a_wider_site_count_at_its_parts_while_both_are_in_scope(database: Database) -> None:
    with database.superuser_engine.begin() as connection:
        site = text(
            "INSERT INTO sites (programme, code, name, parent, to_month, recorded_at, recorded_by) VALUES ('p', :code, 'x', :up, :last, :at, 'c')"
        )
        for code, up, last in (("wide", None, None), ("part", "wide", None), ("retired", "part", 120)):
            connection.execute(site, {"code": code, "up": up, "last": last, "at": AT})
    add(database.engine, fact("SC-1", 60, site="part"), fact("SC-1", 60, site="wide", first=50, last=99))
    for crossing in (fact("SC-2", 41, site="wide"), fact("SC-2", 41, site="retired", last=121)):
        assert refused(database.engine, crossing) == "assignments_share_sums"
    add(
        database.engine,
        fact("SC-2", 40, site="wide"),
        fact("SC-3", 60, site="retired", first=121),
        fact("SC-1", 60, site="retired", first=130),
    )


def test_a_closed_share_counts_no_more_and_cannot_come_back(database: Database) -> None:
    add(database.engine, fact("SC-1", 60))
    with database.superuser_engine.begin() as connection:
        connection.execute(text("UPDATE assignments SET closed_at = recorded_at + interval '1 second', closed_by = 'c'"))
    add(database.engine, fact("SC-2", 60))
    with pytest.raises(IntegrityError, match="pass 100"), database.superuser_engine.begin() as connection:
        connection.execute(text("UPDATE assignments SET closed_at = NULL, closed_by = NULL"))


def test_of_two_who_assign_at_once_one_is_refused(database: Database) -> None:
    """Neither session sees the other's row before it commits: the lock lets the second look only then."""
    with database.superuser_engine.connect() as first, ThreadPoolExecutor(1) as pool:
        with first.begin():
            first.execute(INSERT, fact("SC-1", 60))
            second: Future[None] = pool.submit(add, database.engine, fact("SC-2", 60))
            waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database()")
            # A transaction would see the same activity again and again.
            with database.superuser_engine.execution_options(isolation_level="AUTOCOMMIT").connect() as watcher:
                while not watcher.execute(waiting).scalar_one():
                    assert not second.done()
        with pytest.raises(IntegrityError, match="pass 100"):
            second.result(timeout=30)
    with database.superuser_engine.connect() as connection:
        assert connection.execute(text("SELECT sum(share) FROM assignments")).scalar_one() == 60
