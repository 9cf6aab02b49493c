"""What two subcontracts say of the same patients: compared as values, and over HTTP as both of them and the integrator see it."""

import copy
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.calendar.expected import ReturnKey
from app.db.ledger import hold_ledger
from app.db.session import open_session
from app.db.tenancy import Tenant
from app.kernel.actors import MACHINE
from app.kernel.months import Month
from app.pathways.domain import Handover, HandoverEnd, Tolerance
from app.returns.handover_actions import compare_month
from app.returns.handovers import Comparison, Pair, Stated, pairs, questions
from tests.make import contract
from tests.returns.conftest import Programme, set_up
from tests.returns.programme import MONTH, PROGRAMME, address, whole_document
from tests.support.databases import Database

TRUSTS: Final = ("SC-RJE", "SC-RL4")
COMPARISONS: Final = f"/v1/programmes/{PROGRAMME}/handover-comparisons"
SENT: Final = {"pathway": "cancer", "segment": "diagnosis", "measure": "H-OUT"}
RECEIVED: Final = {"pathway": "cancer", "segment": "treatment", "measure": "H-IN"}
HANDOVER: Final[dict[str, Any]] = {"sent": SENT, "received": RECEIVED, "tolerance": 1}


def measure(code: str, **more: Any) -> dict[str, Any]:
    categories = [{"code": reference} for reference in (*TRUSTS, "elsewhere")]
    line = {"code": code, "name": code, "aggregation": "count_sum", "numerator": "Patients", "split_by": ["site"]}
    return {**line, "breakdown": {"code": "counterparty", "categories": categories}, **more}


def document(**more: Any) -> dict[str, Any]:
    """The whole programme, whose two trusts hand patients over to each other and say so in a collection of its own."""
    base = copy.deepcopy(whole_document())
    segments = {segment["code"]: segment for segment in base["pathways"][0]["segments"]}
    segments["diagnosis"]["measures"].append("H-OUT")
    segments["treatment"]["measures"].append("H-IN")
    base["measures"] += [measure("H-OUT"), measure("H-IN")]
    base["collections"].append({"code": "flow", "name": "Handovers", "measures": ["H-OUT", "H-IN"], "due": {"working_day": 10}})
    return {**base, "handovers": [HANDOVER], **more}


ENDS: Final = {"sent": HandoverEnd(**SENT), "received": HandoverEnd(**RECEIVED)}


def compared(sent: Decimal, received: Decimal, tolerance: Tolerance) -> Comparison:
    found = next(pairs(contract(**document()), MONTH))
    handover = Handover(code="on", tolerance=tolerance, **ENDS)
    return Comparison(Pair(handover, MONTH, found.sent, found.received), Stated(1, sent), Stated(2, received))


@pytest.mark.parametrize(
    ("sent", "received", "tolerance", "state"),
    [
        (10, 10, Tolerance(), "within"),
        (10, 11, Tolerance(), "beyond"),
        (10, 11, Tolerance(absolute=Decimal(1)), "within"),
        (10, 12, Tolerance(absolute=Decimal(1)), "beyond"),
        (90, 100, Tolerance(relative=Decimal("0.1")), "within"),
        (89, 100, Tolerance(relative=Decimal("0.1")), "beyond"),
        (0, 1, Tolerance(absolute=Decimal(1), relative=Decimal("0.01")), "within"),
        (0, 0, Tolerance(), "within"),
    ],
)
def test_what_lies_within_a_tolerance(sent: int, received: int, tolerance: Tolerance, state: str) -> None:
    assert compared(Decimal(sent), Decimal(received), tolerance).state == state
    assert compared(Decimal(received), Decimal(sent), tolerance).state == state


half_units = st.integers(0, 400).map(lambda halves: Decimal(halves) / 2)
tolerances = st.builds(Tolerance, absolute=st.integers(0, 5).map(Decimal), relative=st.sampled_from(["0", "0.05", "0.5", "1"]).map(Decimal))


