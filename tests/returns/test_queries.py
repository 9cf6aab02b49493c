"""Queries: what each word of a thread leads to, who may say it and who reads it, and that no question moves a figure."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import ProgrammingError

from app.calendar.domain import CalendarDay
from app.calendar.expected import CellKey
from app.calendar.working_days import ENGLAND, calendar_of
from app.db.session import open_session
from app.db.tenancy import Tenant
from app.returns import query_store
from app.returns.queries import (
    MOST_CELLS,
    QUERY_MOVES,
    Origin,
    Query,
    QueryAct,
    QueryClosed,
    QueryState,
    Question,
    due_after,
    is_place,
    moved,
    named_cells,
    overdue_from,
    question_faults,
)
from app.returns.query_schemas import QueriesView, QueryDetailView
from app.returns.query_store import MESSAGES
from tests.returns.conftest import Programme, set_up
from tests.returns.programme import CWT, HOSPICE, MONTH, PROGRAMME, RETURNS, address, cwt_body, hospice_body
from tests.returns.test_api import has_shape
from tests.support.databases import Database

AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
ALL_QUERIES = f"/v1/programmes/{PROGRAMME}/queries"


def a_query(state: QueryState = QueryState.OPEN, due_on: date = date(2026, 11, 9)) -> Query:
    return Query(CWT, 1, state, Origin.REVIEW, 1, (), due_on, AT, "c", "Why?")


def test_what_each_act_leads_to() -> None:
    open_, answered, closed = QueryState
    asked, says, settled, withdrawn = QueryAct
    after = {asked: open_, says: answered, settled: closed, withdrawn: closed}
    assert {open_: after, answered: after, closed: {}} == QUERY_MOVES
    for act in QueryAct:
        assert moved(a_query(), act) == after[act]
        with pytest.raises(QueryClosed, match="is closed"):
            moved(a_query(closed), act)


def test_an_answer_is_due_in_five_working_days_of_london() -> None:
    assert due_after(AT, ENGLAND) == date(2026, 11, 9)
    # Half past midnight of Friday in London is still Thursday in UTC; Easter takes two days.
    assert due_after(datetime(2027, 3, 25, 0, 30, tzinfo=UTC), ENGLAND) == date(2027, 4, 5)
    assert due_after(datetime(2026, 7, 2, 23, 30, tzinfo=UTC), ENGLAND) == date(2026, 7, 10)
    proclaimed = calendar_of([CalendarDay(day=date(2026, 11, 5), worked=False, name="A day of mourning")])
    assert due_after(AT, proclaimed) == date(2026, 11, 10)


def test_an_answer_is_overdue_from_londons_next_midnight() -> None:
    for due_on, instant in (
        (date(2026, 11, 9), datetime(2026, 11, 10, tzinfo=UTC)),
        (date(2026, 7, 9), datetime(2026, 7, 9, 23, tzinfo=UTC)),
    ):
        assert overdue_from(due_on) == instant
        assert not a_query(due_on=due_on).is_overdue(instant - timedelta(microseconds=1))
        assert a_query(due_on=due_on).is_overdue(instant)
        assert not a_query(QueryState.ANSWERED, due_on).is_overdue(instant)


CELLS = [CellKey("p", "s", measure, site, "05W", "all") for measure in ("A", "B") for site in ("lung", "skin")]


def test_cells_are_named_by_some_of_their_parts() -> None:
    assert named_cells([], CELLS) == ()
    assert named_cells([{"measure": "B", "site": "skin"}], CELLS) == (CELLS[3],)
    assert named_cells([{"site": "skin"}, {"measure": "B"}], CELLS) == (CELLS[1], CELLS[2], CELLS[3])


@pytest.mark.parametrize(
    ("question", "found"),
    [
        (Question("?"), []),
        (Question("?", 2, ({"measure": "A"},), date(2026, 11, 2)), []),
        (Question("?", 3, ({"measure": "C"},)), [("unknown_revision", "/revision"), ("unknown_cell", "/cells/0")]),
        (Question("?", None, ({"measure": "A"}, {"measure": "C"})), [("unknown_cell", "/cells/1")]),
        (Question("?", 1, ({"measure": "C"},), date(2026, 11, 1)), [("unknown_cell", "/cells/0"), ("due_on", "/due_on")]),
        (Question("?", due_on=date(2027, 11, 4)), [("due_on", "/due_on")]),
    ],
)
def test_everything_that_keeps_a_question_from_being_asked(question: Question, found: list[tuple[str, str]]) -> None:
    faults = question_faults(question, latest_revision=2, stated=CELLS, at=AT)
    assert [(fault.code, fault.pointer) for fault in faults] == found


def test_a_query_names_no_more_cells_than_can_be_read() -> None:
    stated = [CellKey("p", "s", "A", f"site-{number}", "05W", "all") for number in range(MOST_CELLS + 1)]
    (fault,) = question_faults(Question("?", cells=({"measure": "A"},)), latest_revision=1, stated=stated, at=AT)
    assert (fault.code, fault.pointer) == ("too_many_cells", "/cells")


@pytest.mark.parametrize(("day", "month", "good"), [("2026-11-09", 24000, True), ("soon", 1, False), ("2026-11-09", 2**31, False)])
def test_a_cursor_that_was_made_up_is_no_place(day: str, month: int, good: bool) -> None:
    assert is_place(day, month, 1) is good


@pytest.fixture(scope="module")
def shared(module_database: Database) -> Iterator[Programme]:
    with set_up(module_database) as programme:
        yield programme


def post(programme: Programme, path: str, body: Any, *, by: str) -> httpx.Response:
    return programme.web.post(path, body, key=by)


def ask(programme: Programme, key: Any, *, by: str | None = None, **body: Any) -> httpx.Response:
    return post(programme, f"{address(key)}/queries", {"text": "Is this right?", **body}, by=by or programme.manager())


def month_of(number: int) -> Any:
    """Each test has a month of its own."""
    return CWT._replace(month=MONTH.plus(-number)), HOSPICE._replace(month=MONTH.plus(-number))


def test_a_query_is_asked_answered_asked_further_and_settled(shared: Programme) -> None:
    cwt, _ = month_of(0)
    preparer, approver = shared.preparer("SC-RJE"), shared.key("approver", subcontract="SC-RJE")
    assert ask(shared, cwt).json()["code"] == "wrong_status"
    shared.submit(cwt, cwt_body())
    shared.accept(cwt)
    made = ask(shared, cwt, cells=[{"measure": "CWT-62", "site": "lung", "commissioner": "05W", "category": "urgent"}])
    first = has_shape(made, QueryDetailView, 201)
    own = f"{address(cwt)}/queries/1"
    assert made.headers["Location"] == first["links"]["self"] == own
    assert (first["query"], first["state"], first["origin"], first["revision"], first["due_on"]) == (1, "open", "review", 1, "2026-11-09")
    assert [(cell["pathway"], cell["measure"], cell["category"]) for cell in first["cells"]] == [("cancer", "CWT-62", "urgent")]
    stands = shared.read(cwt).json()
    assert (stands["status"], stands["accepted_revision"], stands["current"]["revision"]) == ("queried", 1, 1)
    assert post(shared, f"{own}/answer", {"text": "It is."}, by=shared.manager()).status_code == 403
    answered = has_shape(post(shared, f"{own}/answer", {"text": " It is. "}, by=preparer), QueryDetailView)
    assert answered["state"] == "answered"
    shared.clock.now = AT + timedelta(days=1)
    further = post(shared, f"{own}/follow-up", {"text": "And why?"}, by=shared.manager()).json()
    assert (further["state"], further["due_on"]) == ("open", "2026-11-10")
    later = post(shared, f"{own}/follow-up", {"text": "Take until Friday.", "due_on": "2026-11-13"}, by=shared.manager()).json()
    assert (later["state"], later["due_on"]) == ("open", "2026-11-13")
    for text in ("A second theatre.", "Since the 5th."):
        assert post(shared, f"{own}/answer", {"text": text}, by=approver).status_code == 200
    settled = has_shape(post(shared, f"{own}/closing", {"outcome": "settled", "text": "Thanks."}, by=shared.manager()), QueryDetailView)
    assert settled["state"] == "closed"
    assert [(each["act"], each["party"], each["text"]) for each in settled["thread"]] == [
        ("asked", "integrator", "Is this right?"),
        ("answered", "subcontract", "It is."),
        ("asked", "integrator", "And why?"),
        ("asked", "integrator", "Take until Friday."),
        ("answered", "subcontract", "A second theatre."),
        ("answered", "subcontract", "Since the 5th."),
        ("settled", "integrator", "Thanks."),
    ]
    for path, body, by in (("answer", {"text": "But"}, preparer), ("follow-up", {"text": "But"}, shared.manager())):
        assert post(shared, f"{own}/{path}", body, by=by).json()["code"] == "query_closed"
    # What is settled is a question; the figures are accepted by acceptance.
    assert shared.read(cwt).json()["status"] == "queried"
    assert shared.accept(cwt, revision=1).json()["status"] == "accepted"
    then = shared.web.get(f"{own}?as_of=2026-11-02T23:00:00Z", key=preparer).json()
    assert (then["state"], len(then["thread"]), then["due_on"]) == ("answered", 2, "2026-11-09")
    assert shared.web.get(f"{own}?as_of=2026-11-02T08:00:00Z", key=preparer).status_code == 404


def test_a_resubmission_and_an_acceptance_leave_a_query_open(shared: Programme) -> None:
    _, hospice = month_of(1)
    shared.submit(hospice, hospice_body())
    assert ask(shared, hospice).status_code == 201
    assert ask(shared, hospice, text="And this?", revision=1).json()["query"] == 2
    assert shared.submit(hospice, {**hospice_body(), "note": "corrected"}).json()["status"] == "submitted"
    assert shared.accept(hospice).json()["status"] == "accepted"
    listed = shared.web.get(f"{address(hospice)}/queries?open=true", key=shared.preparer("SC-H9901"))
    assert [(each["query"], each["state"], each["revision"]) for each in has_shape(listed, QueriesView)["queries"]] == [
        (1, "open", 1),
        (2, "open", 1),
    ]
    assert ask(shared, hospice, revision=3).json()["errors"][0]["code"] == "unknown_revision"


def test_who_may_say_what_and_others_see_nothing(shared: Programme) -> None:
    cwt, _ = month_of(2)
    preparer, stranger, manager = shared.preparer("SC-RJE"), shared.preparer("SC-RL4"), shared.manager()
    shared.submit(cwt, cwt_body())
    for by in (preparer, shared.key("approver", subcontract="SC-RJE"), shared.key("analyst"), shared.key("auditor"), shared.key("finance")):
        assert ask(shared, cwt, by=by).status_code == 403
    assert ask(shared, cwt).status_code == 201
    own, absent = f"{address(cwt)}/queries", f"{address(cwt._replace(subcontract='SC-NONE'))}/queries"
    answer, closing = {"text": "Yes."}, {"outcome": "withdrawn", "text": "Mistaken."}
    told = []
    for path in (own, absent):
        answers = [
            shared.web.get(path, key=stranger),
            shared.web.get(f"{path}/1", key=stranger),
            ask(shared, cwt._replace(subcontract=path.split("/")[6]), by=stranger),
            post(shared, f"{path}/1/answer", answer, by=stranger),
            post(shared, f"{path}/1/follow-up", answer, by=stranger),
            post(shared, f"{path}/1/closing", closing, by=stranger),
        ]
        assert {each.status_code for each in answers[1:]} == {404}
        told.append([{name: part for name, part in each.json().items() if name != "instance"} for each in answers])
    assert told[0] == told[1]
    assert told[0][0]["queries"] == []
    assert shared.web.get(f"{own}/2", key=preparer).status_code == 404
    assert post(shared, f"{own}/1/closing", closing, by=preparer).status_code == 403
    assert shared.web.get(own, key=shared.key("commissioner", commissioner="QNC")).status_code == 403
    assert shared.web.get(f"{own}/1", key=shared.key("analyst")).status_code == 200
    assert post(shared, f"{own}/1/closing", closing, by=manager).json()["thread"][-1]["act"] == "withdrawn"


def test_a_question_names_no_patient_and_is_told_everything_that_is_wrong(shared: Programme) -> None:
    _, hospice = month_of(0)
    shared.submit(hospice, hospice_body())
    before = shared.rows()
    refused = ask(shared, hospice, text="Is 943 476 5919 in it?", revision=0, cells=[{"site": "lung"}], due_on="soon", more=1)
    assert [(error["code"], error["pointer"]) for error in refused.json()["errors"]] == [
        ("patient_identifier", "/text"),
        ("out_of_range", "/revision"),
        ("missing", "/cells/0/measure"),
        ("day", "/due_on"),
        ("unknown_member", "/more"),
    ]
    assert "943" not in refused.text
    assert ask(shared, hospice, text=" " * 3).status_code == 422
    assert ask(shared, hospice, text="a" * 501).status_code == 422
    refused = ask(shared, hospice, cells=[{"measure": "CWT-62"}], due_on="2026-11-01")
    assert [error["code"] for error in refused.json()["errors"]] == ["unknown_cell", "due_on"]
    # What is wrong with its shape hides nothing else.
    cells = [{"measure": "CWT-62"}, {"measure": "E-BEDOCC", "more": 1}, {"measure": "NONE"}, 3]
    refused = ask(shared, hospice, text="", revision=9, cells=cells, due_on="2026-11-01")
    assert [(error["code"], error["pointer"]) for error in refused.json()["errors"]] == [
        ("too_short", "/text"),
        ("unknown_member", "/cells/1/more"),
        ("wrong_type", "/cells/3"),
        ("unknown_revision", "/revision"),
        ("unknown_cell", "/cells/0"),
        ("unknown_cell", "/cells/2"),
        ("due_on", "/due_on"),
    ]
    assert shared.rows() == before
    assert ask(shared, hospice, text="Why?").status_code == 201
    own = f"{address(hospice)}/queries/1/follow-up"
    refused = post(shared, own, {"text": "", "due_on": "2026-11-01"}, by=shared.manager())
    assert [(error["code"], error["pointer"]) for error in refused.json()["errors"]] == [("too_short", "/text"), ("due_on", "/due_on")]


def test_the_analysts_list_is_by_the_day_that_answers_are_due(programme: Programme) -> None:
    rl4 = CWT._replace(subcontract="SC-RL4")
    for key, body in ((CWT, cwt_body()), (rl4, cwt_body()), (HOSPICE, hospice_body())):
        programme.submit(key, body)
    for key, due_on in ((HOSPICE, None), (CWT, "2026-11-05"), (rl4, "2026-11-04"), (CWT, "2026-11-20")):
        assert ask(programme, key, **({"due_on": due_on} if due_on else {})).status_code == 201
    manager, mine = programme.manager(), programme.preparer("SC-RJE")

    def listed(query: str = "", by: str = manager) -> list[tuple[str, str, bool]]:
        page = has_shape(programme.web.get(f"{ALL_QUERIES}{query}", key=by), QueriesView)
        return [(each["subcontract"], each["due_on"], each["overdue"]) for each in page["queries"]]

    everything = [
        ("SC-RL4", "2026-11-04", False),
        ("SC-RJE", "2026-11-05", False),
        ("SC-H9901", "2026-11-09", False),
        ("SC-RJE", "2026-11-20", False),
    ]
    assert listed() == everything
    assert listed(by=mine) == [everything[1], everything[3]]
    assert listed("?subcontract=SC-RJE", by=programme.preparer("SC-RL4")) == []
    assert listed("?collection=hospice&month=2026-10&open=true&state=open") == [everything[2]]
    assert listed("?month=2026-09") == listed("?state=closed") == listed("?open=false") == []
    seen, query = [], "?limit=1"
    while query:
        page = programme.web.get(f"{ALL_QUERIES}{query}", key=manager).json()
        seen += [each["due_on"] for each in page["queries"]]
        query = f"?limit=1&cursor={page['next']}" if page["next"] else ""
    assert seen == [due_on for _, due_on, _ in everything]
    # The clock alone makes an answer overdue: no act, no deadline of a return has passed since.
    programme.clock.now = datetime(2026, 11, 5, 23, 59, 59, 999_999, tzinfo=UTC)
    assert [row[:2] for row in listed("?overdue=true")] == [row[:2] for row in everything[:1]]
    programme.clock.now += timedelta(microseconds=1)
    assert [row[:2] for row in listed("?overdue=true")] == [row[:2] for row in everything[:2]]
    assert programme.web.get(ALL_QUERIES, key=manager).json()["as_of"] == "2026-11-06T00:00:00.000000Z"
    assert programme.web.get(ALL_QUERIES, key=mine).json()["as_of"] is None
    assert len(listed("?overdue=false")) == 2
    assert listed("?overdue=true&as_of=2026-11-04T12:00:00Z") == []
    assert post(programme, f"{address(rl4)}/queries/1/answer", {"text": "Yes."}, by=programme.preparer("SC-RL4")).status_code == 200
    assert [row[0] for row in listed("?overdue=true")] == ["SC-RJE"]
    assert programme.web.get(f"{ALL_QUERIES}?cursor=nonsense", key=manager).json()["code"] == "bad_cursor"
    assert programme.web.get(f"{ALL_QUERIES}?unasked=1", key=manager).status_code == 422
    assert programme.web.get(ALL_QUERIES).status_code == 401


def test_a_successor_reads_the_queries_of_its_predecessor_and_says_nothing(shared: Programme) -> None:
    cwt = month_of(2)[0]._replace(subcontract="SC-RL4")
    shared.submit(cwt, cwt_body())
    ask(shared, cwt)
    heir = Tenant(programme=PROGRAMME, subcontract="SC-H9901", inherited_subcontracts=("SC-RL4",))
    with open_session(shared.database.engine, heir) as session:
        assert session.execute(select(MESSAGES.c.text).where(MESSAGES.c.subcontract == "SC-RL4")).all() == [("Is this right?",)]
        assert query_store.find(session, PROGRAMME, cwt, 1) is not None
        with pytest.raises(ProgrammingError, match="row-level security"):
            session.execute(
                insert(MESSAGES).from_select(list(MESSAGES.c.keys()), select(MESSAGES).where(MESSAGES.c.subcontract == "SC-RL4"))
            )
    with open_session(shared.database.engine, replace(heir, inherited_subcontracts=())) as session:
        assert query_store.find(session, PROGRAMME, cwt, 1) is None


def test_a_list_of_another_cursor(shared: Programme) -> None:
    cursor = shared.web.get(f"{RETURNS}?limit=1", key=shared.manager()).json()["next"]
    assert shared.web.get(f"{ALL_QUERIES}?cursor={cursor}", key=shared.manager()).json()["code"] == "bad_cursor"
