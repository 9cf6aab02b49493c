"""Versioned facts, the ledger and the chain of events, on a real database."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from app.db import audit, facts
from app.db.ledger import begin_recording, contract_changed, last_recorded, ledger, open_ledger
from app.db.session import TenantSession, act_as, open_session
from app.db.tenancy import NOBODY, Tenant
from app.kernel.actors import EVERY, MACHINE
from app.kernel.events import event_digest
from app.kernel.moments import TICK
from app.kernel.months import Month
from app.kernel.refusals import NotFound
from app.programmes.domain import Requirement, Site
from app.programmes.store import REQUIREMENTS, SITES, requirements, sites
from tests.support.databases import Database

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
WHOLE = Tenant(programme="p", subcontract=EVERY, commissioner=EVERY)


def opened(database: Database, tenant: Tenant = WHOLE) -> TenantSession:
    session = open_session(database.engine, tenant)
    open_ledger(session, "p", now=NOON)
    return session


def lines(*codes: str) -> list[Site]:
    return [Site(code=code, name=code.title()) for code in codes]


def bring(session: TenantSession, *wanted: Site, now: datetime = NOON) -> facts.Changes:
    recording = begin_recording(session, "p", actor=MACHINE, now=now, contract=True)
    changes = facts.bring_to(session, SITES, recording, facts.rows_of(SITES, wanted), programme="p")
    session.commit()
    return changes


def test_a_change_closes_the_old_version_and_adds_a_new_one(database: Database) -> None:
    with opened(database) as session:
        assert bring(session, *lines("lung", "breast")).added == (("lung",), ("breast",))
        renamed = Site(code="lung", name="Lungs", from_month=Month.parse("2027-01"))
        changes = bring(session, renamed, *lines("prostate"), now=NOON + timedelta(hours=1))
        assert changes == facts.Changes(added=(("prostate",),), changed=(("lung",),), withdrawn=(("breast",),))
        assert sites(session, "p", as_of=None) == (renamed, *lines("prostate"))
        assert sites(session, "p", as_of=NOON) == tuple(lines("breast", "lung"))
        assert sites(session, "p", as_of=NOON + timedelta(minutes=59)) == tuple(lines("breast", "lung"))
        assert sites(session, "p", as_of=NOON - TICK) == ()
        assert not bring(session, renamed, *lines("prostate"), now=NOON + timedelta(hours=2))


def test_exact_numbers_come_back_exactly(database: Database) -> None:
    line = Requirement.model_validate(
        {"measure": "M", "weight": "0.1", "targets": [{"for": {"site": "x"}, "from_month": "2026-07", "standard": "0.850001"}]}
    )
    with opened(database) as session:
        recording = begin_recording(session, "p", actor=MACHINE, now=NOON)
        facts.bring_to(session, REQUIREMENTS, recording, facts.rows_of(REQUIREMENTS, [line]), programme="p")
        session.commit()
        assert requirements(session, "p", as_of=None) == (line,)
        assert requirements(session, "p", as_of=None)[0].targets[0].standard == Decimal("0.850001")
        assert not facts.difference(REQUIREMENTS, facts.read(session, REQUIREMENTS, "p", as_of=None), facts.rows_of(REQUIREMENTS, [line]))


def test_recorded_moments_rise_even_when_the_clock_stands_still_or_goes_back(database: Database) -> None:
    with opened(database) as session:
        moments = []
        for now in (NOON, NOON, NOON - timedelta(days=1), NOON + timedelta(seconds=1)):
            recording = begin_recording(session, "p", actor=MACHINE, now=now)
            audit.record(session, recording, "tried", subject={"programme": "p"})
            moments.append(recording.at)
            session.commit()
        assert moments == [NOON, NOON + TICK, NOON + 2 * TICK, NOON + timedelta(seconds=1)]
        assert last_recorded(session, "p") == moments[-1]
        assert contract_changed(session, "p") is None


def test_who_waited_for_the_lock_records_no_earlier_than_what_was_read_meanwhile(database: Database) -> None:
    later = NOON + timedelta(seconds=5)
    with opened(database) as session:
        session.commit()
    with open_session(database.engine, WHOLE, clock=lambda: later) as session:
        assert begin_recording(session, "p", actor=MACHINE, now=NOON).at == later


def test_what_is_not_committed_is_rolled_back(database: Database) -> None:
    with opened(database) as session:
        session.commit()
    with open_session(database.engine, WHOLE) as session:
        recording = begin_recording(session, "p", actor=MACHINE, now=NOON)
        facts.add(session, SITES, recording, facts.rows_of(SITES, lines("lung")), programme="p")
    with open_session(database.engine, WHOLE) as session:
        assert sites(session, "p", as_of=None) == ()


def test_the_chain_of_events_holds_together(database: Database) -> None:
    with opened(database) as session:
        session.commit()
    actors = [MACHINE] * 24

    def act(number: int) -> None:
        with open_session(database.engine, WHOLE) as session:
            recording = begin_recording(session, "p", actor=actors[number], now=NOON)
            audit.record(session, recording, "acted", subject={"programme": "p", "number": number})
            session.commit()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(act, range(24)))
    with open_session(database.engine, WHOLE) as session:
        chain = session.execute(select(audit.events).order_by(audit.events.c.sequence)).mappings().all()
        head = session.execute(select(ledger.c.last_event_sha256).where(ledger.c.programme == "p")).scalar_one()
    assert [event["sequence"] for event in chain] == list(range(1, 25))
    assert sorted({event["recorded_at"] for event in chain}) == [event["recorded_at"] for event in chain]
    previous = "0" * 64
    for event in chain:
        assert event["previous_sha256"] == previous
        previous = event_digest(dict(event))
        assert previous == event["sha256"]
    assert head == previous


def test_row_level_security_shows_and_takes_only_what_is_the_tenants(database: Database) -> None:
    with opened(database) as session:
        bring(session, *lines("lung"))
        for stranger in (NOBODY, Tenant(programme="q", subcontract=EVERY), Tenant(programme=EVERY, subcontract=EVERY)):
            act_as(session, stranger)
            assert session.execute(select(func.count()).select_from(SITES.table)).scalar_one() == 0
            session.rollback()
        act_as(session, Tenant(programme="p", subcontract="SC-1"))
        assert sites(session, "p", as_of=None) == tuple(lines("lung"))
        assert requirements(session, "p", as_of=None) == ()
        recording = begin_recording(session, "p", actor=MACHINE, now=NOON)
        with pytest.raises(ProgrammingError, match="row-level security"):
            facts.add(session, SITES, recording, facts.rows_of(SITES, lines("breast")), programme="p")
            session.commit()
        session.rollback()
        act_as(session, Tenant(programme="q", subcontract=EVERY))
        with pytest.raises(NotFound):
            last_recorded(session, "p")


def test_the_application_can_change_no_fact_and_no_event(database: Database) -> None:
    with opened(database) as session:
        bring(session, *lines("lung"))
        for statement in (
            "UPDATE sites SET name = 'x'",
            "DELETE FROM sites",
            "UPDATE events SET action = 'x'",
            "DELETE FROM events",
            "TRUNCATE sites",
        ):
            with pytest.raises(DBAPIError, match="permission denied"):
                session.execute(text(statement))
            session.rollback()


def test_the_tenant_ends_with_its_transaction(database: Database) -> None:
    with opened(database) as session:
        session.commit()
    with database.engine.connect() as connection:
        assert connection.execute(text("SELECT nullif(current_setting('mainstem.programme', true), '')")).scalar_one() is None