@settings(max_examples=60)
@given(half_units, half_units, tolerances)
def test_the_order_of_two_ends_is_irrelevant_and_own_and_difference_make_the_other(
    sent: Decimal, received: Decimal, tolerance: Tolerance
) -> None:
    there, back = compared(sent, received, tolerance), compared(received, sent, tolerance)
    assert there.state == back.state
    assert there.difference is not None
    assert back.difference == -there.difference
    assert sent + there.difference == received
    if there.state == "beyond":
        to_sender, to_receiver = questions(there)
        assert f"you report {sent}, " in to_sender.text
        assert f"you report {received}, " in to_receiver.text
        sign = 1 if sent > received else -1
        assert f" {abs(there.difference)} {'more' if sign > 0 else 'fewer'} than" in to_sender.text
        assert f" {abs(there.difference)} {'fewer' if sign > 0 else 'more'} than" in to_receiver.text


def test_each_pair_is_compared_both_ways_and_nobody_with_itself() -> None:
    found = [(pair.sender, pair.receiver) for pair in pairs(contract(**document()), MONTH)]
    assert found == [("SC-RJE", "SC-RL4"), ("SC-RL4", "SC-RJE")]
    assert [pair.sender for pair in pairs(contract(**document()), MONTH, about="SC-H9901")] == []
    assert len(list(pairs(contract(**document()), MONTH, about="SC-RJE"))) == 2


def test_a_handover_without_a_code_is_named_by_its_two_ends() -> None:
    one, other = Handover.model_validate(HANDOVER), Handover.model_validate({**HANDOVER, "tolerance": {"relative": "0.1"}})
    assert one.code == other.code
    assert Handover.model_validate(one.model_dump()) == one
    assert Handover.model_validate({"sent": RECEIVED, "received": SENT}).code != one.code


@pytest.fixture(scope="module")
def judged(module_database: Database) -> Iterator[Programme]:
    with set_up(module_database) as programme:
        assert programme.apply(document()).status_code == 200
        programme.clock.now += timedelta(hours=1)
        yield programme


def flow(subcontract: str, month: Month = MONTH) -> ReturnKey:
    return ReturnKey("flow", subcontract, month)


def body(other: str, *, sent: int, received: int) -> dict[str, Any]:
    cells = [
        {"measure": code, "site": "lung", "category": other, "numerator": figure} for code, figure in (("H-OUT", sent), ("H-IN", received))
    ]
    return {"rest": "zero", "cells": cells}


def told(programme: Programme, month: Month = MONTH, query: str = "") -> dict[tuple[str, str], dict[str, Any]]:
    answer = programme.web.get(f"{COMPARISONS}?month={month}{query}", key=programme.manager())
    assert answer.status_code == 200, answer.text
    return {(row["sender"], row["receiver"]): row for row in answer.json()["comparisons"]}


def unasked(programme: Programme, month: Month) -> int:
    return int(programme.web.get(f"{COMPARISONS}?month={month}&limit=1", key=programme.manager()).json()["unasked"])


def compare(programme: Programme, month: Month = MONTH) -> dict[str, Any]:
    answer = programme.web.post(COMPARISONS, {"month": str(month)}, key=programme.manager())
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def asked(programme: Programme, subcontract: str, month: Month = MONTH) -> list[dict[str, Any]]:
    """The queries of a return, as its own preparer reads them."""
    found: list[dict[str, Any]] = programme.web.get(
        f"/v1/programmes/{PROGRAMME}/queries?subcontract={subcontract}&month={month}", key=programme.preparer(subcontract)
    ).json()["queries"]
    return sorted(found, key=lambda query: query["query"])


def test_a_month_of_two_trusts_and_the_integrator(judged: Programme) -> None:
    rje, rl4 = flow("SC-RJE"), flow("SC-RL4")
    first = judged.submit(rje, body("SC-RL4", sent=14, received=5))
    assert first.status_code == 201, first.text
    there, back = ("SC-RJE", "SC-RL4"), ("SC-RL4", "SC-RJE")
    assert {row["state"] for row in told(judged).values()} == {"awaited"}
    assert judged.accept(rje).json()["status"] == "accepted"
    second = judged.submit(rl4, body("SC-RJE", sent=6, received=11))
    # The second receipt says nothing of the first return, and neither is asked before the integrator acts.
    assert {**second.json(), "return": None}.keys() == {**first.json(), "return": None}.keys()
    assert (second.json()["status"], second.json()["warnings"]) == ("submitted", [])
    assert asked(judged, "SC-RJE") == asked(judged, "SC-RL4") == []
    accepted = judged.accept(rl4)
    assert (accepted.json()["status"], accepted.json()["accepted_revision"]) == ("queried", 1)
    row = told(judged)[there]
    assert (row["sent"], row["received"], row["difference"], row["state"]) == (14, 11, -3, "beyond")
    assert (row["sender_query"], row["receiver_query"]) == (1, 1)
    assert (told(judged)[back]["state"], told(judged)[back]["sender_query"]) == ("within", None)
    mine, theirs = asked(judged, "SC-RJE"), asked(judged, "SC-RL4")
    assert len(mine) == len(theirs) == 1
    assert "you report 14, 3 more than they do" in mine[0]["text"]
    assert "11" not in mine[0]["text"]
    assert "you report 11, 3 fewer than they do" in theirs[0]["text"]
    assert "14" not in theirs[0]["text"]
    assert {(each["origin"], each["state"]) for each in (*mine, *theirs)} == {("comparison", "open")}


def test_comparing_again_asks_nothing_twice_and_another_difference_is_asked_anew(judged: Programme) -> None:
    month = Month.parse("2026-09")
    for key, other, figures in ((flow("SC-RJE", month), "SC-RL4", (9, 0)), (flow("SC-RL4", month), "SC-RJE", (0, 4))):
        assert judged.submit(key, body(other, sent=figures[0], received=figures[1])).status_code == 201
    # Nobody has compared yet: the difference is there to be read, and that nobody was asked about it.
    assert (told(judged, month)["SC-RJE", "SC-RL4"]["state"], unasked(judged, month)) == ("beyond", 1)
    assert compare(judged, month) == {
        "month": "2026-09",
        "awaited": 0,
        "not_stated": 0,
        "within": 1,
        "beyond": 1,
        "raised": 1,
        "settled": 0,
    }
    assert unasked(judged, month) == 0
    again = compare(judged, month)
    assert (again["beyond"], again["raised"]) == (1, 0)
    rows = judged.rows()
    compare(judged, month)
    changed = {table for table, number in judged.rows().items() if number != rows[table]}
    assert changed <= {"events"}
    # One of the two corrects its figure, and differs still: what was asked is withdrawn, and asked of the difference that there is.
    assert judged.submit(flow("SC-RJE", month), body("SC-RL4", sent=7, received=0)).status_code == 201
    assert compare(judged, month)["raised"] == 1
    assert [query["state"] for query in asked(judged, "SC-RJE", month)] == ["closed", "open"]
    assert told(judged, month)["SC-RJE", "SC-RL4"]["sender_query"] == 2
    # The other does, and is near enough: settled for both.
    assert judged.submit(flow("SC-RL4", month), body("SC-RJE", sent=0, received=6)).status_code == 201
    settled = compare(judged, month)
    assert (settled["within"], settled["settled"], settled["raised"]) == (2, 1, 0)
    for trust in TRUSTS:
        assert [query["state"] for query in asked(judged, trust, month)] == ["closed", "closed"]
    assert told(judged, month)["SC-RJE", "SC-RL4"]["sender_query"] is None
    assert compare(judged, month)["settled"] == 0


def test_what_has_no_value_is_not_compared(judged: Programme) -> None:
    month = Month.parse("2026-08")
    assert judged.submit(flow("SC-RJE", month), {"nil": True, "reason": "no_service"}).status_code == 201
    assert judged.submit(flow("SC-RL4", month), body("SC-RJE", sent=0, received=4)).status_code == 201
    assert compare(judged, month) == {
        "month": "2026-08",
        "awaited": 0,
        "not_stated": 2,
        "within": 0,
        "beyond": 0,
        "raised": 0,
        "settled": 0,
    }
    row = told(judged, month)["SC-RL4", "SC-RJE"]
    assert (row["sent"], row["received"], row["difference"]) == (0, None, None)


def test_a_subcontract_learns_nothing_of_the_other(judged: Programme) -> None:
    own = judged.preparer("SC-RJE")
    for answer in (
        judged.web.get(f"{COMPARISONS}?month={MONTH}", key=own),
        judged.web.post(COMPARISONS, {"month": str(MONTH)}, key=own),
        judged.web.get(f"/v1/programmes/{PROGRAMME}/handovers", key=own),
    ):
        assert answer.status_code == 403
    assert judged.web.get(f"{COMPARISONS}?month={MONTH}").status_code == 401
    assert judged.web.post(COMPARISONS, {"month": str(MONTH)}).status_code == 401
    elsewhere = COMPARISONS.replace(PROGRAMME, "other")
    assert judged.web.get(f"{elsewhere}?month={MONTH}", key=judged.manager()).status_code == 404
    assert judged.web.post(COMPARISONS, {"month": str(MONTH)}, key=judged.key("analyst")).status_code == 403


def test_pages_and_moments(judged: Programme) -> None:
    page = judged.web.get(f"{COMPARISONS}?month={MONTH}&limit=1", key=judged.manager()).json()
    rest = judged.web.get(f"{COMPARISONS}?month={MONTH}&limit=1&cursor={page['next']}", key=judged.manager()).json()
    assert [row["sender"] for row in (*page["comparisons"], *rest["comparisons"])] == ["SC-RJE", "SC-RL4"]
    assert rest["next"] is None
    assert judged.web.get(f"{COMPARISONS}?month={MONTH}&cursor=x", key=judged.manager()).status_code == 422
    assert judged.web.get(COMPARISONS, key=judged.manager()).status_code == 422


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"sent": {**SENT, "segment": "none"}}, ("unknown_segment", "/handovers/0/sent/segment")),
        ({"received": {**RECEIVED, "measure": "H-OUT"}}, ("not_collected", "/handovers/0/received/measure")),
        ({"sent": {**SENT, "measure": "CWT-FDS"}}, ("no_counterparty", "/handovers/0/sent/measure")),
        ({"tolerance": -1}, ("tolerance", "/handovers/0/tolerance")),
        ({"tolerance": {"relative": "1.5"}}, ("tolerance", "/handovers/0/tolerance/relative")),
        ({"sent": {"pathway": "cancer"}}, ("missing", "/handovers/0/sent/segment")),
    ],
)
def test_a_handover_names_what_can_be_compared(judged: Programme, changed: dict[str, Any], fault: tuple[str, str]) -> None:
    refused = judged.apply(document(handovers=[{**HANDOVER, **changed}]))
    assert refused.status_code == 422
    assert fault in [(each["code"], each["pointer"]) for each in refused.json()["errors"]]


def test_the_document_keeps_its_handovers_in_one_normal_form(judged: Programme) -> None:
    address = f"/v1/programmes/{PROGRAMME}/configuration"
    stated = judged.web.get(address, key=judged.manager()).json()
    assert stated["handovers"] == [
        {"code": stated["handovers"][0]["code"], "sent": SENT, "received": RECEIVED, "tolerance": {"absolute": 1, "relative": 0}}
    ]
    tried = judged.web.put(f"{address}?dry_run=true", stated, key=judged.manager())
    assert tried.json()["differences"] == []
    twice = judged.apply(document(handovers=[HANDOVER, HANDOVER]))
    assert [fault["code"] for fault in twice.json()["errors"]] == ["duplicate"]


def test_figures_can_be_asked_as_of_then(judged: Programme) -> None:
    assert {row["state"] for row in told(judged, query="&as_of=2026-11-02T09:30:00Z").values()} == {"awaited"}


def test_a_wider_tolerance_settles_what_was_asked(judged: Programme) -> None:
    month = Month.parse("2026-07")
    for key, other, figures in ((flow("SC-RJE", month), "SC-RL4", (14, 0)), (flow("SC-RL4", month), "SC-RJE", (0, 11))):
        assert judged.submit(key, body(other, sent=figures[0], received=figures[1])).status_code == 201
    assert compare(judged, month)["raised"] == 1
    assert judged.apply(document(handovers=[{**HANDOVER, "tolerance": {"absolute": 1, "relative": "0.3"}}])).status_code == 200
    assert (compare(judged, month)["settled"], compare(judged, month)["settled"]) == (1, 0)
    assert {query["state"] for trust in TRUSTS for query in asked(judged, trust, month)} == {"closed"}
    assert judged.apply(document()).status_code == 200


def with_sites(sites: list[list[str]], **more: Any) -> dict[str, Any]:
    """The two trusts' document, with other sites in each of their assignments."""
    changed = document(**more)
    for assignment, named in zip([each for each in changed["assignments"] if each["subcontract"] in TRUSTS], sites, strict=True):
        assignment["sites"] = named
    return changed


def test_whatever_the_contract_changes_between_them_the_difference_is_asked_of_what_was_stated(programme: Programme) -> None:
    rje, rl4, order = flow("SC-RJE"), flow("SC-RL4"), random.Random(5).sample(range(4), 4)
    assert programme.apply(document()).status_code == 200
    for turn in range(4):
        programme.clock.now += timedelta(hours=1)
        assert programme.submit(rje, body("SC-RL4", sent=14 + turn, received=5)).status_code == 201
        # One more of the four assignments gains a site: what was reported of is kept.
        sites = [["lung", "prostate", *(["bladder"] if at in order[: turn + 1] else [])] for at in range(4)]
        assert programme.apply(with_sites(sites)).status_code == 200
        programme.clock.now += timedelta(hours=1)
        # Another difference each time.
        assert programme.submit(rl4, body("SC-RJE", sent=5, received=50 + 3 * turn)).status_code == 201
        accepted = programme.accept(rl4)
        assert accepted.status_code == 200, accepted.text
        for key in (rje, rl4):
            query = asked(programme, key.subcontract)[-1]
            assert (query["state"], query["origin"], query["revision"]) == ("open", "comparison", turn + 1)
            assert {(cell["measure"], cell["category"]) for cell in query["cells"]} in ({("H-OUT", "SC-RL4")}, {("H-IN", "SC-RJE")})


def test_a_return_that_a_comparison_moves_takes_the_revision_that_waited_for_it(programme: Programme) -> None:
    assert programme.apply(document()).status_code == 200
    programme.clock.now += timedelta(hours=1)
    rje, rl4 = flow("SC-RJE"), flow("SC-RL4")
    for key, other, figures in ((rje, "SC-RL4", (14, 0)), (rl4, "SC-RJE", (0, 11))):
        assert programme.submit(key, body(other, sent=figures[0], received=figures[1])).status_code == 201
    with open_session(programme.database.engine, Tenant(PROGRAMME, "*", "*", "*")) as session, ThreadPoolExecutor(1) as threads:
        hold_ledger(session, PROGRAMME)
        sending = threads.submit(programme.submit, rje, body("SC-RL4", sent=12, received=0))
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        deadline = time.monotonic() + 30
        while programme.all(query) != [(1,)] and time.monotonic() < deadline:
            time.sleep(0.01)
        compare_month(session, PROGRAMME, MONTH, actor=MACHINE, now=programme.clock.now)
        session.commit()
        assert sending.result().status_code == 201
    acts = "SELECT act, status, latest_revision FROM returns WHERE subcontract = 'SC-RJE' ORDER BY recorded_at"
    assert programme.all(acts) == [("submitted", "submitted", 1), ("queried", "queried", 1), ("submitted", "submitted", 2)]
    assert programme.all("SELECT count(*) FROM returns WHERE subcontract = 'SC-RJE' AND closed_at IS NULL") == [(1,)]
    assert [each["state"] for each in asked(programme, "SC-RJE")] == ["open"]


def test_a_frozen_return_is_asked_once_it_is_reopened(programme: Programme) -> None:
    made = document()
    made["collections"][-1]["freeze"] = {"working_day": 18, "months_later": 2}
    assert programme.apply(made).status_code == 200
    programme.clock.now += timedelta(hours=1)
    for key, other, figures in ((flow("SC-RJE"), "SC-RL4", (14, 0)), (flow("SC-RL4"), "SC-RJE", (0, 11))):
        assert programme.submit(key, body(other, sent=figures[0], received=figures[1])).status_code == 201
    programme.clock.now = datetime(2027, 3, 1, tzinfo=UTC)
    frozen = compare(programme)
    assert (frozen["beyond"], frozen["raised"]) == (1, 0)
    assert [asked(programme, trust) for trust in TRUSTS] == [[], []]
    for at, key in enumerate((flow("SC-RJE"), flow("SC-RL4")), 1):
        reopening = {"reason": "They differ", "expires_at": "2027-03-20T00:00:00Z"}
        assert programme.web.post(f"{address(key)}/reopening", reopening, key=programme.manager()).status_code == 201
        assert compare(programme)["raised"] == 1
        assert [len(asked(programme, trust)) for trust in TRUSTS] == [1, at - 1]
    row = told(programme)["SC-RJE", "SC-RL4"]
    assert (row["sender_query"], row["receiver_query"]) == (1, 1)
    assert compare(programme)["raised"] == 0
